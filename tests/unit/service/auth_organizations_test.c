/* The end of an organisation, on a real catalog with a clock that is moved by hand. */
#include "memory_store.h"
#include "service/auth_invitations.h"
#include "service/auth_keys.h"
#include "service/auth_organizations.h"
#include "service/event_types.h"
#include "service/organization_purge.h"
#include "service_world.h"
#include "store/catalog_purge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct service_world w;
static struct telemetry *store;
static const struct actor operator_of_all = {.name = {"cli:ann", 7}, .request_id = {"r-1", 3}};

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    store = memory_store_new();
    w.devices.telemetry = store;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    store->ops->close(store);
    service_world_close(&w);
    return 0;
}

static enum err remove_org(int64_t org)
{
    struct refusal r = {.fields = 0};
    return auth_organizations_delete(w.auth, org, &operator_of_all, &w.arena, &r);
}

static enum err restore(int64_t org)
{
    struct refusal r = {.fields = 0};
    struct organization o;
    int64_t left = 0;
    return auth_organizations_restore(w.auth, org, &operator_of_all, &w.arena, &o, &left, &r);
}

static int64_t number(const char *sql, int64_t org)
{
    struct sql_cursor *c;
    struct sql_row row;
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_query(tx, sql, SQL_ARGS(SQL_I(org)), &c), ERR_OK);
    assert_int_equal(sql_next(c, &row), ERR_OK);
    int64_t n = row.columns[0].as.i;
    sql_finish(c);
    sql_rollback(tx);
    return n;
}

static void add_device(const struct actor *actor, const char *id)
{
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1];
    struct refusal r = {.fields = 0};
    const struct device given = {.external_id = bytes_str(id),
                                 .active = true,
                                 .latitude = __builtin_nan(""),
                                 .longitude = __builtin_nan(""),
                                 .altitude = __builtin_nan("")};
    assert_int_equal(device_service_create(&w.devices, actor, &given, &w.arena, &d, token, &r),
                     ERR_OK);
}

/* A user with a key, two devices, an invitation: something in the tables. */
static struct actor fill(const char *name)
{
    struct principal p;
    struct api_key k;
    char key[TOKENS_KEY_TEXT + 1];
    struct refusal r = {.fields = 0};
    struct auth_invitation_made made;
    struct auth_tokens t = service_world_register(&w, name);
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
    struct actor actor = service_world_actor(&w, &p);
    const struct auth_reach reach = {.org = p.org, .roles = p.roles};
    add_device(&actor, "one");
    add_device(&actor, "two");
    assert_int_equal(
        auth_keys_create(w.auth, &actor, BYTES("k"), BYTES(""), 0, &w.arena, &k, key, &r), ERR_OK);
    assert_int_equal(auth_invitations_create(w.auth, &reach, BYTES("guest@example.net"), 0, &actor,
                                             &w.arena, &made, &r),
                     ERR_OK);
    return actor;
}

static void purge_all(void)
{
    bool more = true;
    for (int i = 0; more; i++) {
        assert_true(i < 50);
        assert_int_equal(organization_purge_run(&w.devices, &more), ERR_OK);
    }
}

/* Each table with an organisation in it, but for those that have a way of their own. */
static void every_table_of_an_organisation_is_purged(void **state)
{
    (void)state;
    static const char *const own_way[] = {"events", "event_removals", "devices", "variables",
                                          "users"};
    struct sql_cursor *c;
    struct sql_row row;
    struct sql_tx *tx;
    char missing[512] = "";
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_query(tx,
                               "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) "
                               "p ON p.name = 'org' WHERE m.type = 'table'",
                               SQL_NO_ARGS, &c),
                     ERR_OK);
    size_t tables = 0;
    for (; !sql_next(c, &row); tables++) {
        const char *name = arena_copy(&w.arena, row.columns[0].as.b).p;
        bool known = false;
        for (size_t i = 0; catalog_purge_tables[i]; i++)
            known = known || strcmp(name, catalog_purge_tables[i]) == 0;
        for (size_t i = 0; i < sizeof own_way / sizeof *own_way; i++)
            known = known || strcmp(name, own_way[i]) == 0;
        size_t n = strlen(missing);
        if (!known) snprintf(missing + n, sizeof missing - n, " %s", name);
    }
    sql_finish(c);
    sql_rollback(tx);
    assert_true(tables > 10);
    assert_string_equal(missing, "");
}

static void seven_days_and_then_nothing_is_left_but_the_number(void **state)
{
    (void)state;
    struct actor gone = fill("doomed"), stays = fill("neighbour");
    int64_t kept = number("SELECT count(*) FROM events WHERE org = $1", stays.org);
    assert_int_equal(remove_org(gone.org), ERR_OK);
    clock_fake_advance(&w.clock, AUTH_RESTORABLE_NS);
    purge_all();
    assert_int_equal(restore(gone.org), ERR_OK);
    assert_int_equal(remove_org(gone.org), ERR_OK);
    clock_fake_advance(&w.clock, AUTH_RESTORABLE_NS + 1);
    assert_int_equal(restore(gone.org), ERR_NOTFOUND);
    purge_all();
    purge_all(); /* again is fine */
    static const char *const left[] = {
        "SELECT count(*) FROM users WHERE org = $1",
        "SELECT count(*) FROM devices WHERE org = $1",
        "SELECT count(*) FROM api_keys WHERE org = $1",
        "SELECT count(*) FROM events WHERE org = $1",
        "SELECT count(*) FROM sessions WHERE org = $1",
        "SELECT count(*) FROM invitations WHERE org = $1",
        "SELECT count(*) FROM organizations WHERE id = $1 AND name <> ''"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        assert_int_equal(number(left[i], gone.org), 0);
    assert_int_equal(number("SELECT count(*) FROM organizations WHERE id = $1", gone.org), 1);
    assert_int_equal(memory_store_purged(store), 2);
    assert_int_equal(number("SELECT count(*) FROM devices WHERE org = $1", stays.org), 2);
    assert_int_equal(number("SELECT count(*) FROM events WHERE org = $1", stays.org), kept);
    assert_int_equal(service_world_events(&w, 0, EVENT_ORGANIZATION_PURGED), 1);
    assert_int_equal(service_world_events(&w, 0, EVENT_ORGANIZATION_DELETED), 2);
}

static void a_restore_brings_back_who_was_taken_with_it_and_nobody_else(void **state)
{
    (void)state;
    struct actor boss = fill("comeback");
    const struct auth_reach reach = {.org = boss.org, .roles = ROLE_ORG_ADMIN};
    struct refusal r = {.fields = 0};
    struct user u;
    struct organization o;
    const struct auth_registration early = {.username = BYTES("early"),
                                            .email = BYTES("early@example.net"),
                                            .password = BYTES("correct horse battery")};
    assert_int_equal(
        auth_users_create(w.auth, &reach, boss.org, &early, 0, &boss, &w.arena, &u, &o, &r),
        ERR_OK);
    assert_int_equal(auth_users_delete(w.auth, &reach, u.id, &boss, &w.arena, &r), ERR_OK);
    assert_int_equal(device_service_delete(&w.devices, &boss, BYTES("two"), &w.arena), ERR_OK);
    clock_fake_advance(&w.clock, NS_PER_S);
    assert_int_equal(remove_org(boss.org), ERR_OK);
    assert_int_equal(registry_count_devices(w.registry, boss.org), 0);
    service_world_reopen(&w, NULL);
    assert_int_equal(restore(boss.org), ERR_OK);
    assert_int_equal(registry_count_devices(w.registry, boss.org), 1);
    assert_int_equal(
        number("SELECT count(*) FROM users WHERE org = $1 AND deleted_ns = 0", boss.org), 1);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_table_of_an_organisation_is_purged),
        TEST(seven_days_and_then_nothing_is_left_but_the_number),
        TEST(a_restore_brings_back_who_was_taken_with_it_and_nobody_else),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
