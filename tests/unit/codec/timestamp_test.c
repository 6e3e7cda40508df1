/* Times: every written form of contract §3, every wrong field named, every instant back again. */
#include "base/clock.h"
#include "base/rnd.h"
#include "codec/timestamp.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define SEED UINT64_C(19700101)

/* What the text means, written out again; "!" and the reason when it is refused. */
static const char *meaning(const char *text)
{
    static char out[300];
    int64_t ns = 0;
    struct why why = {""};
    if (timestamp_parse(bytes_str(text), &ns, &why)) {
        snprintf(out, sizeof out, "!%s", why.text);
        return out;
    }
    out[timestamp_format(ns, out)] = 0;
    return out;
}

struct example {
    const char *text, *expected; /* refused: expected is part of the reason, behind "!" */
};

static void check(const struct example *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = meaning(rows[i].text), *expected = rows[i].expected;
        bool right = expected[0] == '!' ? got[0] == '!' && strstr(got, expected + 1)
                                        : strcmp(got, expected) == 0;
        if (!right) fail_msg("%s: %s, not %s", rows[i].text, got, expected);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

static void written_times_are_read(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"2024-05-31T12:30:00Z", "2024-05-31T12:30:00.000Z"},
        {"2024-05-31t12:30:00z", "2024-05-31T12:30:00.000Z"},
        {"2024-05-31 12:30:00", "2024-05-31T12:30:00.000Z"},
        {" 2024-05-31T12:30:00.25 ", "2024-05-31T12:30:00.250Z"},
        {"2024-05-31T12:30:00,25", "2024-05-31T12:30:00.250Z"},
        {"2024-05-31T12:30", "2024-05-31T12:30:00.000Z"},
        {"2024-05-31", "2024-05-31T00:00:00.000Z"},
        {"2024-05-31T12:30:00+02:00", "2024-05-31T10:30:00.000Z"},
        {"2024-05-31T12:30:00-0230", "2024-05-31T15:00:00.000Z"},
        {"2024-05-31T12:30:00+02", "2024-05-31T10:30:00.000Z"},
        {"2024-05-31T23:30:00-23:59", "2024-06-01T23:29:00.000Z"},
        {"2024-01-01T00:00:00+00:01", "2023-12-31T23:59:00.000Z"},
        {"2024-05-31T12:30:00.1234567891999Z", "2024-05-31T12:30:00.123456789Z"},
        {"2024-05-31T12:30:00.000001Z", "2024-05-31T12:30:00.000001Z"},
        {"2024-05-31T12:30:00.0000000009Z", "2024-05-31T12:30:00.000Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"},
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
        {"1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"},
        {"2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z"},
        {"1677-09-21T00:12:43.145224192Z", "1677-09-21T00:12:43.145224192Z"},
        {"2262-04-12T01:47:16.854775807+02:00", "2262-04-11T23:47:16.854775807Z"},
    };
    CHECK(rows);
}

static void wrong_times_are_refused_by_their_field(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"2023-02-29T00:00:00Z", "!no day 29 in 2023-02"},
        {"1900-02-29T00:00:00Z", "!no day 29 in 1900-02"},
        {"2024-04-31T00:00:00Z", "!no day 31"},
        {"2024-13-01T00:00:00Z", "!no month 13"},
        {"2024-00-01T00:00:00Z", "!no month 0"},
        {"2024-01-00T00:00:00Z", "!no day 0"},
        {"2024-01-01T24:00:00Z", "!no hour 24"},
        {"2024-01-01T23:60:00Z", "!no minute 60"},
        {"2016-12-31T23:59:60Z", "!leap second"},
        {"2016-12-31T23:59:61Z", "!no second 61"},
        {"2262-04-11T23:47:16.854775808Z", "!1677-09-21 to 2262-04-11"},
        {"1677-09-21T00:12:43.145224191Z", "!1677-09-21 to 2262-04-11"},
        {"9999-12-31T23:59:59Z", "!1677-09-21 to 2262-04-11"},
        {"0000-01-01T00:00:00Z", "!1677-09-21 to 2262-04-11"},
        {"", "!is not a time"},
        {"now", "!is not a time"},
        {"2024-5-31", "!is not a time"},
        {"2024-05-31T", "!is not a time"},
        {"2024-05-31T1", "!is not a time"},
        {"2024-05-31T12", "!is not a time"},
        {"2024-05-31T12:3", "!is not a time"},
        {"2024-05-31T12:30:0", "!is not a time"},
        {"2024-05-31T12:30:00.", "!is not a time"},
        {"2024-05-31T12:30:00 02:00", "!is not a time"},
        {"2024-05-31T12:30:00+2", "!is not a time"},
        {"2024-05-31T12:30:00+24:00", "!is not a time"},
        {"2024-05-31T12:30:00+02:60", "!is not a time"},
        {"2024-05-31T12:30:00+02:0", "!is not a time"},
        {"2024-05-31T12:30:00ZZ", "!is not a time"},
        {"2024-05-31  12:30:00", "!is not a time"},
        {"2024/05/31", "!is not a time"},
        {"12024-05-31", "!is not a time"},
        {"2024-05-31T12:30:00.5.5", "!is not a time"},
    };
    CHECK(rows);
}

static void numbers_are_taken_by_magnitude(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"0", "1970-01-01T00:00:00.000Z"},
        {"1700000000", "2023-11-14T22:13:20.000Z"},
        {"1700000000.5", "2023-11-14T22:13:20.500Z"},
        {"1700000000.123456789", "2023-11-14T22:13:20.123456789Z"},
        {"1700000000.1234567899", "2023-11-14T22:13:20.123456789Z"},
        {"1700000000123", "2023-11-14T22:13:20.123Z"},
        {"1700000000123.5", "2023-11-14T22:13:20.123500Z"},
        {"1700000000123456", "2023-11-14T22:13:20.123456Z"},
        {"1700000000123456789", "2023-11-14T22:13:20.123456789Z"},
        {"1700000000123456789.9", "2023-11-14T22:13:20.123456789Z"},
        {"1.7e9", "2023-11-14T22:13:20.000Z"},
        {"1.7E+12", "2023-11-14T22:13:20.000Z"},
        {"17000000000e-1", "2023-11-14T22:13:20.000Z"},
        {"0000000000000000000001700000000", "2023-11-14T22:13:20.000Z"},
        {"-1", "1969-12-31T23:59:59.000Z"},
        {"1e-9", "1970-01-01T00:00:00.000000001Z"},
        {"1e-10", "1970-01-01T00:00:00.000Z"},
        {"9223372036", "2262-04-11T23:47:16.000Z"},
        {"9223372036.854775807", "2262-04-11T23:47:16.854775807Z"},
        {"100000000000", "1973-03-03T09:46:40.000Z"},
        {"100000000000000", "1973-03-03T09:46:40.000Z"},
        {"100000000000000000", "1973-03-03T09:46:40.000Z"},
        {"9223372036854775807", "2262-04-11T23:47:16.854775807Z"},
        {"9223372036854775808", "!1677-09-21 to 2262-04-11"},
        {"9223372036.854775808", "!1677-09-21 to 2262-04-11"},
        {"99999999999", "!1677-09-21 to 2262-04-11"},
        {"1e999", "!1677-09-21 to 2262-04-11"},
        {"1e999999", "!1677-09-21 to 2262-04-11"},
        {"0e999999", "1970-01-01T00:00:00.000Z"},
        {"1e9999999", "!is not a time"},
        {"1e", "!is not a time"},
        {"1.", "!is not a time"},
        {".5", "!is not a time"},
        {"+5", "!is not a time"},
        {"--5", "!is not a time"},
        {"0x10", "!is not a time"},
        {"NaN", "!is not a time"},
    };
    CHECK(rows);
}

static void any_instant_round_trips(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    for (int i = 0; i < 300000; i++) {
        int64_t ns = (int64_t)rnd_u64(&r), back = 0;
        static const int64_t units[] = {1, 1000, 1000000, 1000000000};
        int64_t unit = units[rnd_below(&r, 4)];
        ns = ns / unit * unit;
        char text[TIMESTAMP_TEXT_MAX];
        size_t n = timestamp_format(ns, text);
        assert_true(n == (unit == 1 && ns % 1000 ? 30u : ns % NS_PER_MS ? 27u : 24u));
        if (timestamp_parse(bytes_of(text, n), &back, NULL) || back != ns)
            fail_msg("%" PRId64 " became %.*s", ns, (int)n, text);
    }
}

static void the_calendar_is_the_one_of_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -106751; day <= 106751; day += 1) {
        time_t t = (time_t)(day * 86400);
        struct tm tm;
        gmtime_r(&t, &tm);
        assert_int_equal(
            timestamp_days(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday), day);
        char text[TIMESTAMP_TEXT_MAX], expected[40];
        timestamp_format(day * NS_PER_DAY, text);
        strftime(expected, sizeof expected, "%Y-%m-%d", &tm);
        assert_memory_equal(text, expected, 10);
    }
}

static void a_cut_text_is_another_time_or_none(void **state)
{
    (void)state;
    static const char whole[] = "2024-05-31T12:30:59.123456789+02:00";
    for (size_t n = 0; n < sizeof whole; n++) {
        char *exact = malloc(n ? n : 1);
        memcpy(exact, whole, n);
        int64_t ns = 42;
        bool zoned = false;
        if (timestamp_parse_zoned(bytes_of(exact, n), &ns, &zoned, NULL)) assert_int_equal(ns, 42);
        free(exact);
    }
}

static void a_text_without_offset_says_so(void **state)
{
    (void)state;
    int64_t ns;
    bool zoned = true;
    assert_int_equal(timestamp_parse_zoned(BYTES("2024-05-31 00:00"), &ns, &zoned, NULL), ERR_OK);
    assert_false(zoned);
    assert_int_equal(timestamp_parse_zoned(BYTES("2024-05-31T00:00Z"), &ns, &zoned, NULL), ERR_OK);
    assert_true(zoned);
    zoned = false;
    assert_int_equal(timestamp_parse_zoned(BYTES("1700000000"), &ns, &zoned, NULL), ERR_OK);
    assert_true(zoned);
}

static void patterns_read_what_they_describe(void **state)
{
    (void)state;
    static const struct {
        const char *text, *format, *expected; /* NULL: refused */
        bool zoned;
    } rows[] = {
        {"1/2/2007 00:01:00", "%d/%m/%Y %H:%M:%S", "2007-02-01T00:01:00.000Z", false},
        {"31.05.2024 7:05", "%d.%m.%Y %H:%M", "2024-05-31T07:05:00.000Z", false},
        {"May 31 2024 11:05 pm", "%b %d %Y %I:%M %p", "2024-05-31T23:05:00.000Z", false},
        {"12:05 AM", "%I:%M %p", "1970-01-01T00:05:00.000Z", false},
        {"12:05 pm", "%I:%M %p", "1970-01-01T12:05:00.000Z", false},
        {"24-05-31", "%y-%m-%d", "2024-05-31T00:00:00.000Z", false},
        {"99-05-31", "%y-%m-%d", "1999-05-31T00:00:00.000Z", false},
        {"20240531T123000.5+0200", "%Y%m%dT%H%M%S.%f%z", "2024-05-31T10:30:00.500Z", true},
        {"1700000000.25", "%s", "2023-11-14T22:13:20.250Z", true},
        {"t=1700000000 x", "t=%s x", "2023-11-14T22:13:20.000Z", true},
        {"100% 2024", "100%% %Y", "2024-01-01T00:00:00.000Z", false},
        {"2024  05", "%Y %m", "2024-05-01T00:00:00.000Z", false},
        {"2024-02-30", "%Y-%m-%d", NULL, false},
        {"2024-05-31x", "%Y-%m-%d", NULL, false},
        {"2024-05", "%Y-%m-%d", NULL, false},
        {"13:05 PM", "%I:%M %p", NULL, false},
        {"0:05 PM", "%I:%M %p", NULL, false},
        {"Mai 1", "%b %d", NULL, false},
        {"202", "%Y", NULL, false},
        {"", "%Y", NULL, false},
        {"12:00 xm", "%I:%M %p", NULL, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ns = 0;
        bool zoned = false;
        char text[TIMESTAMP_TEXT_MAX + 1] = "";
        enum err e =
            timestamp_parse_format(bytes_str(rows[i].text), rows[i].format, &ns, &zoned, NULL);
        assert_int_equal(e, rows[i].expected ? ERR_OK : ERR_INVALID);
        if (e) continue;
        timestamp_format(ns, text);
        assert_string_equal(text, rows[i].expected);
        assert_int_equal(zoned, rows[i].zoned);
    }
}

static void an_unknown_directive_is_named(void **state)
{
    (void)state;
    struct why why = {""};
    int64_t ns;
    bool zoned;
    assert_int_equal(timestamp_parse_format(BYTES("1"), "%Q", &ns, &zoned, &why), ERR_IMPOSSIBLE);
    assert_non_null(strstr(why.text, "%Q"));
    assert_int_equal(timestamp_parse_format(BYTES("1"), "%", &ns, &zoned, &why), ERR_IMPOSSIBLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_times_are_read),
        cmocka_unit_test(wrong_times_are_refused_by_their_field),
        cmocka_unit_test(numbers_are_taken_by_magnitude),
        cmocka_unit_test(any_instant_round_trips),
        cmocka_unit_test(the_calendar_is_the_one_of_the_c_library),
        cmocka_unit_test(a_cut_text_is_another_time_or_none),
        cmocka_unit_test(a_text_without_offset_says_so),
        cmocka_unit_test(patterns_read_what_they_describe),
        cmocka_unit_test(an_unknown_directive_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
