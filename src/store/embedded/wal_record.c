/* The payload of a log record (see wal_record.h). Numbers are relative to the record and the point
 * before, so that the usual neighbours (same organisation, next device, next series) cost no byte.
 * A value with at most four decimals is kept as an integer of ten-thousandths, others as they are.
 */
#include "store/embedded/wal_record.h"

/* Every record and every point begins with a byte that has both high bits set. This keeps any 512
 * bytes of a log from having a single set bit, so a sector that was never written can not be taken
 * for one flipped bit (FORMAT.md, "Torn or damaged"). */
#define MARK          0xc0u
#define RECORD_ORG    0x01u /* an organisation follows */
#define RECORD_DEVICE 0x02u /* a device follows */
#define POINT_SERIES  0x20u /* a series follows; else it is the one before plus 1 */
#define POINT_FORM    0x0fu /* 0: 8 raw bytes; 1 to 7: that many bytes of zigzag ten-thousandths */

#define VARINT_MAX 10 /* bytes of a 64-bit number, 7 bits each */
#define RECORD_MAX (1 + 4 * VARINT_MAX)
#define POINT_MAX  (1 + VARINT_MAX + 8)
#define SCALE      1e4
/* Below 2^54 / 1e4 the product's integer is exact and fits 7 bytes with its sign. */
#define SCALED_LIMIT 9.0e11

static uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Differences wrap, so any two numbers have one. */
static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static uint8_t *put_varint(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

size_t wal_record_bound(const struct record_set *const *sets, size_t n)
{
    size_t bound = 0;
    for (size_t i = 0; i < n; i++)
        bound += sets[i]->record_count * RECORD_MAX + sets[i]->point_count * POINT_MAX;
    return bound + 8; /* a value is written as 8 bytes and then cut */
}

/* How many bytes the value takes; 8 raw when a decimal of four places does not give it back. */
static unsigned put_value(uint8_t *to, double value, unsigned *ret_form)
{
    if (value > -SCALED_LIMIT && value < SCALED_LIMIT) {
        double scaled = value * SCALE;
        int64_t whole = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
        double back = (double)whole / SCALE;
        if (memcmp(&back, &value, 8) == 0) { /* the bits, because -0.0 == 0.0 */
            uint64_t bits = zigzag(whole);
            unsigned n = bits ? (unsigned)(71 - __builtin_clzll(bits)) / 8 : 1;
            memcpy(to, &bits, 8);
            *ret_form = n;
            return n;
        }
    }
    memcpy(to, &value, 8);
    *ret_form = 0;
    return 8;
}

static uint8_t *put_points(uint8_t *to, const struct point *points, size_t n, int64_t *series)
{
    int64_t before = *series;
    for (size_t i = 0; i < n; i++) {
        uint8_t *mark = to++;
        unsigned flags = MARK, form;
        int64_t step = minus(points[i].series, before);
        if (step != 1) {
            flags |= POINT_SERIES;
            to = put_varint(to, zigzag(step));
        }
        before = points[i].series;
        to += put_value(to, points[i].value, &form);
        *mark = (uint8_t)(flags | form);
    }
    *series = before;
    return to;
}

static uint8_t *put_record(uint8_t *to, const struct record *record, struct wal_reader *before)
{
    uint8_t *mark = to++;
    unsigned flags = MARK;
    if (record->org != before->org) {
        flags |= RECORD_ORG;
        to = put_varint(to, zigzag(minus(record->org, before->org)));
    }
    if (record->device != before->device) {
        flags |= RECORD_DEVICE;
        to = put_varint(to, zigzag(minus(record->device, before->device)));
    }
    to = put_varint(to, zigzag(minus(record->ts_ns, before->ts_ns)));
    to = put_varint(to, record->count);
    *mark = (uint8_t)flags;
    before->org = record->org;
    before->device = record->device;
    before->ts_ns = record->ts_ns;
    return to;
}

size_t wal_record_encode(const struct record_set *const *sets, size_t n, char *to)
{
    uint8_t *at = (uint8_t *)to;
    struct wal_reader before = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sets[i]->record_count; k++) {
            const struct record *record = &sets[i]->records[k];
            at = put_record(at, record, &before);
            at = put_points(at, sets[i]->points + record->first, record->count, &before.series);
        }
    return (size_t)(at - (uint8_t *)to);
}

struct wal_reader wal_record_reader(struct bytes payload)
{
    const uint8_t *p = (const uint8_t *)payload.p;
    return (struct wal_reader){.p = p, .end = p + payload.n};
}

static bool get_varint(struct wal_reader *r, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && r->p < r->end; shift += 7) {
        uint8_t byte = *r->p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *ret = v;
        return shift < 63 || byte <= 1;
    }
    return false;
}

static bool get_relative(struct wal_reader *r, int64_t *number)
{
    uint64_t step;
    if (!get_varint(r, &step)) return false;
    *number = plus(*number, unzigzag(step));
    return true;
}

enum err wal_record_next(struct wal_reader *r, struct record *ret)
{
    if (r->p == r->end) return ERR_END;
    unsigned flags = *r->p++;
    uint64_t count;
    if ((flags & ~(RECORD_ORG | RECORD_DEVICE)) != MARK) return ERR_CORRUPT;
    if (flags & RECORD_ORG && !get_relative(r, &r->org)) return ERR_CORRUPT;
    if (flags & RECORD_DEVICE && !get_relative(r, &r->device)) return ERR_CORRUPT;
    if (!get_relative(r, &r->ts_ns) || !get_varint(r, &count)) return ERR_CORRUPT;
    /* A point takes two bytes at least. */
    if (count > (uint64_t)(r->end - r->p) / 2) return ERR_CORRUPT;
    *ret = (struct record){
        .org = r->org, .device = r->device, .ts_ns = r->ts_ns, .count = (uint32_t)count};
    return ERR_OK;
}

static bool get_value(struct wal_reader *r, unsigned form, double *ret)
{
    size_t n = form ? form : 8;
    if (form > 7 || (size_t)(r->end - r->p) < n) return false;
    uint64_t bits = 0;
    memcpy(&bits, r->p, n);
    r->p += n;
    if (form)
        *ret = (double)unzigzag(bits) / SCALE;
    else
        memcpy(ret, &bits, 8);
    return true;
}

enum err wal_record_point(struct wal_reader *r, struct point *ret)
{
    if (r->p == r->end) return ERR_CORRUPT;
    unsigned flags = *r->p++;
    if ((flags & ~(POINT_SERIES | POINT_FORM)) != MARK) return ERR_CORRUPT;
    if (!(flags & POINT_SERIES))
        r->series = plus(r->series, 1);
    else if (!get_relative(r, &r->series))
        return ERR_CORRUPT;
    double value;
    if (!get_value(r, flags & POINT_FORM, &value)) return ERR_CORRUPT;
    *ret = (struct point){r->series, value};
    return ERR_OK;
}
