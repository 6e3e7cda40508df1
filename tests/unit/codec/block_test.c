/* Device blocks: what goes in comes out, and no damaged byte goes unseen. */
#include "codec/block.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/column_bits.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED    UINT64_C(77)
#define COLUMNS 40u
#define ROWS    700u

struct data {
    int64_t ts[COLUMNS][ROWS];
    double values[COLUMNS][ROWS];
    struct block_input in[COLUMNS];
    size_t n;
};

static double value_of(struct rnd *r, unsigned shape, double before)
{
    switch (shape % 6) {
    case 0:
        return round(before * 100 + (double)rnd_below(r, 61) - 30) / 100;
    case 1:
        return 21.5;
    case 2:
        return rnd_unit(r);
    case 3:
        return (double)rnd_below(r, 3);
    case 4:
        return rnd_below(r, 9) ? (double)(int64_t)rnd_below(r, 2000) / 10 - 100 : -0.0;
    default:
        return column_bits_double(rnd_u64(r));
    }
}

/* A third of the columns shares the first times by pointer, a third by content, a third has its
 * own. */
static void make_data(struct data *d, struct rnd *r, size_t columns)
{
    int64_t series = (int64_t)rnd_below(r, 1000) - 500;
    *d = (struct data){.n = columns};
    for (size_t c = 0; c < columns; c++) {
        size_t count = c % 3 ? d->in[0].count : 1 + rnd_below(r, ROWS);
        int64_t t = (int64_t)(rnd_u64(r) >> 8);
        for (size_t i = 0; i < count; i++)
            d->ts[c][i] = t += 1 + (int64_t)rnd_below(r, c % 2 ? 2 : 1000000000);
        if (c % 3) memcpy(d->ts[c], d->ts[0], sizeof d->ts[c]);
        double before = 20;
        unsigned shape = (unsigned)rnd_below(r, 6);
        for (size_t i = 0; i < count; i++) d->values[c][i] = before = value_of(r, shape, before);
        d->in[c] = (struct block_input){series, d->ts[c % 3 == 1 ? 0 : c], d->values[c], count};
        series += 1 + (int64_t)rnd_below(r, 5);
    }
}

static void encode(struct buf *out, const struct data *d)
{
    struct block_encoder *e;
    assert_int_equal(block_encoder_new(&e), ERR_OK);
    assert_int_equal(block_encode(e, out, -3, INT64_MAX, d->in, d->n), ERR_OK);
    block_encoder_free(e);
}

static void check_stats(const struct block_stats *s, const struct block_input *in)
{
    double min = NAN, max = NAN, sum = 0, size = 0;
    for (size_t i = 0; i < in->count; i++) {
        if (!isnan(in->values[i])) { /* fmin() passes a signalling NaN on */
            min = fmin(min, in->values[i]);
            max = fmax(max, in->values[i]);
        }
        sum += in->values[i];
        size += fabs(in->values[i]);
    }
    assert_true(s->min == min || (isnan(min) && isnan(s->min)));
    assert_true(s->max == max || (isnan(max) && isnan(s->max)));
    assert_memory_equal(&s->first, &in->values[0], sizeof s->first);
    assert_memory_equal(&s->last, &in->values[in->count - 1], sizeof s->last);
    if (isfinite(size)) assert_true(fabs(s->sum - sum) <= 1e-12 * size);
}

static void check_column(const struct block *b, const struct block_input *in)
{
    static int64_t ts[ROWS];
    static double values[ROWS];
    static struct sample samples[ROWS];
    const struct block_column *c = block_find(b, in->series);
    assert_non_null(c);
    assert_int_equal(c->count, in->count);
    check_stats(&c->stats, in);
    assert_int_equal(block_read_times(b, c->time, ts), ERR_OK);
    assert_int_equal(block_read_values(b, c, values), ERR_OK);
    assert_int_equal(block_read_samples(b, c, samples), ERR_OK);
    assert_memory_equal(ts, in->ts_ns, in->count * sizeof *ts);
    assert_memory_equal(values, in->values, in->count * sizeof *values);
    for (size_t i = 0; i < in->count; i++) {
        assert_int_equal(samples[i].ts_ns, ts[i]);
        assert_memory_equal(&samples[i].value, &values[i], sizeof values[i]);
    }
}

static void samples_and_statistics_come_back(void **state)
{
    (void)state;
    static struct data d;
    struct rnd r;
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    for (unsigned round = 0; round < 120; round++) {
        struct buf out;
        struct block b;
        buf_init(&out, 1 << 24);
        buf_add_str(&out, "before");
        make_data(&d, &r, 1 + rnd_below(&r, COLUMNS));
        encode(&out, &d);
        assert_int_equal(block_open(&b, bytes_of(out.p + 6, out.n - 6)), ERR_OK);
        assert_int_equal(b.org, -3);
        assert_int_equal(b.device, INT64_MAX);
        assert_int_equal(b.column_count, d.n);
        for (size_t c = 0; c < d.n; c++) check_column(&b, &d.in[c]);
        assert_null(block_find(&b, d.in[d.n - 1].series + 1));
        assert_null(block_find(&b, d.in[0].series - 1));
        block_close(&b);
        buf_done(&out);
    }
}

static void shared_times_are_stored_once(void **state)
{
    (void)state;
    static int64_t ts[3][1000];
    static double values[1000];
    struct block_input in[12];
    struct data d = {.n = 12};
    struct buf out;
    struct block b;
    for (int i = 0; i < 1000; i++)
        ts[0][i] = ts[1][i] = ts[2][i] = i * INT64_C(1000000000) + i * i % 17;
    ts[2][500]++;
    for (int i = 0; i < 12; i++)
        in[i] = d.in[i] =
            (struct block_input){i, ts[i == 7 ? 2 : i % 2], values, i == 5 ? 999 : 1000};
    buf_init(&out, 1 << 20);
    encode(&out, &d);
    assert_int_equal(block_open(&b, buf_bytes(&out)), ERR_OK);
    assert_int_equal(b.time_count, 3); /* the shorter and the slightly other one are their own */
    assert_int_equal(b.points, 11999);
    assert_int_equal(b.min_ns, in[0].ts_ns[0]);
    assert_int_equal(b.max_ns, in[0].ts_ns[999]);
    static int64_t got[1000];
    assert_int_equal(block_read_times(&b, block_find(&b, 7)->time, got), ERR_OK);
    assert_memory_equal(got, ts[2], sizeof got);
    block_close(&b);
    buf_done(&out);
}

static void the_sum_of_decimals_is_rounded_once(void **state)
{
    (void)state;
    static int64_t ts[1000];
    static double values[1000];
    struct data d = {.n = 1};
    struct buf out;
    struct block b;
    for (int i = 0; i < 1000; i++) {
        ts[i] = i;
        values[i] = 0.1;
    }
    d.in[0] = (struct block_input){1, ts, values, 1000};
    buf_init(&out, 1 << 20);
    encode(&out, &d);
    assert_true(out.n < 60); /* constant values, constant step */
    assert_int_equal(block_open(&b, buf_bytes(&out)), ERR_OK);
    assert_true(b.columns[0].stats.sum == 100.0); /* adding one by one gives 99.9999999999986 */
    block_close(&b);
    buf_done(&out);
}

static void every_flipped_bit_and_every_cut_is_corrupt(void **state)
{
    (void)state;
    static struct data d;
    struct rnd r;
    struct buf out;
    struct block b;
    rnd_seed(&r, SEED);
    buf_init(&out, 1 << 20);
    make_data(&d, &r, 4);
    for (int i = 0; i < 4; i++)
        if (d.in[i].count > 20) d.in[i].count = 20;
    encode(&out, &d);
    for (size_t bit = 0; bit < out.n * 8; bit++) {
        out.p[bit / 8] = (char)(out.p[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(block_open(&b, buf_bytes(&out)), ERR_CORRUPT);
        out.p[bit / 8] = (char)(out.p[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t n = 0; n < out.n; n++)
        assert_int_equal(block_open(&b, bytes_of(out.p, n)), ERR_CORRUPT);
    assert_int_equal(block_open(&b, buf_bytes(&out)), ERR_OK);
    block_close(&b);
    buf_done(&out);
}

static void seal_again(char *p, size_t n)
{
    uint8_t *u = (uint8_t *)p;
    column_store32(u, (uint32_t)n);
    column_store32(u + 4, crc32c(crc32c(0, u, 4), u + 8, n - 8));
}

static void read_everything(struct bytes bytes)
{
    static struct sample samples[BLOCK_MAX_ROWS];
    struct block b;
    if (block_open(&b, bytes)) return;
    for (uint32_t i = 0; i < b.column_count; i++)
        if (block_read_samples(&b, &b.columns[i], samples)) break;
    block_close(&b);
}

/* AddressSanitizer watches the copy, which ends where the block does. */
static void hostile_bytes_with_a_right_checksum_lead_nowhere(void **state)
{
    (void)state;
    static struct data d;
    struct rnd r;
    rnd_seed(&r, SEED);
    for (unsigned round = 0; round < 3000; round++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        if (round % 50 == 0) make_data(&d, &r, 1 + rnd_below(&r, 5));
        encode(&out, &d);
        size_t n = rnd_below(&r, 4) ? out.n : 9 + rnd_below(&r, out.n - 9);
        char *copy = mem_alloc(n);
        assert_non_null(copy);
        memcpy(copy, out.p, n);
        size_t reach = rnd_below(&r, 2) && n > 80 ? 80 : n; /* the directory, or anything */
        for (uint64_t change = rnd_below(&r, 4); change > 0; change--)
            copy[8 + rnd_below(&r, reach - 8)] = (char)rnd_u64(&r);
        seal_again(copy, n);
        read_everything(bytes_of(copy, n));
        mem_free(copy);
        buf_done(&out);
    }
}

static void a_newer_version_is_told_from_damage(void **state)
{
    (void)state;
    static struct data d;
    struct rnd r;
    struct buf out;
    struct block b;
    rnd_seed(&r, SEED);
    buf_init(&out, 1 << 20);
    make_data(&d, &r, 1);
    encode(&out, &d);
    out.p[8]++;
    assert_int_equal(block_open(&b, buf_bytes(&out)), ERR_CORRUPT);
    seal_again(out.p, out.n);
    assert_int_equal(block_open(&b, buf_bytes(&out)), ERR_VERSION);
    buf_done(&out);
}

static void what_is_out_of_order_or_too_much_is_refused(void **state)
{
    (void)state;
    static int64_t ts[BLOCK_MAX_ROWS + 1];
    static double values[BLOCK_MAX_ROWS + 1];
    struct block_encoder *e;
    struct buf out;
    for (size_t i = 0; i <= BLOCK_MAX_ROWS; i++) ts[i] = (int64_t)i;
    buf_init(&out, 1 << 20);
    assert_int_equal(block_encoder_new(&e), ERR_OK);
    struct block_input in[2] = {{2, ts, values, 10}, {2, ts, values, 10}};
    assert_int_equal(block_encode(e, &out, 1, 1, in, 0), ERR_INVALID);
    assert_int_equal(block_encode(e, &out, 1, 1, in, 2), ERR_INVALID);
    in[0].count = 0;
    assert_int_equal(block_encode(e, &out, 1, 1, in, 1), ERR_INVALID);
    in[0].count = BLOCK_MAX_ROWS + 1;
    assert_int_equal(block_encode(e, &out, 1, 1, in, 1), ERR_TOOLARGE);
    assert_int_equal(block_encode(e, &out, 1, 1, in, BLOCK_MAX_COLUMNS + 1), ERR_TOOLARGE);
    in[0].count = BLOCK_MAX_ROWS;
    ts[7] = ts[6];
    assert_int_equal(block_encode(e, &out, 1, 1, in, 1), ERR_INVALID);
    assert_int_equal(out.n, 0);
    ts[7] = 7;
    assert_int_equal(block_encode(e, &out, 1, 1, in, 1), ERR_OK);
    read_everything(buf_bytes(&out));
    block_encoder_free(e);
    buf_done(&out);
}

static void a_block_holds_ten_thousand_variables(void **state)
{
    (void)state;
    static struct block_input in[10000];
    int64_t ts[3] = {1, 2, 30};
    double values[3] = {1.25, 3.5, -7};
    struct block_encoder *e;
    struct buf out;
    struct block b;
    buf_init(&out, 1 << 24);
    for (int i = 0; i < 10000; i++) in[i] = (struct block_input){i * 7 + 1, ts, values, 3};
    assert_int_equal(block_encoder_new(&e), ERR_OK);
    assert_int_equal(block_encode(e, &out, 1, 1, in, 10000), ERR_OK);
    assert_int_equal(block_open(&b, buf_bytes(&out)), ERR_OK);
    assert_int_equal(b.points, 30000);
    assert_int_equal(block_find(&b, 9999 * 7 + 1) - b.columns, 9999);
    assert_int_equal(b.time_count, 1);
    block_close(&b);
    block_encoder_free(e);
    buf_done(&out);
}

/* One encode and open; what failed, or ERR_OK. */
static enum err once(const struct data *d)
{
    struct block_encoder *encoder = NULL;
    struct block b = {0};
    struct buf out;
    buf_init(&out, 1 << 20);
    enum err e = block_encoder_new(&encoder);
    if (!e) e = block_encode(encoder, &out, 1, 1, d->in, d->n);
    if (!e) e = block_open(&b, buf_bytes(&out));
    block_close(&b);
    block_encoder_free(encoder);
    buf_done(&out);
    return e;
}

static void every_failing_allocation_is_answered_and_leaks_nothing(void **state)
{
    (void)state;
    static struct data d;
    struct rnd r;
    rnd_seed(&r, SEED + 1);
    make_data(&d, &r, 12);
    int64_t alive = mem_blocks(), n = 0;
    for (bool fired = true; fired;) {
        mem_fail_at(++n);
        enum err e = once(&d);
        fired = mem_fail_fired();
        assert_int_equal(e, fired ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_blocks(), alive);
    }
    mem_fail_at(0);
    assert_true(n > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_and_statistics_come_back),
        cmocka_unit_test(shared_times_are_stored_once),
        cmocka_unit_test(the_sum_of_decimals_is_rounded_once),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_corrupt),
        cmocka_unit_test(hostile_bytes_with_a_right_checksum_lead_nowhere),
        cmocka_unit_test(a_newer_version_is_told_from_damage),
        cmocka_unit_test(what_is_out_of_order_or_too_much_is_refused),
        cmocka_unit_test(a_block_holds_ten_thousand_variables),
        cmocka_unit_test(every_failing_allocation_is_answered_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
