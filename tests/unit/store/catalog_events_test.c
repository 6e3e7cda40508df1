/* The audit trail: only added to, found by index, ended by its retention alone. */
#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog.h"
#include "store/catalog_events.h"
#include "store/catalog_organizations.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct temp_dir dir;
static struct clock_fake now;
static struct sql_db *db;
static struct arena arena;

static int open_world(void **state)
{
    (void)state;
    struct why why = {""};
    temp_dir_make(&dir);
    clock_fake_init(&now, INT64_C(1800000000) * NS_PER_S);
    arena_init(&arena, 16 << 20);
    assert_int_equal(catalog_open(&db, fs_real(), dir.path, &now.clock, &why), ERR_OK);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    catalog_close(db);
    arena_done(&arena);
    temp_dir_remove(&dir);
    return 0;
}

static struct sql_tx *begin(void)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    return tx;
}

static void add(struct sql_tx *tx, int64_t org, const char *type, int64_t created_ns)
{
    struct event e = {.org = org,
                      .type = bytes_str(type),
                      .entity_type = BYTES("THING"),
                      .device = 7,
                      .created_ns = created_ns};
    assert_int_equal(catalog_events_append(tx, &e), ERR_OK);
}

static int64_t count(int64_t org, const char *type)
{
    const struct event_filter filter = {.type = bytes_str(type), .severity = -1};
    const struct catalog_page page = {.size = 1};
    struct event *events = NULL;
    struct catalog_listing listing;
    struct sql_tx *tx;
    assert_int_equal(sql_begin(db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(catalog_events_list(tx, org, &filter, &page, &arena, &events, &listing, NULL),
                     ERR_OK);
    sql_rollback(tx);
    return listing.total;
}

/* --- added to, never changed ------------------------------------------------------------------ */

static void expect_refused(const char *sql, const char *sentence)
{
    struct sql_tx *tx = begin();
    bool refused = sql_exec(tx, sql, SQL_NO_ARGS, NULL) != ERR_OK;
    bool told = strstr(tx->ops->message(tx), sentence) != NULL;
    sql_rollback(tx);
    assert_true(refused && told);
}

static void the_schema_refuses_to_change_or_remove_an_event(void **state)
{
    (void)state;
    struct sql_tx *tx = begin();
    add(tx, 901, "KEPT", 1000);
    assert_int_equal(sql_commit(tx), ERR_OK);
    expect_refused("UPDATE events SET actor = 'somebody else'", "never changed");
    expect_refused("UPDATE events SET created_ns = 1 WHERE id = 1", "never changed");
    expect_refused("DELETE FROM events", "retention only");
    expect_refused("DELETE FROM events WHERE org = 901 AND created_ns < 2000", "retention only");
    /* another organisation's removal opens no door here, nor does one of an earlier time */
    tx = begin();
    assert_int_equal(sql_exec(tx, "INSERT INTO event_removals VALUES (902, 9000), (901, 1000)",
                              SQL_NO_ARGS, NULL),
                     ERR_OK);
    bool refused = sql_exec(tx, "DELETE FROM events", SQL_NO_ARGS, NULL) != ERR_OK;
    sql_rollback(tx);
    assert_true(refused);
    expect_refused("WITH gone AS (SELECT id FROM events) DELETE FROM events "
                   "WHERE id IN (SELECT id FROM gone)",
                   "retention only");
    assert_int_equal(count(901, "KEPT"), 1);
}

static void a_removal_takes_the_oldest_of_one_organisation_up_to_its_time(void **state)
{
    (void)state;
    struct sql_tx *tx = begin();
    for (int64_t i = 0; i < 10; i++) add(tx, 11, "OLD", 1000 + i);
    add(tx, 11, "NEW", 2000);
    add(tx, 12, "OLD", 1000);
    assert_int_equal(sql_commit(tx), ERR_OK);
    int64_t n = 0;
    tx = begin();
    assert_int_equal(catalog_events_remove(tx, 11, 1008, 5, &n), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(n, 5);
    assert_int_equal(count(11, "OLD"), 5);
    tx = begin();
    assert_int_equal(catalog_events_remove(tx, 11, 1008, 100, &n), ERR_OK);
    /* and the door is closed again, in the same transaction */
    assert_int_not_equal(sql_exec(tx, "DELETE FROM events WHERE org = 11", SQL_NO_ARGS, NULL),
                         ERR_OK);
    sql_rollback(tx);
    tx = begin();
    assert_int_equal(catalog_events_remove(tx, 11, 1008, 100, &n), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(n, 3);
    assert_int_equal(count(11, "OLD"), 2);
    assert_int_equal(count(11, "NEW"), 1);
    assert_int_equal(count(12, "OLD"), 1);
}

static void retention_is_bounded_and_an_event_itself(void **state)
{
    (void)state;
    struct organization o = {.name = BYTES("Retained"), .created_ns = 1};
    struct sql_tx *tx = begin();
    assert_int_equal(catalog_organizations_insert(tx, &o), ERR_OK);
    for (int64_t i = 0; i < EVENT_REMOVE_AT_ONCE + 1; i++) add(tx, o.id, "OLD", 1000);
    add(tx, 0, "OLD", 1000);
    assert_int_equal(sql_commit(tx), ERR_OK);
    const struct actor system = {.name = BYTES("system")};
    int64_t wall = clock_wall_ns(&now.clock), removed = 0, all = 0;
    bool more = true;
    for (int round = 0; round < 2; round++) {
        assert_true(more);
        assert_int_equal(event_service_retain(db, wall, 5000, &system, &removed, &more), ERR_OK);
        all += removed;
        if (!round) assert_int_equal(count(o.id, "OLD"), 1);
    }
    assert_false(more);
    assert_int_equal(all, EVENT_REMOVE_AT_ONCE + 2);
    assert_int_equal(count(o.id, "OLD"), 0);
    assert_int_equal(count(0, "OLD"), 0);
    assert_int_equal(count(o.id, EVENT_EVENTS_REMOVED), 2);
    assert_int_equal(count(0, EVENT_EVENTS_REMOVED), 1);
    assert_int_equal(event_service_retain(db, wall, 5000, &system, &removed, &more), ERR_OK);
    assert_int_equal(removed, 0);
    assert_int_equal(count(o.id, EVENT_EVENTS_REMOVED), 2); /* nothing removed, nothing to tell */
}

/* --- by index --------------------------------------------------------------------------------- */

/* A transaction that asks for the plan of every query before it runs it. */
struct spy {
    struct sql_tx tx;
    struct sql_tx *real;
    bool narrowed; /* a filter beyond the organisation is set */
    int plans;
    char last[2048];
};

static bool is_good(const struct spy *s, struct bytes line)
{
    const char *text = arena_copy(&arena, line).p;
    if (strstr(text, "SCAN events")) return false;
    if (!strstr(text, "SEARCH events")) return true;
    return !s->narrowed || strstr(text, " AND ");
}

static enum err spy_query(struct sql_tx *tx, const char *sql, struct sql_args args,
                          struct sql_cursor **ret)
{
    struct spy *s = (struct spy *)tx;
    struct sql_cursor *c;
    struct sql_row row;
    char explain[4096];
    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sql_query(s->real, explain, args, &c), ERR_OK);
    while (!sql_next(c, &row)) {
        s->plans++;
        struct bytes line = row.columns[3].as.b;
        if (!is_good(s, line)) fail_msg("%s\n%.*s", sql, (int)line.n, line.p);
    }
    sql_finish(c);
    return sql_query(s->real, sql, args, ret);
}

static const struct sql_ops spy_ops = {.query = spy_query};

static void every_filter_and_every_statistic_goes_by_an_index(void **state)
{
    (void)state;
    static const char *const sorts[] = {"", "id", "createdAt", "eventType", "severity"};
    struct sql_tx *tx = begin();
    for (int64_t i = 0; i < 2000; i++) add(tx, 21 + i % 3, i % 5 ? "A" : "B", 1000 + i);
    assert_int_equal(sql_commit(tx), ERR_OK);
    struct spy s = {.tx = {.ops = &spy_ops}};
    assert_int_equal(sql_begin(db, SQL_READ, &s.real), ERR_OK);
    for (int mask = 0; mask < 64; mask++) {
        const struct event_filter f = {.type = bytes_str(mask & 1 ? "A" : ""),
                                       .entity_type = bytes_str(mask & 2 ? "THING" : ""),
                                       .severity = mask & 4 ? EVENT_INFO : -1,
                                       .device = mask & 8 ? 7 : 0,
                                       .from_ns = mask & 16 ? 1500 : 0,
                                       .to_ns = mask & 32 ? 2500 : 0};
        s.narrowed = mask != 0;
        for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
            const struct catalog_page page = {.size = 10, .sort = bytes_str(sorts[i])};
            struct event *events = NULL;
            struct catalog_listing listing;
            arena_reset(&arena);
            assert_int_equal(
                catalog_events_list(&s.tx, 21, &f, &page, &arena, &events, &listing, NULL), ERR_OK);
        }
        /* a statistic always has a beginning: the hours that were asked for */
        for (int group = EVENT_BY_TYPE; mask & 16 && group <= EVENT_BY_SEVERITY; group++) {
            struct event_count *counts = NULL;
            size_t n = 0;
            assert_int_equal(
                catalog_events_count(&s.tx, 21, &f, (enum event_group)group, &arena, &counts, &n),
                ERR_OK);
        }
    }
    sql_rollback(s.real);
    assert_true(s.plans >= 64 * 10);
}

static void a_page_without_filter_needs_no_sorting(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "EXPLAIN QUERY PLAN SELECT id FROM events WHERE org = 1 ORDER BY id DESC LIMIT 50",
        "EXPLAIN QUERY PLAN SELECT id FROM events WHERE org = 1 AND type = 'A' ORDER BY id DESC "
        "LIMIT 50",
        "EXPLAIN QUERY PLAN SELECT id FROM events WHERE org = 1 AND severity = 2 ORDER BY id DESC "
        "LIMIT 50",
        "EXPLAIN QUERY PLAN SELECT id FROM events WHERE org = 1 AND entity_type = 'X' ORDER BY id "
        "DESC LIMIT 50",
    };
    struct sql_tx *tx = begin();
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct sql_cursor *c;
        struct sql_row row;
        assert_int_equal(sql_query(tx, queries[i], SQL_NO_ARGS, &c), ERR_OK);
        while (!sql_next(c, &row)) {
            const char *text = arena_copy(&arena, row.columns[3].as.b).p;
            if (strstr(text, "TEMP B-TREE")) fail_msg("%s: %s", queries[i], text);
        }
        sql_finish(c);
    }
    sql_rollback(tx);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_schema_refuses_to_change_or_remove_an_event),
        TEST(a_removal_takes_the_oldest_of_one_organisation_up_to_its_time),
        TEST(retention_is_bounded_and_an_event_itself),
        TEST(every_filter_and_every_statistic_goes_by_an_index),
        TEST(a_page_without_filter_needs_no_sorting),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
