/* Records as one server tells them another: what is read is what was written, in however many
 * pieces; what was cut is refused or less, never more. */
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/record_pack.h"

#include <float.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED UINT64_C(50)
enum { RECORDS = 200, POINTS = 4000, PIECE = 5700 };

static struct record records[RECORDS], read_records[PIECE / RECORD_PACK_HEAD_MIN + 1];
static struct point points[POINTS], read_points[PIECE / RECORD_PACK_POINT_MIN];
static struct record_set set = {records, 0, points, 0};

static int64_t odd(struct rnd *rnd)
{
    static const int64_t some[] = {0, 1, 127, 128, -1, INT64_MAX, INT64_MIN, 1764000000000000000};
    uint64_t v = rnd_u64(rnd);
    return v % 3 ? (int64_t)(v >> (v % 60)) : some[v / 3 % 8];
}

static void make_set(struct rnd *rnd)
{
    set.record_count = set.point_count = 0;
    while (set.record_count < RECORDS) {
        uint32_t n = 1 + (uint32_t)(rnd_u64(rnd) % (rnd_u64(rnd) % 20 ? 5 : 1000));
        if (set.point_count + n > POINTS) break;
        records[set.record_count++] =
            (struct record){odd(rnd), odd(rnd), odd(rnd), (uint32_t)set.point_count, n};
        for (uint32_t i = 0; i < n; i++)
            points[set.point_count++] = (struct point){odd(rnd), i % 7 ? (double)i / 3 : DBL_MAX};
    }
}

static void take(const struct record_set *got, size_t *point)
{
    for (size_t i = 0; i < got->record_count; i++) {
        const struct record *r = &got->records[i];
        for (uint32_t k = 0; k < r->count; k++, (*point)++) {
            const struct point *p = &got->points[r->first + k], *sent = &points[*point];
            size_t of = 0;
            while (records[of].first + records[of].count <= *point) of++;
            assert_int_equal(r->org, records[of].org);
            assert_int_equal(r->device, records[of].device);
            assert_int_equal(r->ts_ns, records[of].ts_ns);
            assert_int_equal(p->series, sent->series);
            assert_memory_equal(&p->value, &sent->value, sizeof p->value);
        }
    }
}

static void pieces_of_any_size_hold_every_point_once_and_in_order(void **state)
{
    (void)state;
    struct rnd own, *rnd = &own;
    rnd_seed(rnd, SEED);
    printf("seed %" PRIu64 "\n", SEED);
    for (int round = 0; round < 300; round++) {
        unsigned char bytes[PIECE];
        struct record_pack_place at = {0, 0};
        struct record_set got = {.records = read_records, .points = read_points};
        size_t point = 0;
        make_set(rnd);
        while (at.record < set.record_count) {
            size_t cap = RECORD_PACK_LEAST + rnd_u64(rnd) % (PIECE - RECORD_PACK_LEAST);
            size_t n = record_pack_write(&set, &at, bytes, cap);
            assert_in_range(n, 1, cap);
            assert_int_equal(record_pack_read(bytes_of(bytes, n), &got), ERR_OK);
            take(&got, &point);
        }
        assert_int_equal(point, set.point_count);
    }
}

static void a_piece_that_was_cut_is_refused_or_less(void **state)
{
    (void)state;
    struct rnd own, *rnd = &own;
    rnd_seed(rnd, SEED);
    unsigned char bytes[PIECE];
    struct record_pack_place at = {0, 0};
    make_set(rnd);
    size_t n = record_pack_write(&set, &at, bytes, 700), refused = 0;
    for (size_t i = 0; i < n; i++) {
        struct record_set got = {.records = read_records, .points = read_points};
        char *copy = mem_copy((const char *)bytes, i); /* so that a read past its end is seen */
        size_t point = 0;
        bool bad = record_pack_read(bytes_of(copy, i), &got) != ERR_OK;
        if (!bad) take(&got, &point);
        refused += bad;
        mem_free(copy);
    }
    assert_true(refused > n / 2);
}

static void a_record_without_points_or_with_too_many_is_none(void **state)
{
    (void)state;
    struct record_set got = {.records = read_records, .points = read_points};
    assert_int_equal(record_pack_read(BYTES("\1\1\2\0"), &got), ERR_INVALID);
    assert_int_equal(record_pack_read(BYTES("\1\1\2\2\2"
                                            "12345678"),
                                      &got),
                     ERR_INVALID);
    assert_int_equal(record_pack_read(BYTES("\1\1\2\1\2"
                                            "12345678"),
                                      &got),
                     ERR_OK);
    assert_int_equal(got.point_count, 1);
    assert_int_equal(record_pack_read(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), &got),
                     ERR_INVALID);
    assert_int_equal(record_pack_read(bytes_of(NULL, 0), &got), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_hold_every_point_once_and_in_order),
        cmocka_unit_test(a_piece_that_was_cut_is_refused_or_less),
        cmocka_unit_test(a_record_without_points_or_with_too_many_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
