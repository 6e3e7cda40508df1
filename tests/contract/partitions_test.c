/* Months of readings on PostgreSQL: there before they are needed, dropped whole when nobody keeps
 * them any more, and neither makes a writer wait. */
#include "postgres_server.h"
#include "store/migrations.h"
#include "store/postgres/postgres_sql.h"
#include "store/postgres/postgres_store.h"
#include "store/rollup_math.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_NS  (INT64_C(1795523640) * NS_PER_S) /* 2026-11-24T12:34:00Z */
#define JULY_NS (INT64_C(1784116800) * NS_PER_S) /* 2026-07-15T12:00:00Z */

enum { KEEPS = 1, FORGETS = 2, ALSO = 3, SERIES = 7 };

static struct postgres_server server;
static struct postgres_pool *pool;
static struct sql_db *db;
static struct telemetry *store;
static struct clock_fake fake;
static PGconn *other; /* somebody else on the database */

static void open_store(void)
{
    struct why why = {""};
    const struct postgres_opts opts = {
        .url = server.url, .max = 10, .connect_timeout_ns = 30 * NS_PER_S, .clock = clock_real()};
    assert_int_equal(postgres_pool_new(&pool, &opts, &why), ERR_OK);
    assert_int_equal(postgres_sql_new(&db, pool), ERR_OK);
    assert_int_equal(migrate_run(db, migrations_catalog, migrations_catalog_count, 1, &why),
                     ERR_OK);
    const struct postgres_store_opts o = {pool, db, &fake.clock, 5};
    assert_int_equal(postgres_store_open(&store, &o, &why), ERR_OK);
}

static void close_store(void)
{
    store->ops->close(store);
    db->ops->close(db);
    postgres_pool_free(pool);
}

static int set_up(void **state)
{
    (void)state;
    clock_fake_init(&fake, NOW_NS);
    open_store();
    other = PQconnectdb(server.url);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    PQfinish(other);
    close_store();
    postgres_server_wipe(&server);
    return 0;
}

static void tell(const char *sql)
{
    PGresult *r = PQexec(other, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(other));
    PQclear(r);
}

static int64_t ask(const char *sql)
{
    PGresult *r = PQexec(other, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK) fail_msg("%s: %s", sql, PQerrorMessage(other));
    int64_t n = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return n;
}

static bool has(const char *partition)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM telemetry_partitions WHERE name = '%s'",
             partition);
    return ask(sql) == 1;
}

static enum err write_one(int64_t org, int64_t ts_ns, double value)
{
    struct point p = {SERIES + org, value};
    struct record r = {org, org * 10, ts_ns, 0, 1};
    const struct record_set set = {&r, 1, &p, 1}, *sets[] = {&set};
    struct why why = {""};
    enum err e = telemetry_write(store, sets, 1, &why);
    if (e) print_message("%s\n", why.text);
    return e;
}

static uint64_t retain_to(int64_t org, int64_t raw_ns)
{
    uint64_t points = 0;
    assert_int_equal(store->ops->retain(store, org, raw_ns, INT64_MIN, &points), ERR_OK);
    return points;
}

static int64_t sum_of(int64_t org, double *ret_sum)
{
    struct rollup rows[16];
    const struct scan_range range = {
        org, org * 10, SERIES + org, JULY_NS - NS_PER_DAY, JULY_NS + NS_PER_DAY, false};
    size_t n = 0;
    int64_t count = 0;
    assert_int_equal(telemetry_rollups(store, &range, rows, 16, &n), ERR_OK);
    *ret_sum = 0;
    for (size_t i = 0; i < n; i++) {
        count += (int64_t)rows[i].count;
        *ret_sum += rows[i].sum;
    }
    return count;
}

static uint64_t dropped(void)
{
    struct telemetry_stats stats;
    store->ops->read_stats(store, &stats);
    return stats.partitions_dropped;
}

/* --- making ----------------------------------------------------------------------------------- */

static void this_month_and_the_next_three_are_there_at_the_start(void **state)
{
    (void)state;
    assert_true(has("telemetry_records_2026_11"));
    assert_true(has("telemetry_records_2026_12"));
    assert_true(has("telemetry_records_2027_01"));
    assert_true(has("telemetry_records_2027_02"));
    assert_int_equal(ask("SELECT count(*) FROM telemetry_partitions"), 4);
    clock_fake_advance(&fake, 8 * NS_PER_DAY); /* December, and an hour is over */
    assert_int_equal(store->ops->maintain(store), ERR_OK);
    assert_true(has("telemetry_records_2027_03"));
}

static void odd_times_get_theirs_when_they_come(void **state)
{
    (void)state;
    assert_int_equal(write_one(KEEPS, 0, 1), ERR_OK); /* 1970: the one before 2000 */
    assert_int_equal(write_one(KEEPS, JULY_NS, 1), ERR_OK);
    assert_int_equal(write_one(KEEPS, INT64_MAX - 1, 1), ERR_OK); /* 2262, without an end */
    assert_true(has("telemetry_records_2026_07"));
    assert_true(has("telemetry_records_2262_04"));
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records"), 3);
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records_2026_07"), 1);
    /* with the primary key of the others */
    assert_int_equal(ask("SELECT count(*) FROM pg_inherits i JOIN pg_index x "
                         "ON x.indexrelid = i.inhrelid WHERE x.indrelid = "
                         "'telemetry_records_2026_07'::regclass AND x.indisprimary"),
                     1);
}

static void making_one_waits_for_no_writer(void **state)
{
    (void)state;
    tell("BEGIN");
    tell("INSERT INTO telemetry_records (org, device, ts_ns, series, value) "
         "VALUES (9, 9, 1795523640000000000, '{1}', '{1}')");
    assert_int_equal(write_one(KEEPS, JULY_NS, 1), ERR_OK); /* its insert is still open */
    tell("ROLLBACK");
    assert_true(has("telemetry_records_2026_07"));
}

/* --- dropping --------------------------------------------------------------------------------- */

static void a_month_goes_whole_when_the_last_one_who_keeps_it_lets_go(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(write_one(FORGETS, JULY_NS + i * NS_PER_MINUTE, i), ERR_OK);
        assert_int_equal(write_one(ALSO, JULY_NS + i * NS_PER_MINUTE, i), ERR_OK);
    }
    double before, after;
    assert_int_equal(sum_of(FORGETS, &before), 100);
    int64_t edge_ns = NOW_NS - 90 * NS_PER_DAY;
    assert_int_equal(retain_to(FORGETS, edge_ns), 100);
    assert_true(has("telemetry_records_2026_07")); /* ALSO has readings there */
    assert_int_equal(dropped(), 0);
    assert_int_equal(retain_to(ALSO, edge_ns), 100);
    assert_false(has("telemetry_records_2026_07"));
    assert_int_equal(ask("SELECT count(*) FROM pg_class WHERE relname LIKE '%2026_07%'"), 0);
    assert_int_equal(dropped(), 1);
    assert_int_equal(sum_of(FORGETS, &after), 100); /* the sums came first */
    assert_true(before == after);
    assert_true(has("telemetry_records_2026_11"));
}

static void who_keeps_for_ever_keeps_the_month_and_others_go_piece_by_piece(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(write_one(KEEPS, JULY_NS + i * NS_PER_MINUTE, i), ERR_OK);
        assert_int_equal(write_one(FORGETS, JULY_NS + i * NS_PER_MINUTE, i), ERR_OK);
    }
    assert_int_equal(retain_to(FORGETS, NOW_NS - 90 * NS_PER_DAY), 10);
    assert_true(has("telemetry_records_2026_07"));
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records_2026_07 WHERE org = 1"), 10);
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records_2026_07 WHERE org = 2"), 0);
}

static void what_is_half_forgotten_waits_for_the_rest_of_its_month(void **state)
{
    (void)state;
    int64_t first_ns = NOW_NS - 60 * NS_PER_DAY; /* 2026-09-25 */
    for (int i = 0; i < 10; i++)
        assert_int_equal(write_one(FORGETS, first_ns + i * NS_PER_HOUR, i), ERR_OK);
    assert_int_equal(retain_to(FORGETS, first_ns + 5 * NS_PER_HOUR), 5); /* down to the hour */
    struct scan_cursor *cursor;
    const struct scan_range range = {FORGETS, FORGETS * 10, SERIES + FORGETS, 0, INT64_MAX, false};
    const struct sample *samples;
    size_t n = 0;
    assert_int_equal(telemetry_scan_open(store, &range, &cursor), ERR_OK);
    assert_int_equal(telemetry_scan_next(cursor, &samples, &n), ERR_OK);
    assert_int_equal(n, 5); /* gone from sight at once */
    telemetry_scan_close(cursor);
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records_2026_09"), 10);
    /* who keeps less than a month would hold many times what it keeps */
    int64_t recent_ns = NOW_NS - 10 * NS_PER_DAY;
    for (int i = 0; i < 10; i++)
        assert_int_equal(write_one(ALSO, recent_ns + i * NS_PER_HOUR, i), ERR_OK);
    assert_int_equal(retain_to(ALSO, recent_ns + 5 * NS_PER_HOUR), 5);
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records_2026_11 WHERE org = 3"), 5);
}

static void a_reader_delays_the_drop_and_no_writer(void **state)
{
    (void)state;
    assert_int_equal(write_one(FORGETS, JULY_NS, 1), ERR_OK);
    tell("BEGIN");
    tell("DECLARE c CURSOR FOR SELECT * FROM telemetry_records");
    tell("FETCH 1 FROM c");
    assert_int_equal(retain_to(FORGETS, NOW_NS - 90 * NS_PER_DAY), 1);
    assert_int_equal(dropped(), 0);
    assert_int_equal(write_one(FORGETS, NOW_NS, 2), ERR_OK);
    tell("COMMIT");
    clock_fake_advance(&fake, 2 * NS_PER_HOUR);
    assert_int_equal(store->ops->maintain(store), ERR_OK);
    retain_to(FORGETS, NOW_NS - 90 * NS_PER_DAY);
    assert_int_equal(dropped(), 1);
    assert_false(has("telemetry_records_2026_07"));
}

static void *let_go(void *arg)
{
    (void)arg;
    retain_to(FORGETS, NOW_NS - 90 * NS_PER_DAY);
    return NULL;
}

/* It waits for the end of the reader's transaction and not for a lock of the table: whoever comes
 * for the table meanwhile does not stand behind it. */
static void detaching_stands_in_nobodys_way(void **state)
{
    (void)state;
    static const char waits[] =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE%DETACH%' "
        "AND pid <> pg_backend_pid() AND wait_event_type = 'Lock' AND wait_event = '";
    char sql[256];
    pthread_t thread;
    int64_t for_end = 0, for_table = 0;
    assert_int_equal(write_one(FORGETS, JULY_NS, 1), ERR_OK);
    tell("BEGIN");
    tell("SELECT count(*) FROM telemetry_records");
    assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
    for (int i = 0; i < 3000 && !for_end && !for_table; i++) {
        tell("SELECT pg_stat_clear_snapshot()");
        snprintf(sql, sizeof sql, "%svirtualxid'", waits);
        for_end = ask(sql);
        snprintf(sql, sizeof sql, "%srelation'", waits);
        for_table = ask(sql);
    }
    tell("COMMIT");
    pthread_join(thread, NULL);
    assert_int_equal(for_end, 1);
    assert_int_equal(for_table, 0);
}

static void one_that_somebody_else_dropped_is_made_again_by_a_write(void **state)
{
    (void)state;
    assert_int_equal(write_one(KEEPS, JULY_NS, 1), ERR_OK);
    tell("ALTER TABLE telemetry_records DETACH PARTITION telemetry_records_2026_07");
    assert_int_equal(write_one(KEEPS, JULY_NS + 1, 2), ERR_OK); /* and the orphan is gone */
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records_2026_07"), 1);
}

static void what_a_server_that_died_left_is_dropped_within_the_hour(void **state)
{
    (void)state;
    assert_int_equal(write_one(KEEPS, JULY_NS, 1), ERR_OK);
    tell("ALTER TABLE telemetry_records DETACH PARTITION telemetry_records_2026_07");
    clock_fake_advance(&fake, 2 * NS_PER_HOUR);
    assert_int_equal(store->ops->maintain(store), ERR_OK);
    assert_int_equal(ask("SELECT count(*) FROM pg_class WHERE relname LIKE '%2026_07%'"), 0);
}

/* --- piece by piece --------------------------------------------------------------------------- */

static void a_piece_takes_nothing_that_is_still_to_be_seen(void **state)
{
    (void)state;
    assert_int_equal(write_one(KEEPS, NOW_NS, 1), ERR_OK);
    assert_int_equal(ask("SELECT cleanup_old_telemetry(1, 0, 9223372036854775807, 1000)"), 0);
    assert_int_equal(ask("SELECT cleanup_old_hours(1, 9223372036854775807, 1000)"), 0);
    retain_to(KEEPS, NOW_NS - NS_PER_HOUR);
    assert_int_equal(ask("SELECT cleanup_old_telemetry(1, 0, 9223372036854775807, 1000)"), 0);
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records"), 1);
}

static void a_piece_is_bounded_and_no_write_waits_for_it(void **state)
{
    (void)state;
    int64_t first_ns = NOW_NS - 10 * NS_PER_DAY;
    for (int i = 0; i < 50; i++) assert_int_equal(write_one(FORGETS, first_ns + i, i), ERR_OK);
    tell("INSERT INTO telemetry_cutoffs (org, raw_ns, rollup_ns) "
         "VALUES (2, 1795000000000000000, '-9223372036854775808'::bigint)");
    tell("BEGIN"); /* a piece that is never done */
    assert_int_equal(ask("SELECT cleanup_old_telemetry(2, 0, 9223372036854775807, 20)"), 20);
    assert_int_equal(write_one(FORGETS, NOW_NS, 1), ERR_OK);
    assert_int_equal(write_one(KEEPS, first_ns, 1), ERR_OK);
    tell("COMMIT");
    assert_int_equal(ask("SELECT count(*) FROM telemetry_records WHERE org = 2"), 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(this_month_and_the_next_three_are_there_at_the_start),
        TEST(odd_times_get_theirs_when_they_come),
        TEST(making_one_waits_for_no_writer),
        TEST(a_month_goes_whole_when_the_last_one_who_keeps_it_lets_go),
        TEST(who_keeps_for_ever_keeps_the_month_and_others_go_piece_by_piece),
        TEST(what_is_half_forgotten_waits_for_the_rest_of_its_month),
        TEST(a_reader_delays_the_drop_and_no_writer),
        TEST(detaching_stands_in_nobodys_way),
        TEST(one_that_somebody_else_dropped_is_made_again_by_a_write),
        TEST(what_a_server_that_died_left_is_dropped_within_the_hour),
        TEST(a_piece_takes_nothing_that_is_still_to_be_seen),
        TEST(a_piece_is_bounded_and_no_write_waits_for_it),
    };
    if (!postgres_server_start(&server)) return postgres_server_skip("partitions");
    int failed = cmocka_run_group_tests_name("partitions", tests, NULL, NULL);
    postgres_server_stop(&server);
    return failed;
}
