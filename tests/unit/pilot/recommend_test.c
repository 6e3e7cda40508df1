/* For each rule, figures that cause it and figures that nearly do; nothing without figures. */
#include "pilot/recommend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct evidence e;
static struct recommendation *list;
static size_t n;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4 << 20);
    evidence_init(&e);
    e.window_s = 900;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static const struct recommendation *find(const char *id)
{
    assert_int_equal(recommend_run(&e, &arena, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++)
        if (bytes_is(list[i].id, id)) return &list[i];
    return NULL;
}

/* What every one of them has to have; and its gain is the one that was expected. */
static void expect(const char *id, double gain, const char *key, const char *value)
{
    const struct recommendation *r = find(id);
    if (!r) fail_msg("%s is missing", id);
    assert_int_equal(n, 1);
    assert_true(r->title.n && r->description.n && r->impact.n && r->evidence_count);
    assert_non_null(r->category);
    assert_non_null(r->effort);
    for (size_t i = 0; i < r->evidence_count; i++) assert_true(isfinite(r->evidence[i].value));
    if (fabs(r->gain - gain) > 1e-9 * fabs(gain))
        fail_msg("%s: gain %g, not %g", id, r->gain, gain);
    if (!key) {
        assert_null(r->key);
        return;
    }
    assert_string_equal(r->key, key);
    assert_true(bytes_is(r->value, value));
}

static void expect_none(void)
{
    (void)find("");
    if (n) fail_msg("%.*s", (int)list[0].id.n, list[0].id.p);
    assert_int_equal(recommend_score(list, n), 100);
}

static void who_knows_nothing_says_nothing(void **state)
{
    (void)state;
    expect_none();
}

static void an_idle_server_is_told_nothing(void **state)
{
    (void)state;
    const struct evidence_cache cache = {
        .name = "users", .ttl_key = "cache.ttl.users", .life_s = 600};
    const struct evidence_organization one = {.id = 1, .name = BYTES("demo"), .retention_days = 90};
    e = (struct evidence){.window_s = 900,
                          .batch_size = 100,
                          .queue_capacity = 100000,
                          .cache_max_bytes = 64 << 20,
                          .caches = &cache,
                          .cache_count = 1,
                          .organizations = &one,
                          .organization_count = 1,
                          .pool_max = 20,
                          .disk_free_bytes = 50e9,
                          .disk_total_bytes = 100e9,
                          .store_bytes = 1e6,
                          .variables_per_device_max = 10000};
    expect_none();
}

static void batch_small(void **state)
{
    (void)state;
    e.batches = 90000;
    e.records = 9e6;
    e.full_batches = 81000;
    e.batch_size = 100;
    e.batch_write_ms = 2;
    e.queue_ms = 40;
    /* 90 of 100 batches a second, three quarters of them saved, 2 ms each */
    expect("batch-size-small", 0.9 * 100 * 0.75 * 2, "pilot.telemetry.batch-size", "400");
    e.queue_ms = 19;
    expect_none();
    e.queue_ms = 40;
    e.full_batches = 44000;
    expect_none();
}

static void batch_large(void **state)
{
    (void)state;
    e.batches = 100;
    e.records = 1e6;
    e.full_batches = 0;
    e.batch_size = 20000;
    e.batch_write_ms = 400;
    e.queue_ms = 1;
    expect("batch-size-large", 300, "pilot.telemetry.batch-size", "2500");
    e.batch_write_ms = 240;
    expect_none();
    e.batch_write_ms = 400;
    e.records = 100 * 4999.0;
    expect_none();
}

static void queue_near(void **state)
{
    (void)state;
    e.queue_peak = 80000;
    e.queue_capacity = 100000;
    e.queue_refused = 0;
    expect("queue-near-bound", 0, "pilot.telemetry.queue-capacity", "200000");
    assert_int_equal(list[0].priority, RECOMMEND_MEDIUM);
    e.queue_refused = 9;
    expect("queue-near-bound", 0.01, "pilot.telemetry.queue-capacity", "200000");
    assert_int_equal(list[0].priority, RECOMMEND_HIGH);
    e.queue_refused = 0;
    e.queue_peak = 79999;
    expect_none();
}

static struct evidence_cache cache;

static void with_cache(double hits, double misses)
{
    cache = (struct evidence_cache){.name = "telemetry-query",
                                    .ttl_key = "cache.ttl.telemetry-query",
                                    .hits = hits,
                                    .misses = misses,
                                    .expired = NAN,
                                    .life_s = 60,
                                    .source_ms = 3};
    e.caches = &cache;
    e.cache_count = 1;
    e.cache_max_bytes = 64e6;
    e.cache_bytes = 1e6;
}

static void cache_small(void **state)
{
    (void)state;
    with_cache(1000, 9000);
    cache.evictions = 4500;
    e.cache_bytes = 60e6;
    expect("cache-small", 4500 * 3 / 900.0, "cache.max-bytes", "128000000");
    e.cache_bytes = 57e6;
    expect_none();
    e.cache_bytes = 60e6;
    cache.evictions = 1700;
    expect_none();
}

static void life_short(void **state)
{
    (void)state;
    with_cache(4000, 6000);
    cache.expired = 4500;
    expect("ttl-short:telemetry-query", 2250 * 3 / 900.0, "cache.ttl.telemetry-query", "120s");
    cache.expired = 2900;
    expect_none();
    with_cache(9000, 1000);
    cache.expired = 1000;
    expect_none(); /* four of five are hits: it is long enough */
}

static void life_long(void **state)
{
    (void)state;
    with_cache(100, 9900);
    cache.entries = 9900;
    cache.bytes = 40e6;
    expect("ttl-long:telemetry-query", 20e6, "cache.ttl.telemetry-query", "30s");
    cache.bytes = 10e6;
    expect_none();
    with_cache(1000, 9000);
    cache.bytes = 40e6;
    expect_none();
}

static void missing_index(void **state)
{
    (void)state;
    struct evidence_index x = {
        .table = BYTES("events"), .scans = 200, .rows_read = 2e8, .bytes = 1e9};
    e.indexes = &x;
    e.index_count = 1;
    expect("missing-index:events", 2e8, NULL, NULL);
    x.scans = 1e6; /* small tables are read from end to end, often */
    expect_none();
    x = (struct evidence_index){.table = BYTES("events"), .scans = 2, .rows_read = 9e6};
    expect_none();
}

static void unused_index(void **state)
{
    (void)state;
    struct evidence_index x = {.table = BYTES("events"), .name = BYTES("events_odd"), .bytes = 5e7};
    e.indexes = &x;
    e.index_count = 1;
    e.statistics_days = 7;
    expect("unused-index:events_odd", 5e7, NULL, NULL);
    e.statistics_days = 6.9;
    expect_none();
    e.statistics_days = 30;
    x.scans = 1;
    expect_none();
    x = (struct evidence_index){
        .table = BYTES("events"), .name = BYTES("events_odd"), .bytes = 9e6};
    expect_none();
}

static void pool_exhausted(void **state)
{
    (void)state;
    e.pool_max = e.pool_peak = 20;
    e.pool_waits = 900;
    e.pool_wait_ms = 50;
    expect("pool-exhausted", 50, "spring.datasource.hikari.maximum-pool-size", "40");
    e.pool_peak = 19;
    expect_none();
    e.pool_peak = 20;
    e.pool_wait_ms = 9;
    expect_none();
}

static void noisy_organization(void **state)
{
    (void)state;
    struct evidence_organization o[] = {
        {.id = 7, .name = BYTES("loud"), .requests = 9100, .points = 0, .p95_ms = 3},
        {.id = 8, .name = BYTES("quiet"), .requests = 50, .points = 0, .p95_ms = 3},
        {.id = 9, .name = BYTES("calm"), .requests = 50, .points = 0, .p95_ms = 3},
    };
    for (int i = 0; i < 3; i++) o[i].retention_days = 90;
    e.organizations = o;
    e.organization_count = 3;
    expect("noisy-organization:7:requests", (9100 - 500) / 900.0, NULL, NULL);
    o[0].requests = 5999;
    expect_none();
    o[0].requests = 9100;
    o[1].requests = o[2].requests = 950; /* the others do something too */
    expect_none();
    e.organization_count = 1; /* alone it disturbs nobody */
    expect_none();
    e.organization_count = 3;
    o[0].requests = o[1].requests = o[2].requests = 0;
    o[0].points = 1e6;
    o[1].points = 10;
    expect("noisy-organization:7:points", (1e6 - 100) / 900, NULL, NULL);
}

static struct evidence_device device;

static void with_device(void)
{
    device =
        (struct evidence_device){.external_id = BYTES("pump-1"), .organization = BYTES("demo")};
    e.devices = &device;
    e.device_count = 1;
    e.variables_per_device_max = 10000;
}

static void wrong_clock(void **state)
{
    (void)state;
    with_device();
    device.refused = 10;
    expect("wrong-clock:demo/pump-1", 10 / 900.0, NULL, NULL);
    device.refused = 9;
    expect_none();
}

static void series_explosion(void **state)
{
    (void)state;
    with_device();
    device.variables = 1000;
    device.new_variables = 500;
    expect("series-explosion:demo/pump-1", 500 / 900.0 * 86400, NULL, NULL);
    assert_int_equal(list[0].priority, RECOMMEND_MEDIUM);
    device.new_variables = 499;
    expect_none();
    device.variables = 8000;
    expect("series-explosion:demo/pump-1", 499 / 900.0 * 86400, NULL, NULL);
    assert_int_equal(list[0].priority, RECOMMEND_HIGH);
}

static void one_by_one(void **state)
{
    (void)state;
    e.single_aggregates = 4500;
    e.batched_aggregates = 450;
    e.single_aggregate_ms = 2;
    expect("dashboards-one-by-one", 4.5, NULL, NULL);
    e.batched_aggregates = 451;
    expect_none();
    e.single_aggregates = 4499;
    e.batched_aggregates = 0;
    expect_none();
}

static void disk_full(void **state)
{
    (void)state;
    e.disk_free_bytes = 29e9;
    e.disk_total_bytes = 100e9;
    e.store_bytes = 60e9;
    e.store_growth_per_day = 1e9;
    expect("disk-full", 1, NULL, NULL);
    assert_int_equal(list[0].priority, RECOMMEND_MEDIUM);
    e.disk_free_bytes = 6e9;
    expect("disk-full", 24, NULL, NULL);
    assert_int_equal(list[0].priority, RECOMMEND_HIGH);
    e.disk_free_bytes = 31e9;
    expect_none();
    e.disk_free_bytes = 6e9;
    e.store_growth_per_day = NAN;
    expect_none();
    e.disk_free_bytes = 1e9; /* 1 %: whatever the growth */
    assert_non_null(find("disk-full"));
}

static void retention_cost(void **state)
{
    (void)state;
    struct evidence_organization o = {.id = 3, .name = BYTES("ever"), .bytes = 2e9};
    e.organizations = &o;
    e.organization_count = 1;
    e.retention_cost_bytes = 1e9;
    e.store_bytes = 3e9;
    expect("retention-cost:3", 2e9, NULL, NULL);
    o.retention_days = 90;
    expect_none();
    o.retention_days = 0;
    e.store_bytes = 5e9;
    expect_none();
    e.store_bytes = 3e9;
    e.retention_cost_bytes = 3e9;
    expect_none();
}

static void the_worst_comes_first_and_the_score_falls(void **state)
{
    (void)state;
    with_device();
    device.refused = 100; /* high */
    e.queue_peak = 90;    /* medium */
    e.queue_capacity = 100;
    e.queue_refused = 0;
    assert_non_null(find("queue-near-bound"));
    assert_int_equal(n, 2);
    assert_true(bytes_is(list[0].id, "wrong-clock:demo/pump-1"));
    assert_int_equal(recommend_score(list, n), 70);
    struct recommendation many[20] = {0};
    for (int i = 0; i < 20; i++) many[i].priority = RECOMMEND_HIGH;
    assert_int_equal(recommend_score(many, 20), 0);
}

static void a_report_is_bounded(void **state)
{
    (void)state;
    struct evidence_device *many = arena_alloc(&arena, 200 * sizeof *many);
    with_device();
    for (int i = 0; i < 200; i++) {
        many[i] = device;
        many[i].refused = 100;
    }
    e.devices = many;
    e.device_count = 200;
    (void)find("");
    assert_int_equal(n, RECOMMEND_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define RULE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        RULE(who_knows_nothing_says_nothing),
        RULE(an_idle_server_is_told_nothing),
        RULE(batch_small),
        RULE(batch_large),
        RULE(queue_near),
        RULE(cache_small),
        RULE(life_short),
        RULE(life_long),
        RULE(missing_index),
        RULE(unused_index),
        RULE(pool_exhausted),
        RULE(noisy_organization),
        RULE(wrong_clock),
        RULE(series_explosion),
        RULE(one_by_one),
        RULE(disk_full),
        RULE(retention_cost),
        RULE(the_worst_comes_first_and_the_score_falls),
        RULE(a_report_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
