/* Rollup blocks (see block_rollup.h): one table of a device's rows, transposed into columns. Five
 * columns are integers; six are doubles, of which four are decimals whenever the samples were. */
#include "codec/block_rollup.h"

#include "base/mem.h"
#include "codec/block_parts.h"

#define INTEGERS 5u
#define DOUBLES  6u

static uint64_t integer_of(const struct block_rollup_row *row, unsigned column)
{
    const struct rollup *r = &row->rollup;
    switch (column) {
    case 0:
        return (uint64_t)row->series;
    case 1:
        return (uint64_t)r->hour_ns;
    case 2:
        return r->count;
    case 3:
        return (uint64_t)r->first_ns - (uint64_t)r->hour_ns;
    default:
        return (uint64_t)r->last_ns - (uint64_t)r->hour_ns;
    }
}

/* Columns are set in order, so that the hour is there when what is relative to it comes. */
static void set_integer(struct block_rollup_row *row, unsigned column, uint64_t x)
{
    struct rollup *r = &row->rollup;
    switch (column) {
    case 0:
        row->series = (int64_t)x;
        break;
    case 1:
        r->hour_ns = (int64_t)x;
        break;
    case 2:
        r->count = x;
        break;
    case 3:
        r->first_ns = (int64_t)((uint64_t)r->hour_ns + x);
        break;
    default:
        r->last_ns = (int64_t)((uint64_t)r->hour_ns + x);
    }
}

static double *double_of(struct rollup *r, unsigned column)
{
    double *const columns[DOUBLES] = {&r->min, &r->max, &r->first, &r->last, &r->sum, &r->m2};
    return columns[column];
}

static enum err check_rows(const struct block_rollup_row *rows, size_t n)
{
    if (n == 0) return ERR_INVALID;
    if (n > BLOCK_ROLLUP_MAX_ROWS) return ERR_TOOLARGE;
    for (size_t i = 1; i < n; i++) {
        const struct block_rollup_row *a = &rows[i - 1], *b = &rows[i];
        if (a->series > b->series) return ERR_INVALID;
        if (a->series == b->series && a->rollup.hour_ns >= b->rollup.hour_ns) return ERR_INVALID;
    }
    return ERR_OK;
}

static void put_integers(struct block_encoder *e, const struct block_rollup_row *rows, size_t n,
                         unsigned column)
{
    size_t start = e->values.n;
    for (size_t i = 0; i < n; i++) e->scratch.a[i] = (int64_t)integer_of(&rows[i], column);
    column_int_encode(&e->values, e->scratch.a, n, e->scratch.b);
    column_put_varint(&e->directory, e->values.n - start);
}

static void put_doubles(struct block_encoder *e, const struct block_rollup_row *rows, size_t n,
                        unsigned column, double *work)
{
    struct column_shape shape;
    size_t start = e->values.n;
    for (size_t i = 0; i < n; i++) {
        struct rollup r = rows[i].rollup;
        work[i] = *double_of(&r, column);
    }
    column_value_encode(&e->values, work, n, &e->scratch, &shape);
    column_put_u8(&e->directory, shape.kind);
    column_put_u8(&e->directory, shape.digits);
    column_put_varint(&e->directory, e->values.n - start);
}

static void put_head(struct buf *head, int64_t org, int64_t device,
                     const struct block_rollup_row *rows, size_t n)
{
    int64_t least = rows[0].rollup.hour_ns, most = least;
    for (size_t i = 1; i < n; i++) {
        if (rows[i].rollup.hour_ns < least) least = rows[i].rollup.hour_ns;
        if (rows[i].rollup.hour_ns > most) most = rows[i].rollup.hour_ns;
    }
    column_put_zigzag(head, (uint64_t)org);
    column_put_zigzag(head, (uint64_t)device);
    column_put_varint(head, n);
    column_put_zigzag(head, (uint64_t)least);
    column_put_varint(head, (uint64_t)most - (uint64_t)least);
    column_put_zigzag(head, (uint64_t)rows[0].series);
    column_put_varint(head, (uint64_t)rows[n - 1].series - (uint64_t)rows[0].series);
}

enum err block_rollup_encode(struct block_encoder *e, struct buf *out, int64_t org, int64_t device,
                             const struct block_rollup_row *rows, size_t n)
{
    enum err err = out->err ? out->err : check_rows(rows, n);
    if (!err) err = column_scratch_fit(&e->scratch, n);
    if (err) return err;
    double *work = mem_array(n, sizeof *work);
    if (!work) return ERR_NOMEM;
    block_encoder_clear(e);
    for (unsigned column = 0; column < INTEGERS; column++) put_integers(e, rows, n, column);
    for (unsigned column = 0; column < DOUBLES; column++) put_doubles(e, rows, n, column, work);
    mem_free(work);
    char memory[8 * COLUMN_VARINT_MAX];
    struct buf head = {.p = memory, .cap = sizeof memory, .max = sizeof memory};
    put_head(&head, org, device, rows, n);
    return block_encoder_frame(e, out, BLOCK_ROLLUPS, &head);
}

static bool read_head(struct column_in *in, struct block_rollup_head *ret)
{
    ret->org = (int64_t)column_get_zigzag(in);
    ret->device = (int64_t)column_get_zigzag(in);
    uint64_t rows = column_get_varint(in), hour = column_get_zigzag(in);
    ret->min_hour_ns = (int64_t)hour;
    ret->max_hour_ns = (int64_t)(hour + column_get_varint(in));
    uint64_t series = column_get_zigzag(in);
    ret->min_series = (int64_t)series;
    ret->max_series = (int64_t)(series + column_get_varint(in));
    ret->rows = (uint32_t)rows;
    return !in->bad && rows > 0 && rows <= BLOCK_ROLLUP_MAX_ROWS &&
           ret->min_hour_ns <= ret->max_hour_ns && ret->min_series <= ret->max_series;
}

enum err block_rollup_open(struct bytes block, struct block_rollup_head *ret)
{
    struct column_in in;
    struct block_rollup_head head;
    enum err e = block_unframe(block, BLOCK_ROLLUPS, &in);
    if (e) return e;
    if (!read_head(&in, &head)) return ERR_CORRUPT;
    *ret = head;
    return ERR_OK;
}

struct entry {
    uint8_t kind, digits;
    uint64_t length;
};

static bool read_integers(struct column_in *in, const struct entry *entry, unsigned column,
                          struct block_rollup_row *rows, size_t n)
{
    struct column_int_reader r;
    int64_t x[COLUMN_GROUP];
    const uint8_t *p = column_get(in, entry->length);
    if (!p || !column_int_open(&r, p, entry->length, n)) return false;
    for (size_t c, at = 0; at < n; at += c) {
        c = column_int_next(&r, x);
        if (!c) return false;
        for (size_t i = 0; i < c; i++) set_integer(&rows[at + i], column, (uint64_t)x[i]);
    }
    return column_int_ended(&r);
}

static bool read_doubles(struct column_in *in, const struct entry *entry, unsigned column,
                         struct block_rollup_row *rows, size_t n)
{
    struct column_value_reader r;
    double v[COLUMN_GROUP];
    const uint8_t *p = column_get(in, entry->length);
    if (!p || !column_value_open(&r, entry->kind, entry->digits, p, entry->length, n)) return false;
    for (size_t c, at = 0; at < n; at += c) {
        c = column_value_next(&r, v);
        if (!c) return false;
        for (size_t i = 0; i < c; i++) *double_of(&rows[at + i].rollup, column) = v[i];
    }
    return column_value_ended(&r);
}

enum err block_rollup_read(struct bytes block, struct block_rollup_row *ret)
{
    struct column_in in =
        column_in_of(block.p + BLOCK_HEAD_BYTES, block.n - BLOCK_HEAD_BYTES - BLOCK_PADDING);
    struct block_rollup_head head;
    struct entry entries[INTEGERS + DOUBLES] = {{0}};
    if (!read_head(&in, &head)) return ERR_CORRUPT;
    for (unsigned i = 0; i < INTEGERS + DOUBLES; i++) {
        if (i >= INTEGERS) {
            entries[i].kind = column_get_u8(&in);
            entries[i].digits = column_get_u8(&in);
        }
        entries[i].length = column_get_varint(&in);
    }
    for (unsigned i = 0; i < INTEGERS; i++)
        if (!read_integers(&in, &entries[i], i, ret, head.rows)) return ERR_CORRUPT;
    for (unsigned i = 0; i < DOUBLES; i++)
        if (!read_doubles(&in, &entries[INTEGERS + i], i, ret, head.rows)) return ERR_CORRUPT;
    if (column_left(&in) || check_rows(ret, head.rows)) return ERR_CORRUPT;
    return ERR_OK;
}
