/* Rollup blocks: what goes in comes out, and no damaged byte goes unseen. */
#include "codec/block_rollup.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/column_bits.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED UINT64_C(4711)
#define ROWS 3000u

static struct block_rollup_row rows[ROWS], got[BLOCK_ROLLUP_MAX_ROWS];

static double value_of(struct rnd *r, unsigned shape)
{
    if (shape == 0) return (double)(int64_t)rnd_below(r, 100000) / 100 - 300;
    if (shape == 1) return rnd_unit(r);
    return rnd_below(r, 30) ? (double)rnd_below(r, 50) / 4 : column_bits_double(rnd_u64(r));
}

static void make_rows(struct rnd *r, size_t n)
{
    int64_t series = -5, hour = 0;
    unsigned shape = (unsigned)rnd_below(r, 3);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || rnd_below(r, 20) == 0) {
            series += 1 + (int64_t)rnd_below(r, 3);
            hour = (int64_t)rnd_below(r, 500000) * NS_PER_HOUR;
        }
        hour += (1 + (int64_t)rnd_below(r, 2)) * NS_PER_HOUR;
        struct rollup u = {.hour_ns = hour, .count = 1 + rnd_below(r, 3600)};
        u.min = value_of(r, shape);
        u.max = value_of(r, shape);
        u.first = value_of(r, shape);
        u.last = value_of(r, shape);
        u.sum = rnd_unit(r) * 1e6;
        u.m2 = rnd_unit(r);
        u.first_ns = hour + (int64_t)rnd_below(r, 1000) * NS_PER_MS;
        u.last_ns = rnd_below(r, 50) ? hour + NS_PER_HOUR - 1 : (int64_t)rnd_u64(r);
        rows[i] = (struct block_rollup_row){series, u};
    }
}

static void encode(struct buf *out, size_t n)
{
    struct block_encoder *e;
    assert_int_equal(block_encoder_new(&e), ERR_OK);
    assert_int_equal(block_rollup_encode(e, out, 7, -9, rows, n), ERR_OK);
    block_encoder_free(e);
}

static void rows_come_back_bit_for_bit(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    for (unsigned round = 0; round < 100; round++) {
        struct buf out;
        struct block_rollup_head head;
        size_t n = 1 + rnd_below(&r, round < 70 ? 50 : ROWS);
        buf_init(&out, 1 << 24);
        make_rows(&r, n);
        encode(&out, n);
        assert_int_equal(block_rollup_open(buf_bytes(&out), &head), ERR_OK);
        assert_int_equal(head.org, 7);
        assert_int_equal(head.device, -9);
        assert_int_equal(head.rows, n);
        assert_int_equal(head.min_series, rows[0].series);
        assert_int_equal(head.max_series, rows[n - 1].series);
        assert_int_equal(block_rollup_read(buf_bytes(&out), got), ERR_OK);
        assert_memory_equal(got, rows, n * sizeof *rows);
        for (size_t i = 0; i < n; i++)
            assert_in_range(got[i].rollup.hour_ns, (uintmax_t)head.min_hour_ns,
                            (uintmax_t)head.max_hour_ns);
        buf_done(&out);
    }
}

static void every_flipped_bit_and_every_cut_is_corrupt(void **state)
{
    (void)state;
    struct rnd r;
    struct buf out;
    struct block_rollup_head head;
    rnd_seed(&r, SEED);
    buf_init(&out, 1 << 20);
    make_rows(&r, 20);
    encode(&out, 20);
    for (size_t bit = 0; bit < out.n * 8; bit++) {
        out.p[bit / 8] = (char)(out.p[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(block_rollup_open(buf_bytes(&out), &head), ERR_CORRUPT);
        out.p[bit / 8] = (char)(out.p[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t n = 0; n < out.n; n++)
        assert_int_equal(block_rollup_open(bytes_of(out.p, n), &head), ERR_CORRUPT);
    buf_done(&out);
}

static void hostile_bytes_with_a_right_checksum_lead_nowhere(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED);
    for (unsigned round = 0; round < 3000; round++) {
        struct buf out;
        struct block_rollup_head head;
        buf_init(&out, 1 << 20);
        size_t rows_in = 1 + rnd_below(&r, 40);
        if (round % 50 == 0) make_rows(&r, 40);
        encode(&out, rows_in);
        size_t n = rnd_below(&r, 4) ? out.n : 9 + rnd_below(&r, out.n - 9);
        char *copy = mem_alloc(n);
        assert_non_null(copy);
        memcpy(copy, out.p, n);
        for (uint64_t change = rnd_below(&r, 4); change > 0; change--)
            copy[8 + rnd_below(&r, n - 8)] = (char)rnd_u64(&r);
        column_store32((uint8_t *)copy, (uint32_t)n);
        column_store32((uint8_t *)copy + 4, crc32c(crc32c(0, copy, 4), copy + 8, n - 8));
        if (!block_rollup_open(bytes_of(copy, n), &head)) {
            enum err e = block_rollup_read(bytes_of(copy, n), got);
            assert_true(e == ERR_OK || e == ERR_CORRUPT);
        }
        mem_free(copy);
        buf_done(&out);
    }
}

static void rows_out_of_order_are_refused(void **state)
{
    (void)state;
    struct rnd r;
    struct buf out;
    struct block_encoder *e;
    rnd_seed(&r, SEED);
    buf_init(&out, 1 << 20);
    make_rows(&r, 10);
    assert_int_equal(block_encoder_new(&e), ERR_OK);
    assert_int_equal(block_rollup_encode(e, &out, 1, 1, rows, 0), ERR_INVALID);
    assert_int_equal(block_rollup_encode(e, &out, 1, 1, rows, BLOCK_ROLLUP_MAX_ROWS + 1),
                     ERR_TOOLARGE);
    rows[5] = rows[4];
    assert_int_equal(block_rollup_encode(e, &out, 1, 1, rows, 10), ERR_INVALID);
    rows[5].series = rows[4].series - 1;
    assert_int_equal(block_rollup_encode(e, &out, 1, 1, rows, 10), ERR_INVALID);
    assert_int_equal(out.n, 0);
    block_encoder_free(e);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_bit_for_bit),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_corrupt),
        cmocka_unit_test(hostile_bytes_with_a_right_checksum_lead_nowhere),
        cmocka_unit_test(rows_out_of_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
