/* Records as bytes (see record_pack.h). */
#include "codec/record_pack.h"

#include <string.h>

enum { VARINT_MAX = 10, VALUE_BYTES = 8, HEAD_MAX = 4 * VARINT_MAX };
enum { POINT_MAX = VARINT_MAX + VALUE_BYTES };

static uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static int64_t less(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* --- writing ---------------------------------------------------------------------------------- */

static unsigned char *put_varint(unsigned char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) *p++ = (unsigned char)(v | 0x80);
    *p++ = (unsigned char)v;
    return p;
}

static unsigned char *put_value(unsigned char *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < VALUE_BYTES; i++) *p++ = (unsigned char)(bits >> (8 * i));
    return p;
}

/* As many points of a record as surely fit into `room`. */
static uint32_t fitting(uint32_t left, size_t room)
{
    size_t n = room < HEAD_MAX ? 0 : (room - HEAD_MAX) / POINT_MAX;
    return n < left ? (uint32_t)n : left;
}

size_t record_pack_write(const struct record_set *set, struct record_pack_place *at, void *out,
                         size_t cap)
{
    unsigned char *p = out;
    const unsigned char *end = p + cap;
    int64_t ts_ns = 0, series = 0;
    while (at->record < set->record_count) {
        const struct record *r = &set->records[at->record];
        uint32_t left = r->count - at->point, n = fitting(left, (size_t)(end - p));
        if (left && !n) break;
        if (n) {
            p = put_varint(p, (uint64_t)r->org);
            p = put_varint(p, (uint64_t)r->device);
            p = put_varint(p, zigzag(less(r->ts_ns, ts_ns)));
            p = put_varint(p, n);
            ts_ns = r->ts_ns;
        }
        for (uint32_t i = 0; i < n; i++) {
            const struct point *point = &set->points[r->first + at->point + i];
            p = put_varint(p, zigzag(less(point->series, series)));
            p = put_value(p, point->value);
            series = point->series;
        }
        at->point += n;
        if (at->point < r->count) break;
        at->record++;
        at->point = 0;
    }
    return (size_t)(p - (unsigned char *)out);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct reader {
    const unsigned char *p, *end;
    bool bad;
};

static uint64_t get_varint(struct reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->p == r->end) break;
        unsigned char byte = *r->p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return v;
    }
    r->bad = true;
    return 0;
}

static double get_value(struct reader *r)
{
    uint64_t bits = 0;
    double value;
    if (r->end - r->p < VALUE_BYTES) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < VALUE_BYTES; i++) bits |= (uint64_t)*r->p++ << (8 * i);
    memcpy(&value, &bits, sizeof value);
    return value;
}

enum err record_pack_read(struct bytes in, struct record_set *ret)
{
    struct reader r = {(const unsigned char *)in.p, (const unsigned char *)in.p + in.n, false};
    int64_t ts_ns = 0, series = 0;
    ret->record_count = ret->point_count = 0;
    while (r.p < r.end && !r.bad) {
        struct record *record = &ret->records[ret->record_count];
        record->org = (int64_t)get_varint(&r);
        record->device = (int64_t)get_varint(&r);
        record->ts_ns = ts_ns = plus(ts_ns, unzigzag(get_varint(&r)));
        uint64_t count = get_varint(&r);
        record->first = (uint32_t)ret->point_count;
        record->count = (uint32_t)count;
        if (!count || count > (size_t)(r.end - r.p) / RECORD_PACK_POINT_MIN) r.bad = true;
        for (uint64_t i = 0; i < count && !r.bad; i++) {
            series = plus(series, unzigzag(get_varint(&r)));
            ret->points[ret->point_count++] = (struct point){series, get_value(&r)};
        }
        ret->record_count++;
    }
    return r.bad ? ERR_INVALID : ERR_OK;
}
