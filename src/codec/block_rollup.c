/* Rollup blocks (see block_rollup.h): one table of a device's rows, transposed into columns.
 * Five columns are integers; four more are whenever the samples were decimals, and then all but
 * the least value are told by their distance from it; sum and m2 are doubles. */
#include "codec/block_rollup.h"

#include "base/mem.h"
#include "codec/block_parts.h"

/* The columns in their order: integers, then the four values, then what is never a decimal for
 * sure. */
enum { SERIES, HOUR, COUNT, FIRST_NS, LAST_NS, MIN, MAX, FIRST, LAST, SUM, M2, COLUMNS };
#define PLAIN 255u /* the four values are doubles like sum and m2 */

static bool is_integer(unsigned column, unsigned digits)
{
    return column < MIN || (column <= LAST && digits != PLAIN);
}

static double *double_of(struct rollup *r, unsigned column)
{
    double *const columns[] = {&r->min, &r->max, &r->first, &r->last, &r->sum, &r->m2};
    return columns[column - MIN];
}

/* A value as a decimal; block_rollup_encode() and the reader have looked that it is one. */
static uint64_t scaled(double v, unsigned digits)
{
    int64_t k = 0;
    if (!column_value_scale(v, digits, &k)) return 0;
    return (uint64_t)k;
}

static uint64_t integer_of(const struct block_rollup_row *row, const struct block_rollup_row *base,
                           unsigned column, unsigned digits)
{
    struct rollup r = row->rollup;
    switch (column) {
    case SERIES:
        return (uint64_t)row->series - (uint64_t)base->series;
    case HOUR:
        return (uint64_t)r.hour_ns - (uint64_t)base->rollup.hour_ns;
    case COUNT:
        return r.count;
    case FIRST_NS:
        return (uint64_t)r.first_ns - (uint64_t)r.hour_ns;
    case LAST_NS:
        return (uint64_t)r.last_ns - (uint64_t)r.hour_ns;
    case MIN:
        return scaled(r.min, digits);
    default:
        return scaled(*double_of(&r, column), digits) - scaled(r.min, digits);
    }
}

/* Columns are set in order, so that what others are relative to is there when they come. */
static void set_integer(struct block_rollup_row *row, const struct block_rollup_head *head,
                        unsigned column, unsigned digits, uint64_t x)
{
    struct rollup *r = &row->rollup;
    switch (column) {
    case SERIES:
        row->series = (int64_t)((uint64_t)head->min_series + x);
        break;
    case HOUR:
        r->hour_ns = (int64_t)((uint64_t)head->min_hour_ns + x);
        break;
    case COUNT:
        r->count = x;
        break;
    case FIRST_NS:
        r->first_ns = (int64_t)((uint64_t)r->hour_ns + x);
        break;
    case LAST_NS:
        r->last_ns = (int64_t)((uint64_t)r->hour_ns + x);
        break;
    case MIN:
        r->min = column_value_unscale((int64_t)x, digits);
        break;
    default:
        *double_of(r, column) = column_value_unscale((int64_t)(scaled(r->min, digits) + x), digits);
    }
}

/* The digits with which min, max, first and last of all rows are decimals, or PLAIN. */
static unsigned find_digits(const struct block_rollup_row *rows, size_t n)
{
    unsigned digits = 0;
    int64_t k;
    for (unsigned pass = 0; pass < 2; pass++) /* the second proves the early ones with all digits */
        for (size_t i = 0; i < n * 4; i++) {
            struct rollup r = rows[i / 4].rollup;
            double v = *double_of(&r, MIN + (unsigned)(i % 4));
            while (!column_value_scale(v, digits, &k))
                if (++digits > COLUMN_MAX_DIGITS || pass > 0) return PLAIN;
        }
    return digits;
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
                         const struct block_rollup_row *base, unsigned column, unsigned digits)
{
    size_t start = e->values.n;
    for (size_t i = 0; i < n; i++)
        e->scratch.a[i] = (int64_t)integer_of(&rows[i], base, column, digits);
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
    column_put_u8(&e->directory, shape.kind | (unsigned)shape.digits << 2);
    column_put_varint(&e->directory, e->values.n - start);
}

/* Fills `base` with the least series and hour, to which the columns are relative. */
static void put_head(struct buf *head, int64_t org, int64_t device,
                     const struct block_rollup_row *rows, size_t n, struct block_rollup_row *base)
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
    base->series = rows[0].series;
    base->rollup.hour_ns = least;
}

enum err block_rollup_encode(struct block_encoder *e, struct buf *out, int64_t org, int64_t device,
                             const struct block_rollup_row *rows, size_t n)
{
    enum err err = out->err ? out->err : check_rows(rows, n);
    if (!err) err = column_scratch_fit(&e->scratch, n);
    if (err) return err;
    double *work = mem_array(n, sizeof *work);
    if (!work) return ERR_NOMEM;
    char memory[8 * COLUMN_VARINT_MAX];
    struct buf head = {.p = memory, .cap = sizeof memory, .max = sizeof memory};
    struct block_rollup_row base = {0};
    unsigned digits = find_digits(rows, n);
    block_encoder_clear(e);
    put_head(&head, org, device, rows, n, &base);
    column_put_u8(&head, digits);
    for (unsigned column = 0; column < COLUMNS; column++)
        if (is_integer(column, digits))
            put_integers(e, rows, n, &base, column, digits);
        else
            put_doubles(e, rows, n, column, work);
    mem_free(work);
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
                          const struct block_rollup_head *head, struct block_rollup_row *rows)
{
    struct column_int_reader r;
    int64_t x[COLUMN_GROUP];
    const uint8_t *p = column_get(in, entry->length);
    if (!p || !column_int_open(&r, p, entry->length, head->rows)) return false;
    for (size_t c, at = 0; at < head->rows; at += c) {
        c = column_int_next(&r, x);
        if (!c) return false;
        for (size_t i = 0; i < c; i++)
            set_integer(&rows[at + i], head, column, entry->digits, (uint64_t)x[i]);
    }
    return column_int_ended(&r);
}

static bool read_doubles(struct column_in *in, const struct entry *entry, unsigned column,
                         const struct block_rollup_head *head, struct block_rollup_row *rows)
{
    struct column_value_reader r;
    double v[COLUMN_GROUP];
    const uint8_t *p = column_get(in, entry->length);
    if (!p || !column_value_open(&r, entry->kind, entry->digits, p, entry->length, head->rows))
        return false;
    for (size_t c, at = 0; at < head->rows; at += c) {
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
    struct entry entries[COLUMNS] = {{0}};
    if (!read_head(&in, &head)) return ERR_CORRUPT;
    unsigned digits = column_get_u8(&in);
    if (digits > COLUMN_MAX_DIGITS && digits != PLAIN) return ERR_CORRUPT;
    for (unsigned i = 0; i < COLUMNS; i++) {
        struct entry *entry = &entries[i];
        unsigned form = is_integer(i, digits) ? 0 : column_get_u8(&in);
        entry->kind = form & 3;
        entry->digits = (uint8_t)(is_integer(i, digits) && i >= MIN ? digits : form >> 2);
        entry->length = column_get_varint(&in);
    }
    for (unsigned i = 0; i < COLUMNS; i++)
        if (is_integer(i, digits) ? !read_integers(&in, &entries[i], i, &head, ret)
                                  : !read_doubles(&in, &entries[i], i, &head, ret))
            return ERR_CORRUPT;
    if (column_left(&in) || check_rows(ret, head.rows)) return ERR_CORRUPT;
    return ERR_OK;
}
