/* Columns: every shape of data comes back bit for bit, and damaged bytes never lead outside. */
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/column_bits.h"
#include "codec/column_value.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED UINT64_C(20240117)
#define MAX  3000u

static double uniform(struct rnd *r)
{
    return rnd_unit(r) * 2 - 1;
}

static int64_t integer_of_shape(struct rnd *r, unsigned shape, size_t i, int64_t before)
{
    uint64_t u = rnd_u64(r);
    uint64_t b = (uint64_t)before;
    switch (shape) {
    case 0:
        return 42;
    case 1:
        return (int64_t)i * 1000000000;
    case 2:
        return (int64_t)u;
    case 3:
        return (int64_t)(b + 1000000000 + u % 5000000);
    case 4:
        return (int64_t)(b + (u % 3) - 1);
    case 5:
        return i % 100 == 99 ? (int64_t)u : 7;
    case 6:
        return u & 1 ? INT64_MAX : INT64_MIN;
    case 7:
        return (int64_t)(i * i);
    case 8:
        return (int64_t)(5000 + u % 16);
    case 9:
        return i % 2 ? INT64_MIN + (int64_t)i : (int64_t)i;
    case 10:
        return (int64_t)(b + UINT64_C(60000000000) * (u % 50 ? 1 : 2));
    case 11:
        return (int64_t)(u >> (u % 64));
    default:
        return (int64_t)(b + 3600 * (u % 7));
    }
}
#define INTEGER_SHAPES 13u

static void read_integers(const struct buf *b, size_t n, const int64_t *want)
{
    struct column_int_reader r;
    int64_t got[COLUMN_GROUP];
    assert_true(column_int_open(&r, (const uint8_t *)b->p, b->n - 8, n));
    for (size_t at = 0; at < n;) {
        size_t c = column_int_next(&r, got);
        assert_true(c > 0);
        assert_memory_equal(got, want + at, c * sizeof *got);
        at += c;
    }
    assert_true(column_int_ended(&r));
    assert_int_equal(column_int_next(&r, got), 0);
}

static void integers_of_every_shape_come_back(void **state)
{
    (void)state;
    struct rnd r;
    static int64_t x[MAX], scratch[MAX];
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    for (unsigned round = 0; round < 600; round++) {
        unsigned shape = round % INTEGER_SHAPES;
        size_t n = 1 + (round < 300 ? rnd_below(&r, 300) : rnd_below(&r, MAX));
        int64_t before = (int64_t)rnd_u64(&r);
        for (size_t i = 0; i < n; i++) x[i] = before = integer_of_shape(&r, shape, i, before);
        struct buf b;
        buf_init(&b, 1 << 20);
        column_int_encode(&b, x, n, scratch);
        column_put_u64(&b, UINT64_MAX);
        assert_int_equal(b.err, ERR_OK);
        assert_true(b.n <= 40 + n * 8 + n / 16 + 8);
        read_integers(&b, n, x);
        buf_done(&b);
    }
}

static double double_of_shape(struct rnd *r, unsigned shape, double before)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    static const double odd[] = {0.0, -0.0, 1e308, -1e308, 5e-324, 2.2e-308, 1.0 / 3, 0.1, 9e15};
    uint64_t u = rnd_u64(r);
    if (shape < 10) return (double)((int64_t)u % 1000000) / powers[shape];
    switch (shape) {
    case 10:
        return column_bits_double(u); /* NaNs among them */
    case 11:
        return (double)(float)uniform(r); /* many trailing zeros */
    case 12:
        return before + uniform(r);
    case 13:
        return odd[u % 9];
    case 14:
        return 0.1 + 0.2;
    case 15:
        return u % 50 ? (double)(int64_t)(u % 4000) / 100 : -0.0; /* decimals but for some */
    case 16:
        return u % 40 ? 1.5 : column_bits_double(UINT64_C(0x7ff8000000000000) | u >> 32);
    case 17:
        return (double)(u % 2000) * 0.5;
    case 18:
        return (double)((int64_t)u >> 12);
    case 19:
        return u % 20 ? before : uniform(r); /* steps */
    case 20:
        return u % 7 ? (double)(u % 1000) / 10 : (double)(u % 100000) / 1000;
    default:
        return column_bits_double((uint64_t)(u % 3) << 62 | 1);
    }
}
#define DOUBLE_SHAPES 22u

static void read_doubles(const struct buf *b, const struct column_shape *shape, size_t n,
                         const double *want)
{
    struct column_value_reader r;
    double got[COLUMN_GROUP];
    assert_true(
        column_value_open(&r, shape->kind, shape->digits, (const uint8_t *)b->p, b->n - 8, n));
    for (size_t at = 0; at < n;) {
        size_t c = column_value_next(&r, got);
        assert_true(c > 0);
        assert_memory_equal(got, want + at, c * sizeof *got);
        at += c;
    }
    assert_true(column_value_ended(&r));
}

static void doubles_of_every_shape_come_back_bit_for_bit(void **state)
{
    (void)state;
    struct rnd r;
    static double v[MAX];
    unsigned kinds[3] = {0};
    struct column_scratch scratch;
    column_scratch_init(&scratch);
    rnd_seed(&r, SEED);
    for (unsigned round = 0; round < 1100; round++) {
        size_t n = 1 + (round < 600 ? rnd_below(&r, 300) : rnd_below(&r, MAX));
        double before = 20;
        for (size_t i = 0; i < n; i++)
            v[i] = before = double_of_shape(&r, round % DOUBLE_SHAPES, before);
        struct buf b;
        struct column_shape shape;
        buf_init(&b, 1 << 20);
        assert_int_equal(column_scratch_fit(&scratch, n), ERR_OK);
        column_value_encode(&b, v, n, &scratch, &shape);
        column_put_u64(&b, UINT64_MAX);
        assert_int_equal(b.err, ERR_OK);
        read_doubles(&b, &shape, n, v);
        kinds[shape.kind]++;
        buf_done(&b);
    }
    column_scratch_done(&scratch);
    for (int i = 0; i < 3; i++) assert_true(kinds[i] > 10); /* the data reaches all three */
}

/* Bytes a value of n values of one shape. */
static double cost_of(unsigned shape, size_t n)
{
    struct rnd r;
    static double v[MAX];
    struct column_scratch scratch;
    struct column_shape ignored;
    struct buf b;
    rnd_seed(&r, SEED);
    column_scratch_init(&scratch);
    buf_init(&b, 1 << 20);
    double before = 20;
    for (size_t i = 0; i < n; i++) v[i] = before = double_of_shape(&r, shape, before);
    assert_int_equal(column_scratch_fit(&scratch, n), ERR_OK);
    column_value_encode(&b, v, n, &scratch, &ignored);
    double cost = (double)b.n / (double)n;
    buf_done(&b);
    column_scratch_done(&scratch);
    return cost;
}

static void each_sort_of_data_costs_what_it_should(void **state)
{
    (void)state;
    assert_true(cost_of(14, MAX) < 0.01); /* constant, though not a short decimal */
    assert_true(cost_of(2, MAX) < 2.7);   /* 2,000,000 equally likely values: 2.62 */
    assert_true(cost_of(10, MAX) < 8.1);  /* random bits cannot be shorter */
    assert_true(cost_of(11, MAX) < 4.5);  /* singles */
    assert_true(cost_of(15, MAX) < 2.0);  /* 2 % of exceptions */
    assert_true(cost_of(17, MAX) < 1.45); /* 2,000 values in steps of a half: 1.37 */
    assert_true(cost_of(19, MAX) < 1.0);  /* one step in 20 values */
}

/* Whatever the bytes say, readers stay inside: the copy ends where its 8 bytes of slack end, and
 * AddressSanitizer watches it. */
static void read_anything(const uint8_t *p, size_t n, size_t count)
{
    uint8_t *copy = mem_zalloc(n + 8);
    assert_non_null(copy);
    memcpy(copy, p, n);
    double v[COLUMN_GROUP];
    int64_t x[COLUMN_GROUP];
    for (unsigned kind = 0; kind < 4; kind++) {
        struct column_value_reader r;
        if (!column_value_open(&r, kind, kind ? 0 : 2, copy, n, count)) continue;
        while (column_value_next(&r, v) > 0) {
        }
    }
    struct column_int_reader ints;
    if (column_int_open(&ints, copy, n, count))
        while (column_int_next(&ints, x) > 0) {
        }
    mem_free(copy);
}

static void damaged_columns_never_lead_outside(void **state)
{
    (void)state;
    struct rnd r;
    static double v[500];
    struct column_scratch scratch;
    struct column_shape shape;
    rnd_seed(&r, SEED);
    column_scratch_init(&scratch);
    assert_int_equal(column_scratch_fit(&scratch, 500), ERR_OK);
    for (unsigned round = 0; round < 20 * DOUBLE_SHAPES; round++) {
        size_t n = 1 + rnd_below(&r, 500);
        struct buf b;
        buf_init(&b, 1 << 20);
        double before = 20;
        for (size_t i = 0; i < n; i++)
            v[i] = before = double_of_shape(&r, round % DOUBLE_SHAPES, before);
        column_value_encode(&b, v, n, &scratch, &shape);
        for (unsigned change = 0; change < 20; change++) {
            b.p[rnd_below(&r, b.n)] = (char)rnd_u64(&r);
            read_anything((const uint8_t *)b.p, 1 + rnd_below(&r, b.n), n);
        }
        buf_done(&b);
    }
    column_scratch_done(&scratch);
}

static void truncated_columns_are_refused(void **state)
{
    (void)state;
    struct rnd r;
    static int64_t x[400], scratch[400];
    rnd_seed(&r, SEED);
    for (unsigned shape = 0; shape < INTEGER_SHAPES; shape++) {
        struct buf b;
        buf_init(&b, 1 << 20);
        int64_t before = 5;
        for (size_t i = 0; i < 400; i++) x[i] = before = integer_of_shape(&r, shape, i, before);
        column_int_encode(&b, x, 400, scratch);
        size_t whole = b.n;
        column_put_u64(&b, 0);
        for (size_t n = 0; n < whole; n++) {
            struct column_int_reader in;
            int64_t got[COLUMN_GROUP];
            bool good = column_int_open(&in, (const uint8_t *)b.p, n, 400);
            while (good && in.left > 0) good = column_int_next(&in, got) > 0;
            assert_false(good);
        }
        buf_done(&b);
    }
}

static void scaling_knows_decimals_from_others(void **state)
{
    (void)state;
    int64_t k;
    assert_true(column_value_scale(21.37, 2, &k));
    assert_int_equal(k, 2137);
    assert_false(column_value_scale(21.37, 1, &k));
    assert_false(column_value_scale(-0.0, 2, &k));
    assert_false(column_value_scale(1.0 / 3, 15, &k));
    assert_false(column_value_scale(1e300, 0, &k));
    assert_true(column_value_scale(2251799813685248.0, 0, &k));
    assert_false(column_value_scale(2251799813685249.0, 0, &k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_shape_come_back),
        cmocka_unit_test(doubles_of_every_shape_come_back_bit_for_bit),
        cmocka_unit_test(each_sort_of_data_costs_what_it_should),
        cmocka_unit_test(damaged_columns_never_lead_outside),
        cmocka_unit_test(truncated_columns_are_refused),
        cmocka_unit_test(scaling_knows_decimals_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
