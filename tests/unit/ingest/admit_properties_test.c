/* What messages say of their devices: stored once, merged, bounded, and the last word counts. */
#include "base/mem.h"
#include "codec/line_protocol.h"
#include "ingest/admit.h"
#include "service_world.h"
#include "store/registry_properties.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { NAMES = DEVICE_PROPERTIES_MAX + 1 };

static struct service_world w;
static struct retention *retention;
static struct admit *admit;
static struct actor ada;
static struct bytes tags[NAMES + 5];
static char tag_texts[NAMES][24];

static void open_admit(void)
{
    const struct admit_opts opts = {.registry = w.registry,
                                    .db = w.db,
                                    .retention = retention,
                                    .clock = &w.clock.clock,
                                    .auto_provision = true};
    assert_int_equal(admit_new(&admit, &opts), ERR_OK);
}

static int open_world(void **state)
{
    (void)state;
    struct principal p;
    service_world_open(&w);
    struct auth_tokens t = service_world_register(&w, "ada");
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
    ada = service_world_actor(&w, &p);
    assert_int_equal(retention_new(&retention, 0), ERR_OK);
    static const char *const known[] = {"location", "sensor_type", "rack", "os", "team"};
    for (size_t i = 0; i < 5; i++) tags[i] = bytes_str(known[i]);
    for (size_t i = 0; i < NAMES; i++) {
        snprintf(tag_texts[i], sizeof tag_texts[i], "t%zu", i);
        tags[5 + i] = bytes_str(tag_texts[i]);
    }
    open_admit();
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    admit_free(admit);
    retention_free(retention);
    service_world_close(&w);
    return 0;
}

/* Takes a body of line protocol in; answers how many records were refused. */
static size_t say_to(const char *body, bool may_block, enum err expected)
{
    struct raw_batch raw;
    struct arena arena;
    struct why why = {""};
    struct admission admission;
    const struct line_protocol_opts opts = {.property_tags = tags,
                                            .property_tag_count = sizeof tags / sizeof tags[0]};
    const struct principal who = {.kind = PRINCIPAL_USER, .org = ada.org, .roles = ROLE_USER};
    raw_batch_init(&raw, 10000, 100000);
    arena_init(&arena, 16 << 20);
    assert_int_equal(line_protocol_decode(bytes_str(body), &opts, &arena, &raw, &why), ERR_OK);
    assert_int_equal(
        admit_resolve(admit, &who, bytes_str(NULL), &raw, may_block, &arena, &admission, &why),
        expected);
    arena_done(&arena);
    raw_batch_done(&raw);
    return admission.refused;
}

static size_t say(const char *body)
{
    return say_to(body, true, ERR_OK);
}

static struct device row(void)
{
    struct device d;
    assert_int_equal(device_service_find(&w.devices, ada.org, BYTES("d1"), &w.arena, &d), ERR_OK);
    return d;
}

static void assert_text(struct bytes text, const char *expected)
{
    assert_int_equal(text.n, strlen(expected));
    assert_memory_equal(text.p, expected, text.n);
}

/* In memory, as /data/latest shows it. */
static void assert_members(const char *expected)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    registry_properties_members(w.registry, row().id, &b);
    assert_text(buf_bytes(&b), expected);
    buf_done(&b);
}

/* The catalog is not even asked. */
static void assert_says_nothing_new(const char *body)
{
    assert_int_equal(say_to(body, false, ERR_OK), 0);
}

static void what_a_line_says_is_stored_once(void **state)
{
    (void)state;
    static const char body[] = "m,device=d1,rack=r\\ 1,os=\"l<x>\",location=roof,cpu=0 v=1";
    assert_int_equal(say("m,device=d1,cpu=0 v=1"), 0);
    say_to(body, false, ERR_MORE);
    assert_int_equal(say(body), 0);
    assert_text(row().properties, "{\"rack\":\"r 1\",\"os\":\"\\\"l\\u003cx\\u003e\\\"\"}");
    assert_text(row().location, "roof");
    assert_members("\"location\":\"roof\",\"rack\":\"r 1\",\"os\":\"\\\"l\\u003cx\\u003e\\\"\"");
    assert_says_nothing_new(body);
    admit_free(admit);
    service_world_reopen(&w, NULL);
    open_admit();
    assert_members("\"location\":\"roof\",\"rack\":\"r 1\",\"os\":\"\\\"l\\u003cx\\u003e\\\"\"");
    assert_says_nothing_new(body);
}

static void lines_that_say_different_things_are_merged(void **state)
{
    (void)state;
    assert_int_equal(say("m,device=d1,rack=r1 v=1"), 0);
    assert_int_equal(say("m,device=d1,os=linux v=1"), 0);
    assert_text(row().properties, "{\"rack\":\"r1\",\"os\":\"linux\"}");
    assert_says_nothing_new("m,device=d1,rack=r1 v=1\nm,device=d1,os=linux v=1");
    assert_int_equal(say("m,device=d1,rack=r2 v=1"), 0);
    assert_text(row().properties, "{\"rack\":\"r2\",\"os\":\"linux\"}");
}

static void the_last_word_of_a_body_counts(void **state)
{
    (void)state;
    assert_int_equal(say("m,device=d1,rack=a v=1"), 0);
    assert_int_equal(say("m,device=d1,rack=b v=1\nm,device=d1,rack=a v=1"), 0);
    assert_text(row().properties, "{\"rack\":\"a\"}");
    assert_int_equal(say("m,device=d1,rack=b v=1\nm,device=d1,rack=c v=1"), 0);
    assert_text(row().properties, "{\"rack\":\"c\"}");
    assert_members("\"rack\":\"c\"");
}

static void a_person_and_a_message_overwrite_each_other(void **state)
{
    (void)state;
    struct device d;
    struct refusal refusal = {.fields = 0};
    assert_int_equal(say("m,device=d1,location=roof,rack=r1 v=1"), 0);
    const struct device_change change = {.location = {true, BYTES("cellar")}};
    assert_int_equal(
        device_service_update(&w.devices, &ada, BYTES("d1"), &change, &w.arena, &d, &refusal),
        ERR_OK);
    assert_members("\"location\":\"cellar\",\"rack\":\"r1\"");
    assert_int_equal(say("m,device=d1,location=roof v=1"), 0);
    assert_text(row().location, "roof");
    assert_text(row().properties, "{\"rack\":\"r1\"}");
    const struct device_change clear = {.location = {true, {NULL, 0}}};
    assert_int_equal(
        device_service_update(&w.devices, &ada, BYTES("d1"), &clear, &w.arena, &d, &refusal),
        ERR_OK);
    assert_members("\"rack\":\"r1\"");
}

/* "m,device=d1,t0=x,t1=x… v=1" for tags [from, to). */
static const char *line_with(char *line, size_t size, int from, int to)
{
    int n = snprintf(line, size, "m,device=d1");
    for (int i = from; i < to; i++) n += snprintf(line + n, size - (size_t)n, ",t%d=x", i);
    snprintf(line + n, size - (size_t)n, " v=1");
    return line;
}

static void a_hundred_properties_are_kept_and_the_next_is_left_out(void **state)
{
    (void)state;
    char line[2000];
    assert_int_equal(say(line_with(line, sizeof line, 0, 60)), 0);
    assert_int_equal(say(line_with(line, sizeof line, 60, DEVICE_PROPERTIES_MAX)), 0);
    struct bytes all = row().properties;
    assert_non_null(memmem(all.p, all.n, "\"t99\":\"x\"}", 10));
    assert_int_equal(say(line_with(line, sizeof line, DEVICE_PROPERTIES_MAX, NAMES)), 0);
    assert_text(row().properties, arena_copy(&w.arena, all).p);
    assert_says_nothing_new(line);
    assert_int_equal(say("m,device=d1,location=roof,t100=y v=1"), 0); /* a column has its place */
    assert_text(row().location, "roof");
    assert_text(row().properties, arena_copy(&w.arena, all).p);
    assert_int_equal(say("m,device=d1,t99=y v=1"), 0);
    assert_non_null(memmem(row().properties.p, row().properties.n, "\"t99\":\"y\"}", 10));
}

static void a_deleted_device_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(say("m,device=d1,rack=a v=1"), 0);
    const struct device_property said[] = {{BYTES("rack"), BYTES("b")}};
    const struct property_change change = {ada.org, row().id, said, 1};
    assert_int_equal(device_service_delete(&w.devices, &ada, BYTES("d1"), &w.arena), ERR_OK);
    assert_int_equal(registry_properties_write(w.registry, &change, 1, 5), ERR_OK);
}

static void an_older_row_does_not_replace_a_newer_one(void **state)
{
    (void)state;
    assert_int_equal(say("m,device=d1,rack=a v=1"), 0);
    struct device before = row();
    uint64_t ticket = registry_properties_ticket(w.registry);
    assert_int_equal(say("m,device=d1,rack=b v=1"), 0);
    registry_properties_put(w.registry, ticket, &before);
    assert_members("\"rack\":\"b\"");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_a_line_says_is_stored_once),
        CASE(lines_that_say_different_things_are_merged),
        CASE(the_last_word_of_a_body_counts),
        CASE(a_person_and_a_message_overwrite_each_other),
        CASE(a_hundred_properties_are_kept_and_the_next_is_left_out),
        CASE(a_deleted_device_is_passed_over),
        CASE(an_older_row_does_not_replace_a_newer_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
