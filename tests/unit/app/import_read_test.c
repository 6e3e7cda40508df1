/* Files of telemetry as records: CSV and JSON, their times, and what is wrong with them. */
#include "app/import_read.h"
#include "codec/number.h"
#include "codec/timestamp.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static struct temp_dir temp;
static struct why why;
static struct import_seen seen;

static int make_dir(void **state)
{
    (void)state;
    temp_dir_make(&temp);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    temp_dir_remove(&temp);
    return 0;
}

/* "line device time name=value …;" for each record. */
static enum err note(void *ctx, const struct import_record *r)
{
    struct buf *out = ctx;
    char text[TIMESTAMP_TEXT_MAX];
    buf_printf(out, "%llu %.*s ", (unsigned long long)r->line, (int)r->device.n, r->device.p);
    if (r->timed) buf_add(out, text, timestamp_format(r->ts_ns, text));
    for (size_t i = 0; i < r->n; i++)
        buf_printf(out, " %.*s=%g", (int)r->names[i].n, r->names[i].p, r->values[i]);
    if (r->metadata.n) buf_printf(out, " %.*s", (int)r->metadata.n, r->metadata.p);
    buf_add_char(out, ';');
    return ERR_OK;
}

/* What reading the text gives, or "!" and why. */
static const char *read_as(bool json, const char *text, const struct import_opts *opts)
{
    static char result[4096];
    char path[100];
    struct buf out;
    snprintf(path, sizeof path, "%s/file", temp.path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    buf_init(&out, sizeof result - 1);
    seen = (struct import_seen){0, 0, 0};
    why.text[0] = 0;
    enum err e = json ? import_json_read(path, opts, note, &out, &seen, &why)
                      : import_csv_read(path, opts, note, &out, &seen, &why);
    if (e) buf_printf(&out, "!%s", why.text);
    snprintf(result, sizeof result, "%s", buf_cstr(&out));
    buf_done(&out);
    return result;
}

static void csv_header_says_what_each_column_is(void **state)
{
    (void)state;
    struct import_opts opts = {.device = "d"};
    assert_string_equal(read_as(false, "timestamp,a,b\n2020-01-01T00:00:00Z,1,2.5\n", &opts),
                        "2 d 2020-01-01T00:00:00.000Z a=1 b=2.5;");
    assert_string_equal(read_as(false, "a,Time\n1,1577836800\n", &opts),
                        "2 d 2020-01-01T00:00:00.000Z a=1;");
    struct import_opts none = {.device = NULL};
    assert_string_equal(
        read_as(false, "deviceId,timestamp,a\nx,1577836800,1\ny,1577836800,2\n", &none),
        "2 x 2020-01-01T00:00:00.000Z a=1;3 y 2020-01-01T00:00:00.000Z a=2;");
    assert_string_equal(read_as(false, "timestamp,a\n1577836800,1\n", &none),
                        "!no --device, and the header has no column 'deviceId'");
    assert_string_equal(read_as(false, "when,a\n1577836800,1\n", &opts),
                        "!the header has no column 'timestamp'; --time-column names it");
}

static void columns_are_chosen_renamed_and_skipped(void **state)
{
    (void)state;
    static const char text[] = "\"\",t,a,b,c\n\"1\",1577836800,1,2,x\n";
    struct import_opts opts = {.device = "d", .time_column = "t", .columns = "a=first,b"};
    assert_string_equal(read_as(false, text, &opts), "2 d 2020-01-01T00:00:00.000Z first=1 b=2;");
    opts.columns = NULL;
    opts.skip = ",c";
    assert_string_equal(read_as(false, text, &opts), "2 d 2020-01-01T00:00:00.000Z a=1 b=2;");
    opts.skip = "c";
    assert_string_equal(read_as(false, text, &opts),
                        "!column 1 has no name; --skip \"\" leaves it out");
    opts.skip = "";
    assert_non_null(strstr(read_as(false, text, &opts), "line 2, column c: 'x' is not a number"));
    opts.columns = "a,nothing";
    assert_string_equal(read_as(false, text, &opts),
                        "!--columns: the header has no column 'nothing'");
}

static void missing_values_are_left_out_and_counted(void **state)
{
    (void)state;
    struct import_opts opts = {.device = "d"};
    assert_string_equal(read_as(false, "ts,a,b\n1577836800,,true\n1577836801,NA,?\n", &opts),
                        "2 d 2020-01-01T00:00:00.000Z b=1;");
    assert_int_equal(seen.missing, 3);
    assert_int_equal(seen.empty_records, 1);
}

static void broken_rows_are_named_by_line(void **state)
{
    (void)state;
    struct import_opts opts = {.device = "d"};
    assert_non_null(strstr(read_as(false, "ts,a\n1577836800,1\n1577836801\n", &opts),
                           "!line 3 has 1 fields where the header has 2"));
    assert_non_null(strstr(read_as(false, "ts,a\nyesterday,1\n", &opts),
                           "!line 2, column ts: 'yesterday' is not a time"));
    assert_non_null(strstr(read_as(false, "", &opts), "is empty"));
    opts.from_line = 4;
    assert_string_equal(read_as(false, "ts,a\nbad\n\n1577836800,1\n", &opts),
                        "4 d 2020-01-01T00:00:00.000Z a=1;");
}

static void times_follow_format_and_zone(void **state)
{
    (void)state;
    static const char text[] = "ts,a\n01.07.2020 14:00,1\n";
    struct import_opts opts = {.device = "d", .time_format = "%d.%m.%Y %H:%M"};
    assert_string_equal(read_as(false, text, &opts), "2 d 2020-07-01T14:00:00.000Z a=1;");
    static const struct {
        const char *zone, *hour;
    } zones[] = {{"Z", "14:00"}, {"+02:00", "12:00"}, {"-0530", "19:30"}, {"+01", "13:00"}};
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        opts.zone = zones[i].zone;
        assert_non_null(strstr(read_as(false, text, &opts), zones[i].hour));
    }
    opts.zone = "Nowhere/Atlantis";
    assert_non_null(strstr(read_as(false, text, &opts), "!--zone Nowhere/Atlantis"));
    opts.zone = "../../etc/passwd";
    assert_non_null(strstr(read_as(false, text, &opts), "!--zone"));
    opts.zone = "+02:00"; /* an instant that says its own zone keeps it */
    opts.time_format = NULL;
    assert_non_null(strstr(read_as(false, "ts,a\n2020-07-01T14:00:00Z,1\n", &opts), "14:00"));
}

static void named_zone_knows_its_summer(void **state)
{
    (void)state;
    struct import_opts opts = {.device = "d", .zone = "Europe/Paris"};
    if (access("/usr/share/zoneinfo/Europe/Paris", R_OK)) skip(); /* no zone data on this machine */
    assert_string_equal(
        read_as(false, "ts,a\n2020-01-01 12:00:00,1\n2020-07-01 12:00:00.5,2\n", &opts),
        "2 d 2020-01-01T11:00:00.000Z a=1;3 d 2020-07-01T10:00:00.500Z a=2;");
}

static void json_is_taken_as_array_lines_or_one_object(void **state)
{
    (void)state;
    struct import_opts opts = {.device = NULL};
    static const char one[] = "1 d 2020-01-01T00:00:00.000Z a=1 b=0;";
    assert_string_equal(
        read_as(true,
                "{\"deviceId\":\"d\",\"timestamp\":1577836800,\"variables\":{\"a\":1,\"b\":false}}",
                &opts),
        one);
    assert_string_equal(read_as(true,
                                "[\n {\"deviceId\":\"d\",\"timestamp\":\"2020-01-01T00:00:00Z\","
                                "\"a\":\"1\"},\n {\"externalId\":\"e\",\"a\":2,\"n\":null}]",
                                &opts),
                        "2 d 2020-01-01T00:00:00.000Z a=1;3 e  a=2;");
    assert_string_equal(read_as(true, "{\"a\":1}\n\n{\"a\":2,\"metadata\":{\"x\":1}}\n",
                                &(struct import_opts){.device = "d"}),
                        "1 d  a=1;3 d  a=2 {\"x\":1};");
    assert_string_equal(read_as(true, "{\n\"a\": 1\n}\n", &(struct import_opts){.device = "d"}),
                        "1 d  a=1;");
}

static void broken_json_is_named_by_line(void **state)
{
    (void)state;
    struct import_opts opts = {.device = "d"};
    assert_non_null(strstr(read_as(true, "{\"a\":1}\n{\"a\":}\n", &opts), "!line 2"));
    assert_non_null(
        strstr(read_as(true, "{\"a\":1}\n{\"a\":[1]}\n", &opts), "!line 2: a is not a number"));
    assert_non_null(strstr(read_as(true, "[1]", &opts), "where an object was expected"));
    assert_non_null(strstr(read_as(true, "{\"a\":1}", &(struct import_opts){.device = NULL}),
                           "!line 1: no deviceId"));
}

static void recordings_of_the_examples_read_whole(void **state)
{
    (void)state;
    struct buf out;
    struct import_opts power = {
        .device = "h", .time_column = "DateTime", .skip = ",Date,Time,date"};
    buf_init(&out, 64 << 20);
    assert_int_equal(
        import_csv_read("examples/data/household-power.csv", &power, note, &out, &seen, &why),
        ERR_OK);
    size_t records = 0;
    for (size_t i = 0; i < out.n; i++) records += out.p[i] == ';';
    assert_int_equal(records, 2880);
    buf_done(&out);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(csv_header_says_what_each_column_is),
        IN_DIR(columns_are_chosen_renamed_and_skipped),
        IN_DIR(missing_values_are_left_out_and_counted),
        IN_DIR(broken_rows_are_named_by_line),
        IN_DIR(times_follow_format_and_zone),
        IN_DIR(named_zone_knows_its_summer),
        IN_DIR(json_is_taken_as_array_lines_or_one_object),
        IN_DIR(broken_json_is_named_by_line),
        IN_DIR(recordings_of_the_examples_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
