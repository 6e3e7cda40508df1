/* Reading device blocks (see block.h). Opening checks the checksum and walks the directory once;
 * columns are decoded when they are asked for, a group of 128 at a time. */
#include "codec/block.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/block_parts.h"

#define FLAG_KIND        3u
#define FLAG_STATS_SHIFT 2
#define FLAG_SAME_TIMES  16u
#define FLAG_ALL         31u

enum err block_unframe(struct bytes bytes, enum block_kind kind, struct column_in *ret_in)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    if (bytes.n < BLOCK_HEAD_BYTES + BLOCK_PADDING || bytes.n > BLOCK_MAX_BYTES) return ERR_CORRUPT;
    if (column_load32(p) != bytes.n) return ERR_CORRUPT;
    if (column_load32(p + 4) != crc32c(crc32c(0, p, 4), p + 8, bytes.n - 8)) return ERR_CORRUPT;
    if (p[8] != BLOCK_VERSION) return ERR_VERSION;
    if (p[9] != kind || column_load64(p + bytes.n - BLOCK_PADDING) != 0) return ERR_CORRUPT;
    *ret_in = column_in_of(p + BLOCK_HEAD_BYTES, bytes.n - BLOCK_HEAD_BYTES - BLOCK_PADDING);
    return ERR_OK;
}

/* `at` and `length` are lengths only until place_columns() has seen them all. */
static bool read_time_entry(struct column_in *in, struct block_times *t)
{
    uint64_t count = column_get_varint(in), length = column_get_varint(in);
    uint64_t first = column_get_zigzag(in), span = column_get_varint(in);
    if (in->bad || count == 0 || count > BLOCK_MAX_ROWS || length > BLOCK_MAX_BYTES) return false;
    *t = (struct block_times){(uint32_t)count, 0, (uint32_t)length, (int64_t)first,
                              (int64_t)(first + span)};
    return count == 1 ? span == 0 : t->last_ns > t->first_ns;
}

static bool read_column_entry(struct column_in *in, const struct block *b, uint32_t i)
{
    struct block_column *c = &b->columns[i];
    const struct block_column *before = i ? c - 1 : NULL;
    *c = (struct block_column){0};
    c->series = before ? (int64_t)((uint64_t)before->series + column_get_varint(in))
                       : (int64_t)column_get_zigzag(in);
    unsigned flags = column_get_u8(in), form = flags >> FLAG_STATS_SHIFT & 3;
    c->kind = flags & FLAG_KIND;
    uint64_t time = before ? before->time : 0;
    if (!(flags & FLAG_SAME_TIMES)) time = column_get_varint(in);
    if (c->kind == COLUMN_DECIMAL) c->digits = column_get_u8(in);
    uint64_t length = column_get_varint(in);
    if (in->bad || flags > FLAG_ALL || c->kind > COLUMN_XOR || time >= b->time_count) return false;
    if (length > BLOCK_MAX_BYTES || c->digits > COLUMN_MAX_DIGITS) return false;
    if (before && c->series <= before->series) return false;
    if (block_stats_has_digits(form) && c->kind != COLUMN_DECIMAL) return false;
    c->time = (uint32_t)time;
    c->count = b->times[time].count;
    c->length = (uint32_t)length;
    return block_stats_get(in, form, c->digits, &c->stats);
}

static bool read_directory(struct column_in *in, struct block *b)
{
    for (uint32_t i = 0; i < b->time_count; i++)
        if (!read_time_entry(in, &b->times[i])) return false;
    for (uint32_t i = 0; i < b->column_count; i++)
        if (!read_column_entry(in, b, i)) return false;
    return true;
}

/* Turns lengths into places; they must fill the rest of the block exactly. */
static bool place_columns(const struct column_in *in, struct block *b)
{
    uint64_t at = (uint64_t)(in->p - (const uint8_t *)b->bytes.p), left = column_left(in);
    for (uint32_t i = 0; i < b->time_count; i++) {
        struct block_times *t = &b->times[i];
        if (t->length > left) return false;
        t->at = (uint32_t)at;
        at += t->length;
        left -= t->length;
        if (i == 0 || t->first_ns < b->min_ns) b->min_ns = t->first_ns;
        if (i == 0 || t->last_ns > b->max_ns) b->max_ns = t->last_ns;
    }
    for (uint32_t i = 0; i < b->column_count; i++) {
        struct block_column *c = &b->columns[i];
        if (c->length > left) return false;
        c->at = (uint32_t)at;
        at += c->length;
        left -= c->length;
        b->points += c->count;
    }
    return left == 0;
}

enum err block_open(struct block *ret, struct bytes bytes)
{
    struct column_in in;
    struct block b = {.bytes = bytes};
    enum err e = block_unframe(bytes, BLOCK_SAMPLES, &in);
    if (e) return e;
    b.org = (int64_t)column_get_zigzag(&in);
    b.device = (int64_t)column_get_zigzag(&in);
    uint64_t times = column_get_varint(&in), columns = column_get_varint(&in);
    /* each has a directory entry of more than one byte, so memory is bounded by the bytes */
    if (in.bad || times == 0 || columns == 0 || times > columns || columns > BLOCK_MAX_COLUMNS ||
        columns > column_left(&in))
        return ERR_CORRUPT;
    b.time_count = (uint32_t)times;
    b.column_count = (uint32_t)columns;
    b.times = mem_array(times, sizeof *b.times);
    b.columns = mem_array(columns, sizeof *b.columns);
    e = b.times && b.columns ? ERR_OK : ERR_NOMEM;
    if (!e && (!read_directory(&in, &b) || !place_columns(&in, &b))) e = ERR_CORRUPT;
    if (e)
        block_close(&b);
    else
        *ret = b;
    return e;
}

void block_close(struct block *b)
{
    mem_free(b->columns);
    mem_free(b->times);
    *b = (struct block){0};
}

const struct block_column *block_find(const struct block *b, int64_t series)
{
    uint32_t low = 0, high = b->column_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (b->columns[middle].series < series)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->column_count && b->columns[low].series == series ? &b->columns[low] : NULL;
}

static bool open_values(struct column_value_reader *r, const struct block *b,
                        const struct block_column *c)
{
    return column_value_open(r, c->kind, c->digits, (const uint8_t *)b->bytes.p + c->at, c->length,
                             c->count);
}

enum err block_read_values(const struct block *b, const struct block_column *c, double *ret)
{
    struct column_value_reader r;
    if (!open_values(&r, b, c)) return ERR_CORRUPT;
    for (size_t n, at = 0; at < c->count; at += n) {
        n = column_value_next(&r, ret + at);
        if (!n) return ERR_CORRUPT;
    }
    return column_value_ended(&r) ? ERR_OK : ERR_CORRUPT;
}

/* A time column that is being read; checks what the directory says of it. */
struct times_reader {
    struct column_int_reader ints;
    const struct block_times *about;
    int64_t last_ns;
    bool started;
};

static bool open_times(struct times_reader *r, const struct block *b, uint32_t time)
{
    const struct block_times *t = &b->times[time];
    *r = (struct times_reader){.about = t};
    return column_int_open(&r->ints, (const uint8_t *)b->bytes.p + t->at, t->length, t->count);
}

/* As column_int_next(), and 0 when the order is broken. */
static size_t next_times(struct times_reader *r, int64_t *ret)
{
    size_t n = column_int_next(&r->ints, ret);
    if (!n) return 0;
    bool good = r->started ? ret[0] > r->last_ns : ret[0] == r->about->first_ns;
    for (size_t i = 1; i < n; i++) good &= ret[i - 1] < ret[i];
    r->started = true;
    r->last_ns = ret[n - 1];
    return good ? n : 0;
}

static bool times_ended(const struct times_reader *r)
{
    return column_int_ended(&r->ints) && r->last_ns == r->about->last_ns;
}

enum err block_read_times(const struct block *b, uint32_t time, int64_t *ret)
{
    struct times_reader r;
    if (!open_times(&r, b, time)) return ERR_CORRUPT;
    for (size_t n, at = 0; at < r.about->count; at += n) {
        n = next_times(&r, ret + at);
        if (!n) return ERR_CORRUPT;
    }
    return times_ended(&r) ? ERR_OK : ERR_CORRUPT;
}

enum err block_read_samples(const struct block *b, const struct block_column *c, struct sample *ret)
{
    struct times_reader times;
    struct column_value_reader values;
    int64_t ts[COLUMN_GROUP];
    double v[COLUMN_GROUP];
    if (!open_times(&times, b, c->time) || !open_values(&values, b, c)) return ERR_CORRUPT;
    for (size_t n, at = 0; at < c->count; at += n) {
        n = next_times(&times, ts);
        if (!n || column_value_next(&values, v) != n) return ERR_CORRUPT;
        for (size_t i = 0; i < n; i++) ret[at + i] = (struct sample){ts[i], v[i]};
    }
    return times_ended(&times) && column_value_ended(&values) ? ERR_OK : ERR_CORRUPT;
}
