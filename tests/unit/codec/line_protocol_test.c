/* Line protocol: what a line means, which names follow from tags; a bad line costs only itself. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/line_protocol.h"
#include "codec/number.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct arena arena;
static struct raw_batch batch;
static struct buf out;
enum { PROPERTIES = 3 + 64 };
static struct bytes properties[PROPERTIES] = {{"region", 6}, {"location", 8}, {"sensor_type", 11}};
static char property_names[PROPERTIES][16]; /* p3, p4, … */

static int set_up(void **state)
{
    (void)state;
    for (int i = 3; i < PROPERTIES; i++) {
        snprintf(property_names[i], sizeof property_names[i], "p%d", i);
        properties[i] = bytes_str(property_names[i]);
    }
    arena_init(&arena, 1 << 22);
    raw_batch_init(&batch, 10000, 100000);
    buf_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    raw_batch_done(&batch);
    buf_done(&out);
    return 0;
}

static void describe_record(const struct raw_record *r)
{
    if (out.n) buf_add_str(&out, " | ");
    if (r->error) {
        buf_printf(&out, "%u!%s", r->line, r->error);
        assert_true(!r->count && !r->property_count);
        return;
    }
    buf_add_bytes(&out, r->device_id);
    if (r->has_time) buf_printf(&out, "@%" PRId64, r->ts_ns);
    assert_true(r->count > 0);
    for (uint32_t i = r->first; i < r->first + r->count; i++)
        buf_printf(&out, " %.*s=%g", (int)batch.values[i].name.n, batch.values[i].name.p,
                   batch.values[i].value);
    for (uint32_t i = r->first_property; i < r->first_property + r->property_count; i++)
        buf_printf(&out, " P:%.*s=%.*s", (int)batch.properties[i].name.n,
                   batch.properties[i].name.p, (int)batch.properties[i].value.n,
                   batch.properties[i].value.p);
    if (r->location.p) buf_printf(&out, " L:%.*s", (int)r->location.n, r->location.p);
    if (r->sensor_type.p) buf_printf(&out, " S:%.*s", (int)r->sensor_type.n, r->sensor_type.p);
}

/* "device@ns name=value … P:property | line!reason" and, when strings were passed, " ~n". */
static const char *decode(struct bytes body, int64_t unit_ns)
{
    struct line_protocol_opts opts = {unit_ns, properties, PROPERTIES};
    struct why why = {""};
    char *exact = mem_alloc(body.n ? body.n : 1);
    memcpy(exact, body.p, body.n);
    raw_batch_clear(&batch);
    arena_reset(&arena);
    buf_clear(&out);
    enum err e = line_protocol_decode(bytes_of(exact, body.n), &opts, &arena, &batch, &why);
    assert_int_equal(e, ERR_OK);
    size_t bad = 0;
    for (size_t i = 0; i < batch.record_count; i++) {
        describe_record(&batch.records[i]);
        bad += batch.records[i].error != NULL;
    }
    assert_int_equal(bad, batch.bad_count);
    if (batch.skipped_fields) buf_printf(&out, " ~%d", (int)batch.skipped_fields);
    mem_free(exact);
    return buf_cstr(&out);
}

struct example {
    const char *body, *expected;
};

static void check(const struct example *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = decode(bytes_str(rows[i].body), 1);
        if (strcmp(got, rows[i].expected) != 0)
            fail_msg("%s\n%s, not\n%s", rows[i].body, got, rows[i].expected);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

static void a_line_is_a_record(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"", ""},
        {"\n\r\n  \n# only a comment\n\t# one more", ""},
        {"telemetry,device=dev1 a=1.23,b=4.56 1700000000000000000",
         "dev1@1700000000000000000 a=1.23 b=4.56"},
        {"telemetry,device=d a=1", "d a=1"},
        {"telemetry,device=d a=1\n", "d a=1"},
        {"telemetry,device=d a=1\r\ntelemetry,device=e b=2 5\r\n", "d a=1 | e@5 b=2"},
        {"# c\ntelemetry,device=d a=1\n#telemetry,device=d b=1\n\n", "d a=1"},
        {"  telemetry,device=d   a=1   -5  ", "d@-5 a=1"},
        {"cpu idle=1", "cpu cpu_idle=1"},
        {"telemetry idle=1", "telemetry idle=1"},
        {"m a=1 9223372036854775807", "m@9223372036854775807 m_a=1"},
        {"m a=1 -9223372036854775808", "m@-9223372036854775808 m_a=1"},
    };
    CHECK(rows);
}

static void values_have_their_types(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"telemetry a=1,b=-1.5,c=+2,d=.5,e=5.,f=1e3,g=1E-2,h=007",
         "telemetry a=1 b=-1.5 c=2 d=0.5 e=5 f=1000 g=0.01 h=7"},
        {"telemetry a=42i,b=-42i,c=42u,d=1.5f,e=9223372036854775807i,f=18446744073709551615u",
         "telemetry a=42 b=-42 c=42 d=1.5 e=9.22337e+18 f=1.84467e+19"},
        {"telemetry a=t,b=T,c=true,d=True,e=TRUE,f=f,g=F,h=false,i=False,j=FALSE",
         "telemetry a=1 b=1 c=1 d=1 e=1 f=0 g=0 h=0 i=0 j=0"},
        {"telemetry a=1,s=\"text\",b=2", "telemetry a=1 b=2 ~1"},
        {"telemetry s=\"a,b c=1 \\\"q\\\" \\\\\",a=1 7", "telemetry@7 a=1 ~1"},
        {"telemetry s=\"two\nlines\",a=1\nbad", "telemetry a=1 | 3!there are no fields ~1"},
        {"telemetry s=\"only\"\nm t=\"\",u=\"\" 5", " ~3"},
        {"m a=9223372036854775808i", "1!'9223372036854775808i' is not a 64-bit integer"},
        {"m a=-1u", "1!'-1u' is not a 64-bit integer"},
        {"m a=1.5i", "1!'1.5i' is not a 64-bit integer"},
        {"m a=i", "1!'i' is not a 64-bit integer"},
        {"m a=1e999", "1!'1e999' is too large for a double"},
        {"m a=NaN", "1!'NaN' is neither a number, a boolean nor a quoted string"},
        {"m a=inf", "1!'inf' is neither a number, a boolean nor a quoted string"},
        {"m a=tRUE", "1!'tRUE' is neither a number, a boolean nor a quoted string"},
        {"m a=0x10", "1!'0x10' is neither a number, a boolean nor a quoted string"},
        {"m a=1f2", "1!'1f2' is neither a number, a boolean nor a quoted string"},
        {"m a='x'", "1!''x'' is neither a number, a boolean nor a quoted string"},
        {"m a=", "1!a field without a value"},
        {"m a= 5", "1!a field without a value"},
        {"m a=,b=1", "1!a field without a value"},
        {"m a=\"x\"y", "1!'a': a string is followed by ',' or a blank"},
        {"m a=\"x", "1!'a': the quotes of a string are never closed"},
    };
    CHECK(rows);
}

static void the_device_is_the_first_of_four_tags(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"telemetry,host=h a=1", "h a=1"},
        {"telemetry,hostname=n a=1", "n a=1"},
        {"telemetry,device_id=i a=1", "i a=1"},
        {"telemetry,host=h,hostname=n a=1", "n a{host=h}=1"},
        {"telemetry,hostname=n,device_id=i a=1", "i a{hostname=n}=1"},
        {"telemetry,device=d,host=h a=1", "d a{host=h}=1"},
        {"telemetry,host=h,hostname=n,device_id=i,device=d a=1",
         "d a{device_id=i,host=h,hostname=n}=1"},
        {"telemetry,device=,host=h a=1", "h a=1"},
        {"my\\ device a=1", "my device my device_a=1"},
    };
    CHECK(rows);
}

static void other_tags_are_identity_properties_or_a_name(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"cpu,cpu=cpu0,host=h usage_idle=90", "h cpu_usage_idle{cpu=cpu0}=90"},
        {"disk,path=/,host=h,fstype=ext4,device=sda used=1",
         "sda disk_used{fstype=ext4,host=h,path=/}=1"},
        {"telemetry,z=1,a=2,m=3 v=1", "telemetry v{a=2,m=3,z=1}=1"},
        {"telemetry,a= v=1", "telemetry v=1"},
        {"telemetry,device=d,region=eu,location=roof,sensor_type=x v=1",
         "d v=1 P:region=eu L:roof S:x"},
        {"telemetry,device=d,region=eu,region=us v=1", "1!'region': a tag stands twice"},
        {"telemetry,device=d,region=e\x01 v=1", "1!'region': holds no control characters"},
        {"telemetry,device=d,region=e\xff v=1", "1!'region' is not UTF-8"},
        {"telemetry,device=d,region=eu,cpu=0 v=1,w=2", "d v{cpu=0}=1 w{cpu=0}=2 P:region=eu"},
        {"m,variable=temp value=1", "m temp=1"},
        {"m,variable=temp,k=1 value=1", "m temp{k=1}=1"},
        {"m,variable=temp value=1,other=2", "m m_value{variable=temp}=1 m_other{variable=temp}=2"},
        {"m,variable=temp other=1", "m m_other{variable=temp}=1"},
        {"m,variable= value=1", "m m_value=1"},
        {"telemetry,a\\,b=c\\=d,e\\ f=g\\ h v\\,w\\=x\\ y=1",
         "telemetry v,w=x y{a\\,b=c\\=d,e f=g h}=1"},
        {"telemetry,a=x{y} v=1", "telemetry v{a=x\\{y\\}}=1"},
        {"telemetry,a=b\\c v=1", "telemetry v{a=b\\\\c}=1"},
        {"telemetry,a=\"q\" v=1", "telemetry v{a=\"q\"}=1"},
        {"telemetry cpu{cpu\\=cpu0}=1", "telemetry cpu{cpu=cpu0}=1"},
        {"telemetry,device=caf\xc3\xa9 h\xc3\xb6he=1", "caf\xc3\xa9 h\xc3\xb6he=1"},
        {"m=x,k=v a=1", "m=x m=x_a{k=v}=1"},
    };
    CHECK(rows);
}

static void a_bad_line_costs_only_itself(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"bad\nm a=1", "1!there are no fields | m m_a=1"},
        {"m a=1\nbad \nm b=2", "m m_a=1 | 2!a field is missing | m m_b=2"},
        {"m a=1 2 3\nm b=2", "1!'2': there is something behind the timestamp | m m_b=2"},
        {"m a=1 x\nm b=2", "1!'x' is not a timestamp of the stated precision | m m_b=2"},
        {"m a=1 1.5", "1!'1.5' is not a timestamp of the stated precision"},
        {"m a=1 9223372036854775808",
         "1!'9223372036854775808' is not a timestamp of the stated precision"},
        {"m a\nm b=2", "1!'a' is a field without '=' | m m_b=2"},
        {"m a=1,\nm b=2", "1!a field is missing | m m_b=2"},
        {"m a=1,,b=2", "1!a field is missing"},
        {"m =1", "1!a variable needs a name"},
        {"m,a v=1", "1!a tag without '='"},
        {"m,=x v=1", "1!a tag without a name"},
        {"m, v=1", "1!a tag without '='"},
        {",a=b v=1", "1!a line begins with a measurement"},
        {"m,a=1,a=2 v=1", "1!a tag stands twice"},
        {"telemetry type=1", "1!'type': this name is reserved and cannot be a variable"},
        {"m,variable=metadata value=1",
         "1!'metadata': this name is reserved and cannot be a variable"},
        {"m type=1", "m m_type=1"},
        {"telemetry a\x01=1", "1!'a\x01': a variable's name holds no control characters"},
        {"telemetry a\xff=1", "1!'a\xff': a variable's name is UTF-8"},
        {"m,k=\xff v=1", "1!'v': a variable's name is UTF-8"},
        {"m,host=a\x01 v=1", "1!a device id holds no control characters"},
        {"m a=1,s=\"x\ny\",b=q\nm c=1",
         "1!'q' is neither a number, a boolean nor a quoted string | m m_c=1"},
        {"m a=q,s=\"x\ny\"\nm c=1",
         "1!'q' is neither a number, a boolean nor a quoted string | m m_c=1"},
        {"m a=\"open\nm b=2\nm c=3",
         "1!'a': the quotes of a string are never closed | m m_b=2 | m m_c=3"},
        {"m s=\"x\"z\nm b=2", "1!'s': a string is followed by ',' or a blank | m m_b=2"},
    };
    CHECK(rows);
}

static void lines_are_counted_through_strings_and_comments(void **state)
{
    (void)state;
    assert_string_equal(
        decode(BYTES("#\n\nm s=\"a\nb\nc\" 1\n  \r\nbad1\nm a=q,s=\"\n\"\nbad2"), 1),
        "7!there are no fields | 8!'q' is neither a number, a boolean nor a quoted "
        "string | 10!there are no fields ~1");
}

static void timestamps_have_the_stated_unit(void **state)
{
    (void)state;
    static const struct {
        const char *precision;
        int64_t unit_ns;
    } rows[] = {{"", 1},
                {"ns", 1},
                {"n", 1},
                {"us", 1000},
                {"u", 1000},
                {"\xc2\xb5", 1000},
                {"ms", 1000000},
                {"s", 1000000000},
                {"m", 60000000000},
                {"h", 3600000000000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t unit = 0;
        assert_true(line_protocol_unit(bytes_str(rows[i].precision), &unit));
        assert_int_equal(unit, rows[i].unit_ns);
        char expected[64];
        snprintf(expected, sizeof expected, "m@%" PRId64 " m_a=1", 7 * unit);
        assert_string_equal(decode(BYTES("m a=1 7"), unit), expected);
    }
    int64_t unit;
    assert_false(line_protocol_unit(BYTES("min"), &unit));
    assert_string_equal(decode(BYTES("m a=1 9223372037"), 1000000000),
                        "1!'9223372037' is not a timestamp of the stated precision");
}

static void names_and_tags_are_taken_up_to_their_limit(void **state)
{
    (void)state;
    for (size_t n = 90; n < 110; n++) { /* m_ + field + {k=v}: 7 bytes around the field */
        buf_clear(&out);
        struct buf body;
        buf_init(&body, 4096);
        buf_add_str(&body, "m,k=v ");
        for (size_t i = 0; i < n; i++) buf_add_char(&body, 'f');
        buf_add_str(&body, "=1\ntelemetry,k=");
        for (size_t i = 0; i < n; i++) buf_add_char(&body, 'v'); /* f{k=…}: 5 bytes around it */
        buf_add_str(&body, " f=1\ntelemetry ");
        for (size_t i = 0; i < n; i++) buf_add_char(&body, 'f');
        buf_add_str(&body, "=1");
        decode(buf_bytes(&body), 1);
        assert_int_equal(batch.record_count, 3);
        assert_int_equal(batch.records[0].error == NULL, n <= 93);
        assert_int_equal(batch.records[1].error == NULL, n <= 95);
        assert_int_equal(batch.records[2].error == NULL, n <= 100);
        buf_done(&body);
    }
    for (int n = 63; n <= 65; n++) {
        struct buf body;
        buf_init(&body, 4096);
        buf_add_str(&body, "telemetry,host=h");
        for (int i = 1; i < n; i++)
            buf_printf(&body, ",p%d=x", i + 2); /* property tags: no identity */
        buf_add_str(&body, " a=1");
        decode(buf_bytes(&body), 1);
        assert_int_equal(batch.records[0].error == NULL, n <= 64);
        buf_done(&body);
    }
}

static void a_property_has_at_most_255_bytes(void **state)
{
    (void)state;
    for (size_t n = 255; n <= 256; n++) {
        struct buf body;
        buf_init(&body, 4096);
        buf_add_str(&body, "telemetry,host=h,location=");
        for (size_t i = 0; i < n; i++) buf_add_char(&body, 'x');
        buf_add_str(&body, " a=1");
        const char *said = decode(buf_bytes(&body), 1);
        assert_int_equal(batch.records[0].error == NULL, n <= 255);
        if (n > 255) assert_string_equal(said, "1!'location': has at most 255 bytes");
        buf_done(&body);
    }
}

static void a_repeated_composed_name_is_made_once(void **state)
{
    (void)state;
    decode(BYTES("cpu,c=0,host=a u=1\ncpu,c=0,host=b u=2\ncpu,c=1,host=a u=3"), 1);
    assert_int_equal(batch.value_count, 3);
    assert_ptr_equal(batch.values[0].name.p, batch.values[1].name.p);
    assert_ptr_not_equal(batch.values[0].name.p, batch.values[2].name.p);
}

static void many_composed_names_are_never_confused(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1 << 20);
    for (int i = 0; i < 4000; i++) buf_printf(&body, "m,k=%d v=%d\n", i % 2000, i % 2000);
    decode(buf_bytes(&body), 1);
    assert_int_equal(batch.value_count, 4000);
    for (size_t i = 0; i < batch.value_count; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "m_v{k=%g}", batch.values[i].value);
        assert_true(bytes_is(batch.values[i].name, expected));
    }
    buf_done(&body);
}

static void a_cut_body_never_reads_past_its_end(void **state)
{
    (void)state;
    static const char body[] =
        "cpu,cpu=c\\ 0,host=h,region=eu idle=1.5,s=\"a\\\"b\nc\",t=true,n=42i "
        "1700000000000000000\r\n# c\ntelemetry,device=d a=1 5\n";
    for (size_t n = 0; n <= sizeof body - 1; n++) decode(bytes_of(body, n), 1);
    assert_string_equal(
        decode(bytes_str(body), 1),
        "h@1700000000000000000 cpu_idle{cpu=c 0}=1.5 cpu_t{cpu=c 0}=1 cpu_n{cpu=c 0}=42 "
        "P:region=eu | d@5 a=1 ~1");
}

/* Lines whose quotes never balance, in the worst order: the time must stay linear. */
static void unbalanced_quotes_stay_cheap(void **state)
{
    (void)state;
    struct buf body;
    struct raw_batch big;
    struct arena room;
    buf_init(&body, 8 << 20);
    raw_batch_init(&big, 1000000, 1000000);
    arena_init(&room, 512 << 20);
    buf_add_str(&body, "x y=z,b=\"\n");
    for (int i = 0; i < 300000; i++) buf_add_str(&body, "\" ,c=\"\n");
    struct line_protocol_opts opts = {0};
    assert_int_equal(line_protocol_decode(buf_bytes(&body), &opts, &room, &big, NULL), ERR_OK);
    assert_true(big.bad_count > 100000);
    raw_batch_done(&big);
    arena_done(&room);
    buf_done(&body);
}

static void the_ceilings_of_the_batch_refuse_the_body(void **state)
{
    (void)state;
    struct raw_batch small;
    struct why why = {""};
    struct line_protocol_opts opts = {0};
    raw_batch_init(&small, 2, 3);
    assert_int_equal(line_protocol_decode(BYTES("m a=1,b=2\nm c=3"), &opts, &arena, &small, &why),
                     ERR_OK);
    raw_batch_clear(&small);
    assert_int_equal(line_protocol_decode(BYTES("x\nx\nx"), &opts, &arena, &small, &why),
                     ERR_TOOLARGE);
    raw_batch_clear(&small);
    assert_int_equal(line_protocol_decode(BYTES("m a=1,b=2,c=3,d=4"), &opts, &arena, &small, &why),
                     ERR_TOOLARGE);
    assert_string_equal(why.text, "the body holds more than 2 lines or 3 values");
    raw_batch_done(&small);
}

static void any_failing_allocation_is_a_clean_answer(void **state)
{
    (void)state;
    static const char body[] = "c\\ pu,k=a\\ b,region=eu idle=1,x\\ y=2\nbad value=q\n";
    int64_t blocks = mem_blocks();
    for (int64_t n = 1;; n++) {
        struct arena fresh;
        struct raw_batch own;
        struct line_protocol_opts opts = {1, properties, 3};
        arena_init(&fresh, 1 << 20);
        raw_batch_init(&own, 100, 100);
        mem_fail_at(n);
        enum err e = line_protocol_decode(bytes_str(body), &opts, &fresh, &own, NULL);
        bool fired = mem_fail_fired();
        mem_fail_at(0);
        assert_int_equal(e, fired ? ERR_NOMEM : ERR_OK);
        raw_batch_done(&own);
        arena_done(&fresh);
        assert_int_equal(mem_blocks(), blocks);
        if (!fired) break;
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_record),
        cmocka_unit_test(values_have_their_types),
        cmocka_unit_test(the_device_is_the_first_of_four_tags),
        cmocka_unit_test(other_tags_are_identity_properties_or_a_name),
        cmocka_unit_test(a_bad_line_costs_only_itself),
        cmocka_unit_test(lines_are_counted_through_strings_and_comments),
        cmocka_unit_test(timestamps_have_the_stated_unit),
        cmocka_unit_test(names_and_tags_are_taken_up_to_their_limit),
        cmocka_unit_test(a_property_has_at_most_255_bytes),
        cmocka_unit_test(a_repeated_composed_name_is_made_once),
        cmocka_unit_test(many_composed_names_are_never_confused),
        cmocka_unit_test(a_cut_body_never_reads_past_its_end),
        cmocka_unit_test(unbalanced_quotes_stay_cheap),
        cmocka_unit_test(the_ceilings_of_the_batch_refuse_the_body),
        cmocka_unit_test(any_failing_allocation_is_a_clean_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
