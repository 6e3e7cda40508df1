/* Overrides kept in the store: set, loaded by the next start, taken away. */
#include "app/conf_tables.h"
#include "app/overrides.h"
#include "store/catalog.h"
#include "store/catalog_settings.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct temp_dir temp;
static struct clock_fake clock_now;
static struct sql_db *db;
static struct conf *conf;
static struct settings settings;
static char reported[300];

static struct conf *load(void)
{
    struct conf *c = NULL;
    assert_int_equal(conf_tables_load(&c, &settings, NULL, NULL, 0, NULL), ERR_OK);
    return c;
}

static int open_all(void **state)
{
    (void)state;
    temp_dir_make(&temp);
    clock_fake_init(&clock_now, 1700000000 * NS_PER_S);
    if (catalog_open(&db, fs_real(), temp.path, &clock_now.clock, NULL)) return -1;
    conf = load();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    conf_free(conf);
    catalog_close(db);
    temp_dir_remove(&temp);
    return 0;
}

static enum err set(const char *key, const char *value, struct why *why)
{
    const struct actor ann = {.name = BYTES("cli:ann"), .address = BYTES("control.sock")};
    return overrides_set(conf, db, &clock_now.clock, key, value, &ann, why);
}

static void note_stale(void *ctx, const char *key, const char *why)
{
    (void)ctx;
    snprintf(reported, sizeof reported, "%s: %s", key, why);
}

static void override_counts_at_once_and_after_a_restart(void **state)
{
    (void)state;
    struct conf_origin origin;
    assert_int_equal(set("pilot.telemetry.batch-size", "7", NULL), ERR_OK);
    assert_string_equal(conf_text(conf, "pilot.telemetry.batch-size", NULL), "7");
    conf_free(conf);
    conf = load();
    assert_int_equal(settings.batch_records, 100);
    assert_int_equal(overrides_load(conf, db, NULL, NULL, NULL), ERR_OK);
    assert_int_equal(conf_apply(conf, &settings, NULL, NULL), ERR_OK);
    assert_int_equal(settings.batch_records, 7);
    assert_non_null(conf_text(conf, "pilot.telemetry.batch-size", &origin));
    assert_int_equal(origin.layer, CONF_FROM_OVERRIDE);
    assert_string_equal(origin.where, "cli:ann");
    assert_int_equal(set("pilot.telemetry.batch-size", NULL, NULL), ERR_OK);
    assert_string_equal(conf_text(conf, "pilot.telemetry.batch-size", NULL), "100");
    assert_int_equal(set("pilot.telemetry.batch-size", NULL, NULL), ERR_NOTFOUND);
}

static void what_is_refused_is_not_stored(void **state)
{
    (void)state;
    struct why why;
    struct buf out;
    assert_int_equal(set("pilot.telemetry.batch-size", "0", &why), ERR_INVALID);
    assert_int_equal(set("no.such.key", "0", &why), ERR_NOTFOUND);
    buf_init(&out, 10000);
    assert_int_equal(overrides_write(conf, db, &out, NULL), ERR_OK);
    assert_string_equal(buf_cstr(&out), "\"overrides\":[]");
    buf_done(&out);
}

static void listing_names_who_and_when_and_hides_secrets(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 10000);
    assert_int_equal(set("app.jwt.secret", "0123456789abcdef0123456789abcdef", NULL), ERR_OK);
    assert_int_equal(set("log.level", "debug", NULL), ERR_OK);
    assert_int_equal(overrides_write(conf, db, &out, NULL), ERR_OK);
    assert_string_equal(
        buf_cstr(&out),
        "\"overrides\":[{\"key\":\"app.jwt.secret\",\"value\":\"********\",\"who\":"
        "\"cli:ann\",\"at\":\"2023-11-14T22:13:20.000Z\"},{\"key\":\"log.level\","
        "\"value\":\"debug\",\"who\":\"cli:ann\",\"at\":\"2023-11-14T22:13:20.000Z\"}]");
    buf_done(&out);
}

static void stale_override_is_reported_and_passed_over(void **state)
{
    (void)state;
    struct sql_tx *tx;
    struct setting row = {BYTES("conf.gone.key"), BYTES("1"), BYTES("cli:bob"), 1};
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_settings_put(tx, &row)), ERR_OK);
    assert_int_equal(set("log.level", "warn", NULL), ERR_OK);
    assert_int_equal(overrides_load(conf, db, note_stale, NULL, NULL), ERR_OK);
    assert_non_null(strstr(reported, "gone.key: gone.key is not a key"));
    assert_string_equal(conf_text(conf, "log.level", NULL), "warn");
}

#define OPENED(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)
int main(void)
{
    clearenv();
    const struct CMUnitTest tests[] = {
        OPENED(override_counts_at_once_and_after_a_restart),
        OPENED(what_is_refused_is_not_stored),
        OPENED(listing_names_who_and_when_and_hides_secrets),
        OPENED(stale_override_is_reported_and_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
