/* Who has to be told: written with the alert, or not at all. */
#include "notify_world.h"
#include "store/catalog_notifications.h"
#include "store/catalog_webhooks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

static struct service_world world;
static struct notify_world notify;

static int setup(void **state)
{
    (void)state;
    service_world_open(&world);
    notify_world_open(&notify, &world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    notify_world_close(&notify);
    service_world_close(&world);
    return 0;
}

static void prefer(enum notify_channel channel, const char *destination, enum alert_severity min,
                   bool enabled)
{
    struct sql_tx *tx;
    struct notify_preference p = {.org = notify.org,
                                  .user = notify.user,
                                  .channel = channel,
                                  .enabled = enabled,
                                  .destination = bytes_str(destination),
                                  .min_severity = min};
    assert_int_equal(sql_begin(world.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_webhooks_prefer(tx, &p)), ERR_OK);
}

static size_t tell(enum alert_severity severity, enum alert_change change)
{
    struct notification *rows;
    size_t before = notify_world_rows(&notify, &rows);
    const struct alert a = notify_world_alert(&notify, severity);
    assert_int_equal(notify_world_tell(&notify, &a, change, true), ERR_OK);
    return notify_world_rows(&notify, &rows) - before;
}

static void what_is_rolled_back_tells_nobody(void **state)
{
    struct notification *rows;
    (void)state;
    notify_world_webhook(&notify, "https://a.example/x", ALERT_LOW, NOTIFY_ALL_CHANGES);
    const struct alert a = notify_world_alert(&notify, ALERT_HIGH);
    assert_int_equal(notify_world_tell(&notify, &a, ALERT_RAISED, false), ERR_OK);
    assert_int_equal(notify_world_rows(&notify, &rows), 0);
    assert_int_equal(notify_world_tell(&notify, &a, ALERT_RAISED, true), ERR_OK);
    assert_int_equal(notify_world_rows(&notify, &rows), 1);
}

static void webhooks_get_what_they_asked_for(void **state)
{
    (void)state;
    notify_world_webhook(&notify, "https://a.example/x", ALERT_HIGH, 1u << ALERT_RAISED);
    assert_int_equal(tell(ALERT_MEDIUM, ALERT_RAISED), 0);
    assert_int_equal(tell(ALERT_HIGH, ALERT_RAISED), 1);
    assert_int_equal(tell(ALERT_CRITICAL, ALERT_RAISED), 1);
    assert_int_equal(tell(ALERT_CRITICAL, ALERT_RESOLVED), 0);
    assert_int_equal(tell(ALERT_CRITICAL, ALERT_ACKNOWLEDGED), 0);
    notify_world_webhook(&notify, "https://b.example/x", ALERT_LOW, NOTIFY_ALL_CHANGES);
    assert_int_equal(tell(ALERT_LOW, ALERT_ACKNOWLEDGED), 1);
    assert_int_equal(tell(ALERT_CRITICAL, ALERT_RAISED), 2);
    notify.outbox.site.webhook_url = "http://127.0.0.1/site";
    assert_int_equal(tell(ALERT_CRITICAL, ALERT_RAISED), 3);
}

static void people_are_told_as_they_prefer(void **state)
{
    struct notification *rows;
    (void)state;
    prefer(NOTIFY_EMAIL, NULL, ALERT_MEDIUM, true);
    prefer(NOTIFY_IN_APP, NULL, ALERT_LOW, true);
    assert_int_equal(tell(ALERT_LOW, ALERT_RAISED), 0);
    assert_int_equal(tell(ALERT_MEDIUM, ALERT_RAISED), 1);
    assert_int_equal(tell(ALERT_MEDIUM, ALERT_RESOLVED), 0);
    assert_int_equal(notify_world_rows(&notify, &rows), 1);
    assert_true(bytes_is(rows[0].destination, "notified@example.com"));
    assert_true(bytes_is(rows[0].subject, "[MEDIUM] Too hot: Pump \"1\""));
    assert_int_equal(rows[0].user, notify.user);
    prefer(NOTIFY_EMAIL, "other@example.com", ALERT_MEDIUM, true);
    tell(ALERT_MEDIUM, ALERT_RAISED);
    notify_world_rows(&notify, &rows);
    assert_true(bytes_is(rows[0].destination, "other@example.com"));
    prefer(NOTIFY_EMAIL, NULL, ALERT_LOW, false);
    assert_int_equal(tell(ALERT_CRITICAL, ALERT_RAISED), 0);
}

static void another_organisation_is_told_nothing(void **state)
{
    (void)state;
    notify_world_webhook(&notify, "https://a.example/x", ALERT_LOW, NOTIFY_ALL_CHANGES);
    prefer(NOTIFY_EMAIL, NULL, ALERT_LOW, true);
    struct auth_tokens other = service_world_register(&world, "other");
    struct alert a = notify_world_alert(&notify, ALERT_CRITICAL);
    struct notification *rows;
    a.org = other.org;
    assert_int_equal(notify_world_tell(&notify, &a, ALERT_RAISED, true), ERR_OK);
    assert_int_equal(notify_world_rows(&notify, &rows), 0);
    notify.org = other.org;
    assert_int_equal(notify_world_rows(&notify, &rows), 0);
}

static void the_body_says_what_happened_and_the_log_no_path(void **state)
{
    struct notification *rows;
    char uuid[UUID_TEXT + 1];
    (void)state;
    notify_world_webhook(&notify, "https://a.example:8443/secret/path?token=1", ALERT_LOW, 1);
    const struct alert a = notify_world_alert(&notify, ALERT_HIGH);
    assert_int_equal(notify_world_tell(&notify, &a, ALERT_RAISED, true), ERR_OK);
    assert_int_equal(notify_world_rows(&notify, &rows), 1);
    assert_true(bytes_is(rows[0].destination, "https://a.example:8443"));
    cJSON *json = cJSON_ParseWithLength(rows[0].payload.p, rows[0].payload.n);
    assert_non_null(json);
    uuid_format(&rows[0].uuid, uuid);
    assert_string_equal(cJSON_GetObjectItem(json, "id")->valuestring, uuid);
    assert_string_equal(cJSON_GetObjectItem(json, "type")->valuestring, "alert.raised");
    const cJSON *alert = cJSON_GetObjectItem(json, "alert");
    uuid_format(&a.uuid, uuid);
    assert_string_equal(cJSON_GetObjectItem(alert, "id")->valuestring, uuid);
    assert_string_equal(cJSON_GetObjectItem(alert, "deviceName")->valuestring, "Pump \"1\"");
    assert_string_equal(cJSON_GetObjectItem(alert, "severity")->valuestring, "HIGH");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(alert, "resolvedAt")));
    cJSON_Delete(json);
}

static void the_thousand_and_first_that_waits_is_given_up_at_once(void **state)
{
    struct notification *rows;
    struct sql_tx *tx;
    (void)state;
    notify_world_webhook(&notify, "https://a.example/", ALERT_LOW, NOTIFY_ALL_CHANGES);
    const struct alert a = notify_world_alert(&notify, ALERT_LOW);
    assert_int_equal(sql_begin(world.db, SQL_WRITE, &tx), ERR_OK);
    for (int i = 0; i < NOTIFY_WAITING_MAX + 1; i++)
        assert_int_equal(notify.hook.in_tx(notify.hook.ctx, tx, &a, ALERT_RAISED), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(notify_world_rows(&notify, &rows), NOTIFY_WAITING_MAX); /* a page of them */
    assert_int_equal(rows[0].state, NOTIFICATION_FAILED);
    assert_null(rows[0].payload.p);
    assert_int_equal(rows[1].state, NOTIFICATION_PENDING);
}

static void put(int64_t org, enum notification_state state, int n)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(world.db, SQL_WRITE, &tx), ERR_OK);
    for (int i = 0; i < n; i++) {
        struct notification row = {.org = org,
                                   .uuid = uuid_random(rnd_system()),
                                   .target = BYTES("site"),
                                   .what = BYTES("alert.raised"),
                                   .destination = BYTES("installation"),
                                   .state = state};
        assert_int_equal(catalog_notifications_insert(tx, &row), ERR_OK);
    }
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void trim(int64_t keep, int64_t at_most)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(world.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(catalog_notifications_trim(tx, notify.org, NOTIFICATION_FAILED, keep, at_most),
                     ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static struct notification_counts counts(int64_t org)
{
    struct notification_counts c;
    struct sql_tx *tx;
    const struct notification_filter all = {.channel = -1, .state = -1};
    assert_int_equal(sql_begin(world.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_notifications_count(tx, org, &all, &c)), ERR_OK);
    return c;
}

static void a_log_that_is_full_loses_its_oldest_lines_of_that_outcome_only(void **state)
{
    struct notification *rows;
    (void)state;
    put(notify.org, NOTIFICATION_FAILED, 5);
    put(notify.org, NOTIFICATION_SENT, 7);
    put(notify.org, NOTIFICATION_PENDING, 7);
    put(notify.org + 1, NOTIFICATION_FAILED, 7);
    notify_world_rows(&notify, &rows);
    const int64_t newest = rows[14].id; /* of those that failed */
    trim(5, 100);
    assert_int_equal(counts(notify.org).failed, 5);
    trim(3, 1);
    assert_int_equal(counts(notify.org).failed, 4);
    trim(3, 100);
    assert_int_equal(counts(notify.org).failed, 3);
    notify_world_rows(&notify, &rows);
    assert_int_equal(rows[14].id, newest);
    assert_int_equal(counts(notify.org).sent, 7);
    assert_int_equal(counts(notify.org).pending, 7);
    assert_int_equal(counts(notify.org + 1).failed, 7);
}

static void a_flood_of_lines_is_cut_while_it_comes(void **state)
{
    struct sql_tx *tx;
    (void)state;
    notify.outbox.log_lines = 10;
    notify.outbox.site.mail_from = "";
    prefer(NOTIFY_EMAIL, NULL, ALERT_LOW, true);
    const struct alert a = notify_world_alert(&notify, ALERT_LOW);
    /* one in 256 cuts, and takes 1,024 at most: that of 10,000 none leaves only what came after it
     * happens less often than machines break */
    int n = 0;
    while ((n < 200 || counts(notify.org).failed > 10 + 100) && n < 10000) {
        assert_int_equal(sql_begin(world.db, SQL_WRITE, &tx), ERR_OK);
        for (int i = 0; i < 100; i++, n++)
            assert_int_equal(notify.hook.in_tx(notify.hook.ctx, tx, &a, ALERT_RAISED), ERR_OK);
        assert_int_equal(sql_commit(tx), ERR_OK);
    }
    assert_in_range(counts(notify.org).failed, 10, 10 + 100);
}

static void mail_without_a_server_is_seen_in_the_log(void **state)
{
    struct notification *rows;
    (void)state;
    notify.outbox.site.mail_from = "";
    prefer(NOTIFY_EMAIL, NULL, ALERT_LOW, true);
    assert_int_equal(tell(ALERT_LOW, ALERT_RAISED), 1);
    notify_world_rows(&notify, &rows);
    assert_int_equal(rows[0].state, NOTIFICATION_FAILED);
    assert_true(bytes_is(rows[0].error, "mail is not configured"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_rolled_back_tells_nobody),
        TEST(webhooks_get_what_they_asked_for),
        TEST(people_are_told_as_they_prefer),
        TEST(another_organisation_is_told_nothing),
        TEST(the_body_says_what_happened_and_the_log_no_path),
        TEST(the_thousand_and_first_that_waits_is_given_up_at_once),
        TEST(a_log_that_is_full_loses_its_oldest_lines_of_that_outcome_only),
        TEST(a_flood_of_lines_is_cut_while_it_comes),
        TEST(mail_without_a_server_is_seen_in_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
