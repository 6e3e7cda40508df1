/* The promises of store/analytics.h: materialized views on PostgreSQL, and the pass over rollups on
 * either store, answer as a scan of what was written does, whatever came late (N1). */
#include "analytics_world.h"
#include "store/postgres/postgres_analytics.h"
#include "store/rollup_math.h"

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { POINTS_MAX = 20000, STEPS = 60 };

static struct analytics_world w;
static struct arena arena;
static PGconn *other; /* somebody else on the database */

/* What was written, each (series, time) once. */
static struct entry {
    int64_t org, device, series, ts_ns;
} entries[POINTS_MAX];
static size_t entry_count;
static int64_t edge_ns[ANALYTICS_ORGS + 1];

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    entry_count = 0;
    for (int i = 0; i <= ANALYTICS_ORGS; i++) edge_ns[i] = INT64_MIN;
    analytics_world_open(&w);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    PQfinish(other); /* of a test that failed */
    other = NULL;
    analytics_world_close(&w);
    arena_done(&arena);
    return 0;
}

/* --- what happens ----------------------------------------------------------------------------- */

static void note(int64_t org, int64_t device, int64_t series, int64_t ts_ns)
{
    for (size_t i = 0; i < entry_count; i++)
        if (entries[i].series == series && entries[i].ts_ns == ts_ns) return;
    assert_true(entry_count < POINTS_MAX);
    entries[entry_count++] = (struct entry){org, device, series, ts_ns};
}

static void write_at(int64_t org, int number, int64_t ts_ns, unsigned variables)
{
    struct analytics_side *const worlds[] = {&w.embedded, &w.postgres};
    for (int i = 0; i < 2; i++) {
        struct reg_device *d = analytics_world_device(worlds[i], org, number);
        struct point points[ANALYTICS_VARIABLES];
        uint32_t n = 0;
        struct reg_variable *v = atomic_load(&d->variables);
        for (int k = 0; v; v = atomic_load(&v->next), k++)
            if (variables & (1U << k)) points[n++] = (struct point){v->id, (double)k};
        struct record r = {org, d->id, ts_ns, 0, n};
        const struct record_set set = {&r, 1, points, n}, *sets[] = {&set};
        struct why why = {""};
        assert_int_equal(telemetry_write(worlds[i]->telemetry, sets, 1, &why), ERR_OK);
        for (uint32_t k = 0; k < n && i == 0; k++) note(org, d->id, points[k].series, ts_ns);
    }
}

static void write_some(void)
{
    int64_t org = 1 + rand() % ANALYTICS_ORGS, back_ns;
    int number = rand() % ANALYTICS_DEVICES;
    for (int i = 0; i < 20; i++) {
        switch (rand() % 4) {
        case 0:
            back_ns = rand() % 3600 * NS_PER_S;
            break; /* now */
        case 1:
            back_ns = rand() % (48 * 3600) * NS_PER_S;
            break; /* late */
        case 2:
            back_ns = (int64_t)(rand() % (35 * 86400)) * NS_PER_S;
            break; /* long ago */
        default:
            back_ns = -(int64_t)(rand() % 86400) * NS_PER_S; /* a clock ahead */
        }
        int64_t ts_ns = clock_wall_ns(&w.fake.clock) - back_ns;
        if (ts_ns >= edge_ns[org]) write_at(org, number, ts_ns, 1U + (unsigned)rand() % 7);
    }
}

static void maintain_all(void)
{
    assert_int_equal(w.embedded.telemetry->ops->maintain(w.embedded.telemetry), ERR_OK);
    assert_int_equal(w.embedded.telemetry->ops->seal(w.embedded.telemetry), ERR_OK);
    assert_int_equal(w.postgres.telemetry->ops->maintain(w.postgres.telemetry), ERR_OK);
}

/* Sums outlive their readings. */
static void retain_some(void)
{
    int64_t org = 1 + rand() % ANALYTICS_ORGS,
            to_ns = rollup_hour(clock_wall_ns(&w.fake.clock) - 20 * NS_PER_DAY);
    uint64_t a = 0, b = 0;
    edge_ns[org] = to_ns;
    assert_int_equal(
        w.embedded.telemetry->ops->retain(w.embedded.telemetry, org, to_ns, INT64_MIN, &a), ERR_OK);
    assert_int_equal(
        w.postgres.telemetry->ops->retain(w.postgres.telemetry, org, to_ns, INT64_MIN, &b), ERR_OK);
    assert_int_equal(a, b);
}

static void purge_one(void)
{
    int64_t org = 1 + rand() % ANALYTICS_ORGS;
    int number = rand() % ANALYTICS_DEVICES;
    int64_t device = analytics_world_device(&w.embedded, org, number)->id;
    assert_int_equal(analytics_world_device(&w.postgres, org, number)->id, device);
    assert_int_equal(w.embedded.telemetry->ops->purge_device(w.embedded.telemetry, org, device),
                     ERR_OK);
    assert_int_equal(w.postgres.telemetry->ops->purge_device(w.postgres.telemetry, org, device),
                     ERR_OK);
    size_t kept = 0;
    for (size_t i = 0; i < entry_count; i++)
        if (entries[i].device != device) entries[kept++] = entries[i];
    entry_count = kept;
}

/* --- what it should be ------------------------------------------------------------------------ */

static bool in_window(int64_t ts_ns)
{
    return ts_ns >= rollup_hour(clock_wall_ns(&w.fake.clock)) - ANALYTICS_WINDOW_NS;
}

static void check_hour(const struct analytics_hour *h, int64_t org)
{
    int64_t points = 0, devices = 0, series = 0, seen[256], ones[256];
    for (size_t i = 0; i < entry_count; i++) {
        const struct entry *e = &entries[i];
        if ((org && e->org != org) || rollup_hour(e->ts_ns) != h->hour_ns) continue;
        points++;
        int64_t k = 0;
        while (k < series && seen[k] != e->series) k++;
        if (k == series) seen[series++] = e->series;
        for (k = 0; k < devices && ones[k] != e->device; k++) continue;
        if (k == devices) ones[devices++] = e->device;
    }
    assert_int_equal(h->points, points);
    assert_int_equal(h->series, series);
    assert_int_equal(h->devices, devices);
}

static void check_volume(struct analytics *a, int64_t org)
{
    struct analytics_hour *hours;
    size_t n = 0;
    int64_t points = 0, expected = 0;
    assert_int_equal(analytics_volume(a, org, INT64_MIN, INT64_MAX, &arena, &hours, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        check_hour(&hours[i], org);
        points += hours[i].points;
        if (i) assert_true(hours[i - 1].hour_ns < hours[i].hour_ns);
    }
    for (size_t i = 0; i < entry_count; i++)
        if ((!org || entries[i].org == org) && in_window(entries[i].ts_ns)) expected++;
    assert_int_equal(points, expected);
}

static void check_devices(struct analytics *a, int64_t org)
{
    struct analytics_device *rows;
    size_t n = 0;
    int64_t since_ns = ANALYTICS_NOW_NS - ANALYTICS_NOW_NS % NS_PER_DAY - 3 * NS_PER_DAY;
    assert_int_equal(analytics_devices(a, org, since_ns, &arena, &rows, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        int64_t points = 0, last_ns = INT64_MIN;
        for (size_t k = 0; k < entry_count; k++) {
            if (entries[k].device != rows[i].device || entries[k].ts_ns < since_ns) continue;
            points++;
            if (entries[k].ts_ns > last_ns) last_ns = entries[k].ts_ns;
        }
        assert_int_equal(rows[i].points, points);
        assert_int_equal(rows[i].last_ns, last_ns);
        if (org) assert_int_equal(rows[i].org, org);
    }
}

/* The other three answers, to the byte. */
static void check_same(struct analytics *a, struct analytics *b, int64_t org)
{
    struct analytics_hour *ah, *bh;
    struct analytics_day *ad, *bd;
    struct analytics_device *av, *bv;
    struct analytics_program *ap, *bp;
    size_t an, bn;
    int64_t from_ns = ANALYTICS_NOW_NS - 9 * NS_PER_DAY, to_ns = ANALYTICS_NOW_NS - NS_PER_DAY;
    assert_int_equal(analytics_volume(a, org, from_ns, to_ns, &arena, &ah, &an), ERR_OK);
    assert_int_equal(analytics_volume(b, org, from_ns, to_ns, &arena, &bh, &bn), ERR_OK);
    assert_int_equal(an, bn);
    assert_memory_equal(ah, bh, an * sizeof *ah);
    assert_int_equal(analytics_days(a, org, from_ns, INT64_MAX, &arena, &ad, &an), ERR_OK);
    assert_int_equal(analytics_days(b, org, from_ns, INT64_MAX, &arena, &bd, &bn), ERR_OK);
    assert_int_equal(an, bn);
    assert_memory_equal(ad, bd, an * sizeof *ad);
    assert_int_equal(analytics_devices(a, org, INT64_MIN, &arena, &av, &an), ERR_OK);
    assert_int_equal(analytics_devices(b, org, INT64_MIN, &arena, &bv, &bn), ERR_OK);
    assert_int_equal(an, bn);
    assert_memory_equal(av, bv, an * sizeof *av);
    assert_int_equal(analytics_programs(a, org, &arena, &ap, &an), ERR_OK);
    assert_int_equal(analytics_programs(b, org, &arena, &bp, &bn), ERR_OK);
    assert_int_equal(an, bn);
    assert_int_equal(an, org ? 1 : ANALYTICS_ORGS);
    assert_memory_equal(ap, bp, an * sizeof *ap);
}

static void check_all(void)
{
    struct analytics *const all[] = {w.embedded.rollups, w.postgres.rollups, w.postgres.views};
    for (int i = 0; i < 3; i++) {
        struct why why = {""};
        bool done = false;
        enum err e = analytics_refresh(all[i], true, 0, &done, &why);
        if (e) fail_msg("refresh %d: %s", i, why.text);
        assert_true(done);
    }
    for (int64_t org = 0; org <= ANALYTICS_ORGS; org++) {
        arena_reset(&arena);
        check_volume(all[2], org);
        check_devices(all[2], org);
        check_same(all[0], all[2], org);
        check_same(all[1], all[2], org);
    }
}

/* --- tests ------------------------------------------------------------------------------------ */

static void views_and_rollups_equal_a_scan_whatever_comes_late(void **state)
{
    (void)state;
    const char *given = getenv("ANALYTICS_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < STEPS; i++) {
        write_some();
        if (rand() % 5 == 0) maintain_all();
        if (rand() % 12 == 0) retain_some();
        if (rand() % 20 == 0) purge_one();
        if (rand() % 6 == 0) clock_fake_advance(&w.fake, rand() % 7200 * NS_PER_S);
        if (i % 10 == 9) check_all();
    }
}

static void what_is_deleted_is_left_out(void **state)
{
    (void)state;
    struct analytics_side *const worlds[] = {&w.embedded, &w.postgres};
    write_at(1, 0, ANALYTICS_NOW_NS - NS_PER_HOUR, 7);
    write_at(1, 1, ANALYTICS_NOW_NS - NS_PER_HOUR, 7);
    for (int i = 0; i < 2; i++) {
        struct reg_device *d = analytics_world_device(worlds[i], 1, 0);
        struct sql_tx *tx;
        assert_int_equal(sql_begin(worlds[i]->db, SQL_WRITE, &tx), ERR_OK);
        assert_int_equal(sql_exec(tx, "UPDATE devices SET deleted_ns = 1 WHERE org = 1 AND id = $1",
                                  SQL_ARGS(SQL_I(d->id)), NULL),
                         ERR_OK);
        assert_int_equal(sql_commit(tx), ERR_OK);
        atomic_store(&d->deleted_ns, 1);
    }
    struct analytics *const all[] = {w.embedded.rollups, w.postgres.views};
    for (int i = 0; i < 2; i++) {
        struct why why = {""};
        struct analytics_program *p;
        struct analytics_hour *h;
        size_t n = 0;
        bool done = false;
        assert_int_equal(analytics_refresh(all[i], false, 0, &done, &why), ERR_OK);
        assert_int_equal(analytics_volume(all[i], 1, 0, INT64_MAX, &arena, &h, &n), ERR_OK);
        assert_int_equal(n, 1);
        assert_int_equal(h->devices, 1);
        assert_int_equal(h->points, 3);
        assert_int_equal(analytics_programs(all[i], 1, &arena, &p, &n), ERR_OK);
        assert_int_equal(n, 1);
        assert_int_equal(p->devices, ANALYTICS_DEVICES - 1);
        assert_int_equal(p->users, 5);
        assert_int_equal(p->users_active[ANALYTICS_1D], 1);
        assert_int_equal(p->users_active[ANALYTICS_7D], 2);
        assert_int_equal(p->users_active[ANALYTICS_30D], 5);
        assert_int_equal(p->devices_active[ANALYTICS_1D], 1);
    }
}

static int64_t refresh_at(struct analytics *a, bool force)
{
    struct why why = {""};
    bool done = false;
    int64_t at_ns = -1;
    assert_int_equal(analytics_refresh(a, force, 0, &done, &why), ERR_OK);
    assert_true(done);
    assert_int_equal(analytics_refreshed(a, &at_ns), ERR_OK);
    return at_ns;
}

static void nothing_changed_is_nothing_done(void **state)
{
    (void)state;
    struct analytics *const all[] = {w.embedded.rollups, w.postgres.views};
    for (int i = 0; i < 2; i++) {
        int64_t none = -1;
        assert_int_equal(analytics_refreshed(all[i], &none), ERR_OK);
        assert_int_equal(none, 0);
        int64_t before = refresh_at(all[i], true), again;
        /* what the making of the organisations counted for may be told late */
        for (int k = 0; (again = refresh_at(all[i], false)) != before && k < 100; k++) {
            before = again;
            clock_fake_advance(&w.fake, NS_PER_MS);
            usleep(50000);
        }
        clock_fake_advance(&w.fake, NS_PER_MS);
        assert_int_equal(refresh_at(all[i], false), before);
        for (int k = 0; k < 600; k++) { /* a write is noticed: PostgreSQL tells it within seconds */
            write_at(1, 0, ANALYTICS_NOW_NS - k * NS_PER_S, 1);
            if (refresh_at(all[i], false) != before) break;
            usleep(50000);
        }
        assert_int_not_equal(refresh_at(all[i], false), before);
        clock_fake_advance(&w.fake, NS_PER_HOUR); /* another hour: the window has moved */
        assert_int_equal(refresh_at(all[i], false), clock_wall_ns(&w.fake.clock));
    }
}

static void expect_ok(PGconn *pg, const char *sql)
{
    PGresult *r = PQexec(pg, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(pg));
    PQclear(r);
}

static void readers_and_writers_go_on_while_a_view_is_made(void **state)
{
    (void)state;
    struct analytics_hour *hours;
    size_t n = 0;
    write_at(1, 0, ANALYTICS_NOW_NS - NS_PER_HOUR, 1);
    int64_t before = refresh_at(w.postgres.views, true);
    other = PQconnectdb(w.server.url);
    expect_ok(other, "BEGIN");
    expect_ok(other, "SELECT pg_advisory_xact_lock(7310585431987123459)");
    expect_ok(other, "REFRESH MATERIALIZED VIEW CONCURRENTLY analytics_volume");
    write_at(1, 0, ANALYTICS_NOW_NS - 2 * NS_PER_HOUR, 1);
    assert_int_equal(analytics_volume(w.postgres.views, 1, 0, INT64_MAX, &arena, &hours, &n),
                     ERR_OK);
    assert_int_equal(n, 1);
    bool done = false;
    struct why why = {""};
    assert_int_equal(analytics_refresh(w.postgres.views, true, 0, &done, &why), ERR_FULL);
    expect_ok(other, "ROLLBACK");
    PQfinish(other);
    other = NULL;
    clock_fake_advance(&w.fake, NS_PER_S);
    assert_true(refresh_at(w.postgres.views, true) > before);
    assert_int_equal(analytics_volume(w.postgres.views, 1, 0, INT64_MAX, &arena, &hours, &n),
                     ERR_OK);
    assert_int_equal(n, 2);
}

static void a_refresh_that_takes_too_long_leaves_what_was_there(void **state)
{
    (void)state;
    write_at(1, 0, ANALYTICS_NOW_NS - NS_PER_HOUR, 1);
    int64_t before = refresh_at(w.postgres.views, true), after = 0;
    const struct postgres_analytics_opts opts = {w.pool, &w.fake.clock, NS_PER_MS, false};
    struct analytics *hasty;
    struct why why = {""};
    bool done = false;
    other = PQconnectdb(w.server.url);
    assert_int_equal(postgres_analytics_new(&hasty, &opts), ERR_OK);
    expect_ok(other, "BEGIN");
    expect_ok(other, "LOCK TABLE organizations"); /* so that the view cannot be made at once */
    clock_fake_advance(&w.fake, NS_PER_S);
    assert_int_equal(analytics_refresh(hasty, true, 0, &done, &why), ERR_TIMEOUT);
    assert_false(done);
    expect_ok(other, "ROLLBACK");
    PQfinish(other);
    other = NULL;
    assert_int_equal(analytics_refreshed(hasty, &after), ERR_OK);
    assert_int_equal(after, before);
    analytics_close(hasty);
}

static void a_pass_in_slices_ends_when_every_device_was_seen(void **state)
{
    (void)state;
    const struct analytics_rollups_opts opts = {w.embedded.telemetry, w.embedded.registry,
                                                w.embedded.db, clock_real()};
    struct analytics *sliced;
    struct analytics_day *days;
    size_t n = 0, calls = 0;
    struct why why = {""};
    assert_int_equal(analytics_rollups_new(&sliced, &opts), ERR_OK);
    for (int org = 1; org <= ANALYTICS_ORGS; org++)
        for (int i = 0; i < ANALYTICS_DEVICES; i++)
            write_at(org, i, clock_wall_ns(clock_real()), 1);
    for (bool done = false; !done; calls++) { /* a nanosecond is over at the first look */
        assert_int_equal(analytics_days(sliced, 0, 0, INT64_MAX, &arena, &days, &n), ERR_OK);
        assert_int_equal(n, 0); /* half of a pass is not to be seen */
        assert_int_equal(analytics_refresh(sliced, false, 1, &done, &why), ERR_OK);
    }
    assert_true(calls > 1);
    struct analytics_program *p;
    assert_int_equal(analytics_programs(sliced, 0, &arena, &p, &n), ERR_OK);
    assert_int_equal(n, ANALYTICS_ORGS);
    for (size_t i = 0; i < n; i++) assert_int_equal(p[i].points[ANALYTICS_1D], ANALYTICS_DEVICES);
    analytics_close(sliced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(views_and_rollups_equal_a_scan_whatever_comes_late),
        TEST(what_is_deleted_is_left_out),
        TEST(nothing_changed_is_nothing_done),
        TEST(readers_and_writers_go_on_while_a_view_is_made),
        TEST(a_refresh_that_takes_too_long_leaves_what_was_there),
        TEST(a_pass_in_slices_ends_when_every_device_was_seen),
    };
    if (!postgres_server_start(&w.server)) return postgres_server_skip("analytics");
    int failed = cmocka_run_group_tests_name("analytics", tests, NULL, NULL);
    postgres_server_stop(&w.server);
    return failed;
}
