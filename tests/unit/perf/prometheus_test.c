/* perf/prometheus.h: the text, to the byte. */
#include "perf/prometheus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct buf *b, const char *text)
{
    assert_string_equal(buf_cstr(b), text);
    buf_clear(b);
}

static void values_are_written_so_that_they_read_back(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    prometheus_sample(&b, "a", NULL, 0);
    prometheus_sample(&b, "a", "", 3);
    prometheus_sample(&b, "a", "x=\"y\"", 0.1);
    prometheus_sample(&b, "a", NULL, -2);
    prometheus_sample(&b, "a", NULL, 1e18);
    prometheus_count(&b, "n", "x=\"y\"", UINT64_MAX);
    expect(&b, "a 0\na 3\na{x=\"y\"} 0.10000000000000001\na -2\na 1e+18\n"
               "n{x=\"y\"} 18446744073709551615\n");
    buf_done(&b);
}

static void a_histogram_has_every_bound_in_seconds_and_sums_up(void **state)
{
    (void)state;
    struct histogram h = {0};
    struct buf b, expected;
    char line[80];
    uint64_t below = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS - 1; i++) histogram_record(&h, histogram_bound_ns[i]);
    histogram_record(&h, INT64_MAX / 2);
    buf_init(&b, 1 << 16);
    buf_init(&expected, 1 << 16);
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        char bound[16] = "+Inf";
        if (i < HISTOGRAM_BUCKETS - 1)
            snprintf(bound, sizeof bound, "%g", (double)histogram_bound_ns[i] / 1e9);
        snprintf(line, sizeof line, "h_bucket{le=\"%s\"} %llu\n", bound,
                 (unsigned long long)++below);
        buf_add_str(&expected, line);
    }
    prometheus_histogram(&b, "h", NULL, &h);
    assert_memory_equal(b.p, expected.p, expected.n);
    assert_non_null(strstr(buf_cstr(&b), "\nh_sum 4.61"));
    assert_non_null(strstr(buf_cstr(&b), "\nh_count 18\n"));
    buf_clear(&b);
    prometheus_histogram(&b, "h", "x=\"y\"", &h);
    static const char begin[] =
        "h_bucket{x=\"y\",le=\"5e-05\"} 1\nh_bucket{x=\"y\",le=\"0.0001\"} 2\n";
    assert_memory_equal(b.p, begin, sizeof begin - 1);
    assert_non_null(strstr(buf_cstr(&b), "h_bucket{x=\"y\",le=\"+Inf\"} 18\nh_sum{x=\"y\"} 4.61"));
    assert_non_null(strstr(buf_cstr(&b), "\nh_count{x=\"y\"} 18\n"));
    buf_done(&b);
    buf_done(&expected);
}

static void without_room_it_says_so(void **state)
{
    (void)state;
    struct histogram h = {0};
    struct buf b;
    buf_init(&b, 100);
    prometheus_histogram(&b, "h", "x=\"y\"", &h);
    assert_int_equal(b.err, ERR_TOOLARGE);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_so_that_they_read_back),
        cmocka_unit_test(a_histogram_has_every_bound_in_seconds_and_sums_up),
        cmocka_unit_test(without_room_it_says_so),
    };
    return cmocka_run_group_tests_name("prometheus", tests, NULL, NULL);
}
