/* Writing device blocks (see block.h). The directory and the columns grow in buffers of their own,
 * then everything is put together behind the head. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/block_parts.h"

#define FLAG_STATS_SHIFT 2
#define FLAG_SAME_TIMES  16u

enum err block_encoder_new(struct block_encoder **ret)
{
    struct block_encoder *e = mem_zalloc(sizeof *e);
    if (!e) return ERR_NOMEM;
    column_scratch_init(&e->scratch);
    buf_init(&e->time_directory, BLOCK_MAX_BYTES);
    buf_init(&e->directory, BLOCK_MAX_BYTES);
    buf_init(&e->times, BLOCK_MAX_BYTES);
    buf_init(&e->values, BLOCK_MAX_BYTES);
    *ret = e;
    return ERR_OK;
}

void block_encoder_free(struct block_encoder *e)
{
    if (!e) return;
    column_scratch_done(&e->scratch);
    buf_done(&e->time_directory);
    buf_done(&e->directory);
    buf_done(&e->times);
    buf_done(&e->values);
    mem_free(e);
}

void block_encoder_clear(struct block_encoder *e)
{
    buf_clear(&e->time_directory);
    buf_clear(&e->directory);
    buf_clear(&e->times);
    buf_clear(&e->values);
    e->time_count = 0;
}

enum err block_encoder_frame(struct block_encoder *e, struct buf *out, enum block_kind kind,
                             const struct buf *head)
{
    static const uint8_t padding[BLOCK_PADDING];
    const struct buf *parts[] = {head, &e->time_directory, &e->directory, &e->times, &e->values};
    size_t start = out->n, n = BLOCK_HEAD_BYTES + BLOCK_PADDING;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i]->err) return parts[i]->err;
        n += parts[i]->n;
    }
    if (n > BLOCK_MAX_BYTES) return ERR_TOOLARGE;
    uint8_t *to = (uint8_t *)buf_reserve(out, n);
    if (!to) return out->err;
    column_store32(to, (uint32_t)n);
    to[8] = BLOCK_VERSION;
    to[9] = (uint8_t)kind;
    buf_advance(out, BLOCK_HEAD_BYTES);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        buf_add(out, parts[i]->p, parts[i]->n);
    buf_add(out, padding, sizeof padding);
    bug_if(out->err || out->n - start != n);
    column_store32(to + 4, crc32c(crc32c(0, to, 4), to + 8, n - 8));
    return ERR_OK;
}

static bool ascending(const int64_t *ts, size_t n)
{
    bool good = true;
    for (size_t i = 1; i < n; i++) good &= ts[i - 1] < ts[i];
    return good;
}

static bool same_times(const struct block_recent_times *r, const struct block_input *in)
{
    if (r->count != in->count) return false;
    if (r->ts_ns == in->ts_ns) return true;
    size_t last = in->count - 1;
    return r->ts_ns[0] == in->ts_ns[0] && r->ts_ns[last] == in->ts_ns[last] &&
           memcmp(r->ts_ns, in->ts_ns, in->count * sizeof *in->ts_ns) == 0;
}

/* The index of the time column of `in`, which is written when none of the last few is the same. */
static enum err put_times(struct block_encoder *e, const struct block_input *in, uint32_t *ret)
{
    uint32_t known = e->time_count < BLOCK_RECENT_TIMES ? e->time_count : BLOCK_RECENT_TIMES;
    for (uint32_t i = 1; i <= known; i++) {
        const struct block_recent_times *r = &e->recent[(e->time_count - i) % BLOCK_RECENT_TIMES];
        if (!same_times(r, in)) continue;
        *ret = r->index;
        return ERR_OK;
    }
    if (!ascending(in->ts_ns, in->count)) return ERR_INVALID;
    size_t start = e->times.n;
    column_int_encode(&e->times, in->ts_ns, in->count, e->scratch.b);
    uint64_t first = (uint64_t)in->ts_ns[0], last = (uint64_t)in->ts_ns[in->count - 1];
    column_put_varint(&e->time_directory, in->count);
    column_put_varint(&e->time_directory, e->times.n - start);
    column_put_zigzag(&e->time_directory, first);
    column_put_varint(&e->time_directory, last - first);
    e->recent[e->time_count % BLOCK_RECENT_TIMES] =
        (struct block_recent_times){in->ts_ns, in->count, e->time_count};
    *ret = e->time_count++;
    return ERR_OK;
}

static void put_column(struct block_encoder *e, const struct block_input *in, uint32_t time,
                       bool same_time)
{
    struct column_shape shape;
    size_t start = e->values.n;
    column_value_encode(&e->values, in->values, in->count, &e->scratch, &shape);
    struct block_stats stats = block_stats_of(in->values, in->count, &shape);
    unsigned form = block_stats_form(&stats, &shape);
    column_put_u8(&e->directory,
                  shape.kind | form << FLAG_STATS_SHIFT | (same_time ? FLAG_SAME_TIMES : 0));
    if (!same_time) column_put_varint(&e->directory, time);
    if (shape.kind == COLUMN_DECIMAL) column_put_u8(&e->directory, shape.digits);
    column_put_varint(&e->directory, e->values.n - start);
    block_stats_put(&e->directory, &stats, form, &shape);
}

static enum err check_input(const struct block_input *cols, size_t n)
{
    if (n == 0) return ERR_INVALID;
    if (n > BLOCK_MAX_COLUMNS) return ERR_TOOLARGE;
    for (size_t i = 0; i < n; i++) {
        if (cols[i].count == 0) return ERR_INVALID;
        if (cols[i].count > BLOCK_MAX_ROWS) return ERR_TOOLARGE;
        if (i > 0 && cols[i].series <= cols[i - 1].series) return ERR_INVALID;
    }
    return ERR_OK;
}

enum err block_encode(struct block_encoder *e, struct buf *out, int64_t org, int64_t device,
                      const struct block_input *cols, size_t n)
{
    enum err err = out->err ? out->err : check_input(cols, n);
    if (err) return err;
    block_encoder_clear(e);
    uint32_t before = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t time;
        err = column_scratch_fit(&e->scratch, cols[i].count);
        if (!err) err = put_times(e, &cols[i], &time);
        if (err) return err;
        if (i == 0)
            column_put_zigzag(&e->directory, (uint64_t)cols[i].series);
        else
            column_put_varint(&e->directory,
                              (uint64_t)cols[i].series - (uint64_t)cols[i - 1].series);
        put_column(e, &cols[i], time, time == before);
        if (e->values.err) return e->values.err;
        before = time;
    }
    char memory[4 * COLUMN_VARINT_MAX];
    struct buf head = {.p = memory, .cap = sizeof memory, .max = sizeof memory};
    column_put_zigzag(&head, (uint64_t)org);
    column_put_zigzag(&head, (uint64_t)device);
    column_put_varint(&head, e->time_count);
    column_put_varint(&head, n);
    return block_encoder_frame(e, out, BLOCK_SAMPLES, &head);
}
