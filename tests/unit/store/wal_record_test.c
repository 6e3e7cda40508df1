/* The payload of a log record: exact, and never trusting. */
#include "base/mem.h"
#include "base/rnd.h"
#include "store/embedded/wal_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define RECORDS 200
#define POINTS  1000

static struct record records[RECORDS];
static struct point points[POINTS];

static int64_t odd_number(struct rnd *rnd)
{
    static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    uint64_t dice = rnd_below(rnd, 8);
    if (dice < 6) return edges[dice];
    return (int64_t)rnd_u64(rnd);
}

static double odd_value(struct rnd *rnd)
{
    static const double edges[] = {
        0.0, -0.0, 0.0001, 1e300, -1e-300, 0.1, 9e11, -9e11, 899999999999.9999, 123.4567};
    uint64_t dice = rnd_below(rnd, 20);
    if (dice < 10) return edges[dice];
    if (dice < 15) return (double)((int64_t)rnd_below(rnd, 2000000) - 1000000) / 10000;
    uint64_t bits = rnd_u64(rnd) & UINT64_C(0xbfffffffffffffff); /* finite */
    double value;
    memcpy(&value, &bits, 8);
    return value;
}

static struct record_set random_set(struct rnd *rnd)
{
    size_t used = 0, n = 0;
    for (; n < RECORDS; n++) {
        uint32_t count = (uint32_t)rnd_below(rnd, 10);
        if (used + count > POINTS) break;
        records[n] = (struct record){odd_number(rnd), odd_number(rnd), odd_number(rnd),
                                     (uint32_t)used, count};
        for (uint32_t i = 0; i < count; i++, used++)
            points[used] =
                (struct point){rnd_below(rnd, 2) ? (int64_t)used : odd_number(rnd), odd_value(rnd)};
    }
    return (struct record_set){records, n, points, used};
}

static void expect_same(struct bytes payload, const struct record_set *set)
{
    struct wal_reader r = wal_record_reader(payload);
    struct record record;
    struct point point;
    for (size_t i = 0; i < set->record_count; i++) {
        const struct record *want = &set->records[i];
        assert_int_equal(wal_record_next(&r, &record), ERR_OK);
        assert_true(record.org == want->org && record.device == want->device &&
                    record.ts_ns == want->ts_ns && record.count == want->count);
        for (uint32_t k = 0; k < want->count; k++) {
            assert_int_equal(wal_record_point(&r, &point), ERR_OK);
            assert_memory_equal(&point, &set->points[want->first + k], sizeof point);
        }
    }
    assert_int_equal(wal_record_next(&r, &record), ERR_END);
}

/* Reads on until the end or an error; how many records were whole. */
static size_t read_all(struct bytes payload, enum err *ret_err)
{
    struct wal_reader r = wal_record_reader(payload);
    struct record record;
    struct point point;
    size_t whole = 0;
    while (!(*ret_err = wal_record_next(&r, &record))) {
        for (uint32_t k = 0; k < record.count; k++)
            if ((*ret_err = wal_record_point(&r, &point))) return whole;
        whole++;
    }
    return whole;
}

static void random_sets_come_back_bit_for_bit(void **state)
{
    (void)state;
    struct rnd rnd;
    rnd_seed(&rnd, 4711);
    for (int round = 0; round < 300; round++) {
        struct record_set set = random_set(&rnd);
        const struct record_set *sets[] = {&set};
        size_t bound = wal_record_bound(sets, 1);
        char *p = mem_alloc(bound);
        size_t n = wal_record_encode(sets, 1, p);
        assert_true(n + 8 <= bound);
        expect_same(bytes_of(p, n), &set);
        mem_free(p);
    }
}

static void a_cut_payload_is_never_read_as_more_than_it_holds(void **state)
{
    (void)state;
    struct rnd rnd;
    rnd_seed(&rnd, 4712);
    struct record_set set = random_set(&rnd);
    const struct record_set *sets[] = {&set};
    char *p = mem_alloc(wal_record_bound(sets, 1));
    size_t n = wal_record_encode(sets, 1, p);
    for (size_t cut = 0; cut < n; cut++) {
        enum err e;
        char *exact = mem_copy(p, cut); /* so that a sanitizer sees any read past it */
        size_t whole = read_all(bytes_of(exact, cut), &e);
        assert_true(e == ERR_CORRUPT || (e == ERR_END && whole < set.record_count));
        mem_free(exact);
    }
    mem_free(p);
}

static void ten_variables_at_two_decimals_take_less_than_five_bytes_a_point(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        records[i] = (struct record){1, i + 1, INT64_C(1700000000000000000), i * 10, 10};
        for (uint32_t k = 0; k < 10; k++)
            points[i * 10 + k] = (struct point){i * 10 + k + 1, 20.25 + k};
    }
    struct record_set set = {records, 100, points, 1000};
    const struct record_set *sets[] = {&set};
    char *p = mem_alloc(wal_record_bound(sets, 1));
    assert_true(wal_record_encode(sets, 1, p) < 5000);
    mem_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_sets_come_back_bit_for_bit),
        cmocka_unit_test(a_cut_payload_is_never_read_as_more_than_it_holds),
        cmocka_unit_test(ten_variables_at_two_decimals_take_less_than_five_bytes_a_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
