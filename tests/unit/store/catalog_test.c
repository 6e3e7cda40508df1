/* The catalog's functions on the embedded database: what they keep, whom they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault_fs.h"
#include "store/catalog.h"
#include "store/catalog_cleanup.h"
#include "store/catalog_devices.h"
#include "store/catalog_events.h"
#include "store/catalog_keys.h"
#include "store/catalog_organizations.h"
#include "store/catalog_sessions.h"
#include "store/catalog_settings.h"
#include "store/catalog_users.h"
#include "store/catalog_variables.h"
#include "temp_dir.h"

#include <math.h>
#include <stdio.h>

static struct temp_dir dir;
static struct fault_fs quick; /* the real disk without its syncs */
static struct sql_db *db;
static struct arena arena;

static int open_catalog(void **state)
{
    (void)state;
    struct why why = {""};
    temp_dir_make(&dir);
    fault_fs_init(&quick, fs_real());
    quick.skip_sync = true;
    arena_init(&arena, 1 << 24);
    enum err e = catalog_open(&db, &quick.fs, dir.path, clock_real(), &why);
    if (e) print_error("%s\n", why.text);
    return e != ERR_OK;
}

static int close_catalog(void **state)
{
    (void)state;
    catalog_close(db);
    arena_done(&arena);
    temp_dir_remove(&dir);
    return 0;
}

static struct sql_tx *begin(void)
{
    struct sql_tx *tx = NULL;
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    return tx;
}

static int64_t new_org(struct sql_tx *tx, const char *name)
{
    struct organization o = {.name = bytes_str(name), .created_ns = 5};
    assert_int_equal(catalog_organizations_insert(tx, &o), ERR_OK);
    return o.id;
}

static int64_t new_user(struct sql_tx *tx, int64_t org, const char *name)
{
    char email[64];
    snprintf(email, sizeof email, "%s@example.org", name);
    struct user u = {.org = org,
                     .username = bytes_str(name),
                     .email = bytes_str(email),
                     .password_hash = BYTES("$argon2id$"),
                     .roles = ROLE_USER,
                     .enabled = true,
                     .created_ns = 7};
    assert_int_equal(catalog_users_insert(tx, &u), ERR_OK);
    return u.id;
}

static struct device new_device(struct sql_tx *tx, int64_t org, const char *external_id)
{
    struct device d = {.org = org,
                       .uuid = uuid_random(rnd_system()),
                       .external_id = bytes_str(external_id),
                       .name = bytes_str(external_id),
                       .active = true,
                       .latitude = 48.25,
                       .longitude = NAN,
                       .altitude = NAN,
                       .created_ns = 9,
                       .updated_ns = 9};
    assert_int_equal(catalog_devices_insert(tx, &d, NULL), ERR_OK);
    return d;
}

static int64_t new_variable(struct sql_tx *tx, const struct device *d, const char *name)
{
    struct variable v = {.org = d->org,
                         .device = d->id,
                         .name = bytes_str(name),
                         .min_value = NAN,
                         .max_value = 10,
                         .decimal_places = -1};
    assert_int_equal(catalog_variables_insert(tx, &v), ERR_OK);
    return v.id;
}

static void organization_names_ignore_case_and_are_free_after_delete(void **state)
{
    (void)state;
    struct organization o, taken = {.name = BYTES("ACME")};
    struct sql_tx *tx = begin();
    int64_t acme = new_org(tx, "Acme");
    assert_int_equal(catalog_organizations_find_name(tx, BYTES("aCmE"), &arena, &o), ERR_OK);
    assert_int_equal(o.id, acme);
    assert_true(bytes_is(o.name, "Acme"));
    assert_int_equal(sql_commit(tx), ERR_OK);

    tx = begin();
    assert_int_equal(catalog_organizations_insert(tx, &taken), ERR_EXISTS);
    sql_rollback(tx);

    tx = begin();
    assert_int_equal(catalog_organizations_delete(tx, acme, 3), ERR_OK);
    assert_int_equal(catalog_organizations_delete(tx, acme, 3), ERR_NOTFOUND);
    assert_int_equal(catalog_organizations_insert(tx, &taken), ERR_OK);
    assert_true(taken.id > acme);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void users_are_found_by_name_and_address_in_any_case(void **state)
{
    (void)state;
    struct user u;
    struct sql_tx *tx = begin();
    int64_t org = new_org(tx, "A"), id = new_user(tx, org, "Ada");
    assert_int_equal(catalog_users_find_login(tx, BYTES("aDA"), &arena, &u), ERR_OK);
    assert_int_equal(u.id, id);
    assert_int_equal(catalog_users_find_login(tx, BYTES("ADA@EXAMPLE.ORG"), &arena, &u), ERR_OK);
    assert_int_equal(u.id, id);
    assert_null(u.first_name.p);
    assert_int_equal(u.roles, ROLE_USER);
    assert_int_equal(catalog_users_find_login(tx, BYTES("bob"), &arena, &u), ERR_NOTFOUND);

    assert_int_equal(catalog_users_note_login(tx, org, id, false, 70), ERR_OK);
    assert_int_equal(catalog_users_set_password(tx, org, id, BYTES("new"), 80), ERR_OK);
    assert_int_equal(catalog_users_find(tx, org, id, &arena, &u), ERR_OK);
    assert_int_equal(u.failed_logins, 1);
    assert_int_equal(u.password_changed_ns, 80);
    assert_true(bytes_is(u.password_hash, "new"));
    assert_int_equal(catalog_users_delete(tx, org, id, 90), ERR_OK);
    assert_int_equal(catalog_users_find(tx, org, id, &arena, &u), ERR_NOTFOUND);
    new_user(tx, org, "ada");
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void a_refresh_rotates_once_and_revoked_families_are_listed(void **state)
{
    (void)state;
    struct session got, s = {.id = "family-1", .current = {1}, .expires_ns = 100, .created_ns = 1};
    uint8_t next[32] = {2}, other[32] = {9};
    struct sql_tx *tx = begin();
    s.org = new_org(tx, "A");
    s.user = new_user(tx, s.org, "ada");
    assert_int_equal(catalog_sessions_insert(tx, &s), ERR_OK);
    assert_int_equal(catalog_sessions_rotate(tx, BYTES("family-1"), s.current, next, 200, 50),
                     ERR_OK);
    assert_int_equal(catalog_sessions_rotate(tx, BYTES("family-1"), s.current, other, 300, 60),
                     ERR_STALE);
    assert_int_equal(catalog_sessions_rotate(tx, BYTES("family-1"), next, other, 300, 200),
                     ERR_STALE); /* expired */
    assert_int_equal(catalog_sessions_find(tx, BYTES("family-1"), &got), ERR_OK);
    assert_memory_equal(got.current, next, 32);
    assert_memory_equal(got.previous, s.current, 32);
    assert_true(got.has_previous);
    assert_int_equal(got.expires_ns, 200);
    int64_t n;
    assert_int_equal(catalog_sessions_revoke_user(tx, s.org, s.user, BYTES("family-1"), 70, &n),
                     ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(catalog_sessions_revoke_user(tx, s.org, s.user, BYTES(""), 70, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(catalog_sessions_rotate(tx, BYTES("family-1"), next, other, 300, 80),
                     ERR_STALE);
    int64_t orgs[4];
    size_t removed = 0;
    assert_int_equal(catalog_cleanup_remove(tx, CLEANUP_SESSIONS, 201, 4, orgs, &removed), ERR_OK);
    n = (int64_t)removed;
    assert_int_equal(n, 1);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void api_keys_end_by_revocation_and_by_time(void **state)
{
    (void)state;
    struct api_key *list, got,
        k = {.name = BYTES("ci"),
             .hash = {7},
             .display_prefix = BYTES("sv_"),
             .display_suffix = BYTES("abcd")};
    size_t n;
    int64_t count;
    struct sql_tx *tx = begin();
    k.org = new_org(tx, "A");
    k.user = new_user(tx, k.org, "ada");
    assert_int_equal(catalog_keys_insert(tx, &k), ERR_OK);
    assert_int_equal(catalog_keys_find_hash(tx, k.hash, 10, &arena, &got), ERR_OK);
    assert_int_equal(got.user, k.user);
    assert_int_equal(catalog_keys_count(tx, k.org, k.user, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(catalog_keys_set_expiry(tx, k.org, k.user, k.id, 20), ERR_OK);
    assert_int_equal(catalog_keys_find_hash(tx, k.hash, 19, &arena, &got), ERR_OK);
    assert_int_equal(catalog_keys_find_hash(tx, k.hash, 20, &arena, &got), ERR_NOTFOUND);
    assert_int_equal(catalog_keys_list(tx, k.org, k.user, 19, &arena, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(catalog_keys_revoke(tx, k.org, k.user, k.id, 12), ERR_OK);
    assert_int_equal(catalog_keys_revoke(tx, k.org, k.user, k.id, 12), ERR_NOTFOUND);
    assert_int_equal(catalog_keys_find_hash(tx, k.hash, 13, &arena, &got), ERR_NOTFOUND);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void a_deleted_device_frees_its_external_id_and_can_come_back(void **state)
{
    (void)state;
    struct device got;
    uint8_t token[32] = {3};
    struct sql_tx *tx = begin();
    int64_t org = new_org(tx, "A");
    struct device d = new_device(tx, org, "pump-1");
    new_variable(tx, &d, "flow");
    assert_int_equal(catalog_devices_set_token(tx, org, d.id, token, BYTES("0300...00"), 11),
                     ERR_OK);
    assert_int_equal(catalog_devices_find_external(tx, org, BYTES("pump-1"), &arena, &got), ERR_OK);
    assert_true(got.has_token && uuid_equal(&got.uuid, &d.uuid));
    assert_true(got.latitude == 48.25 && isnan(got.longitude));
    assert_int_equal(catalog_devices_delete(tx, org, d.id, 50), ERR_OK);
    assert_int_equal(catalog_devices_find_uuid(tx, org, &d.uuid, &arena, &got), ERR_NOTFOUND);
    assert_int_equal(catalog_devices_find_deleted(tx, org, BYTES("pump-1"), &arena, &got), ERR_OK);
    assert_false(got.has_token);

    struct device second = new_device(tx, org, "pump-1");
    assert_int_equal(catalog_devices_restore(tx, org, d.id, 60), ERR_EXISTS);
    assert_int_equal(catalog_devices_delete(tx, org, second.id, 61), ERR_OK);
    assert_int_equal(catalog_devices_restore(tx, org, d.id, 62), ERR_OK);
    assert_int_equal(catalog_devices_find(tx, org, d.id, &arena, &got), ERR_OK);

    struct device_key keys[4];
    size_t n;
    assert_int_equal(catalog_devices_list_purgeable(tx, 100, keys, 4, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(keys[0].device, second.id);
    assert_int_equal(catalog_devices_purge(tx, org, second.id), ERR_OK);
    assert_int_equal(catalog_devices_purge(tx, org, d.id), ERR_NOTFOUND); /* it lives */
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static struct catalog_listing list_devices(struct sql_tx *tx, int64_t org, const char *q,
                                           const char *sort, bool descending, int64_t number,
                                           struct device **ret)
{
    struct device_filter filter = {.q = bytes_str(q)};
    struct catalog_page page = {
        .number = number, .size = 3, .sort = bytes_str(sort), .descending = descending};
    struct catalog_listing listing;
    assert_int_equal(catalog_devices_list(tx, org, &filter, &page, &arena, ret, &listing, NULL),
                     ERR_OK);
    return listing;
}

static void devices_page_sort_and_filter(void **state)
{
    (void)state;
    static const char *const names[] = {"delta", "Alpha", "bravo", "charlie", "50%", "a_b"};
    struct device *list;
    struct sql_tx *tx = begin();
    int64_t org = new_org(tx, "A"), last = 0;
    for (size_t i = 0; i < 6; i++) last = new_device(tx, org, names[i]).id;
    struct catalog_listing l = list_devices(tx, org, "", "name", false, 0, &list);
    assert_true(l.total == 6 && l.count == 3 && l.more);
    assert_true(bytes_is(list[2].name, "Alpha"));
    l = list_devices(tx, org, "", "name", true, 1, &list);
    assert_true(l.count == 3 && !l.more && bytes_is(list[2].name, "50%"));
    l = list_devices(tx, org, "LPH", "", false, 0, &list);
    assert_true(l.total == 1 && bytes_is(list[0].name, "Alpha"));
    assert_int_equal(list_devices(tx, org, "%", "", false, 0, &list).total, 1);
    assert_int_equal(list_devices(tx, org, "_", "", false, 0, &list).total, 1);

    struct catalog_page cursor = {.size = 2, .by_cursor = true};
    size_t seen = 0;
    do {
        assert_int_equal(catalog_devices_list(tx, org, &(struct device_filter){0}, &cursor, &arena,
                                              &list, &l, NULL),
                         ERR_OK);
        seen += l.count;
        cursor.after = l.last;
    } while (l.more);
    assert_true(seen == 6 && cursor.after == last);

    struct why why;
    struct catalog_page wrong = {.size = 2, .sort = BYTES("token_hash")};
    assert_int_equal(
        catalog_devices_list(tx, org, &(struct device_filter){0}, &wrong, &arena, &list, &l, &why),
        ERR_INVALID);
    assert_non_null(strstr(why.text, "lastSeenAt"));
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void events_are_newest_first_and_counted(void **state)
{
    (void)state;
    struct event *list;
    struct event_count *counts;
    struct catalog_listing l;
    size_t n;
    struct sql_tx *tx = begin();
    int64_t org = new_org(tx, "A");
    struct device d = new_device(tx, org, "pump-1");
    for (int i = 0; i < 5; i++) {
        struct event e = {.org = org,
                          .type = i % 2 ? BYTES("A") : BYTES("B"),
                          .severity = i == 4 ? EVENT_ERROR : EVENT_INFO,
                          .device = i ? d.id : 0,
                          .metadata = BYTES("{}"),
                          .created_ns = 100 + i};
        assert_int_equal(catalog_events_append(tx, &e), ERR_OK);
    }
    struct event_filter any = {.severity = -1}, one = {.severity = -1,
                                                       .type = BYTES("A"),
                                                       .device = d.id,
                                                       .from_ns = 101,
                                                       .to_ns = 103};
    struct catalog_page page = {.size = 2};
    assert_int_equal(catalog_events_list(tx, org, &any, &page, &arena, &list, &l, NULL), ERR_OK);
    assert_true(l.total == 5 && l.count == 2 && list[0].created_ns == 104);
    assert_true(bytes_is(list[0].device_name, "pump-1"));
    page.by_cursor = true;
    page.after = l.last;
    assert_int_equal(catalog_events_list(tx, org, &any, &page, &arena, &list, &l, NULL), ERR_OK);
    assert_true(list[0].created_ns == 102);
    page = (struct catalog_page){.size = 10};
    assert_int_equal(catalog_events_list(tx, org, &one, &page, &arena, &list, &l, NULL), ERR_OK);
    assert_true(l.total == 1 && list[0].created_ns == 101);
    assert_int_equal(catalog_events_count(tx, org, &any, EVENT_BY_TYPE, &arena, &counts, &n),
                     ERR_OK);
    assert_true(n == 2 && bytes_is(counts[0].name, "B") && counts[0].count == 3);
    assert_int_equal(catalog_events_count(tx, org, &any, EVENT_BY_SEVERITY, &arena, &counts, &n),
                     ERR_OK);
    assert_true(n == 2 && bytes_is(counts[1].name, "ERROR") && counts[1].count == 1);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void settings_are_replaced_and_listed_by_prefix(void **state)
{
    (void)state;
    struct setting got, *list,
        s = {.key = BYTES("secret.jwt"), .value = BYTES("a\0b"), .when_ns = 1};
    size_t n;
    struct sql_tx *tx = begin();
    assert_int_equal(catalog_settings_put(tx, &s), ERR_OK);
    s.value = BYTES("second\0");
    s.who = BYTES("system");
    assert_int_equal(catalog_settings_put(tx, &s), ERR_OK);
    assert_int_equal(catalog_settings_get(tx, s.key, &arena, &got), ERR_OK);
    assert_true(bytes_equal(got.value, s.value) && bytes_is(got.who, "system"));
    s.key = BYTES("conf.log.level");
    assert_int_equal(catalog_settings_put(tx, &s), ERR_OK);
    assert_int_equal(catalog_settings_list(tx, BYTES("conf."), &arena, &list, &n), ERR_OK);
    assert_true(n == 1 && bytes_is(list[0].key, "conf.log.level"));
    assert_int_equal(catalog_settings_remove(tx, s.key), ERR_OK);
    assert_int_equal(catalog_settings_remove(tx, s.key), ERR_OK);
    assert_int_equal(catalog_settings_get(tx, s.key, &arena, &got), ERR_NOTFOUND);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void another_organization_lists_nothing(void **state)
{
    (void)state;
    struct catalog_listing l;
    struct device *devices;
    struct event *events;
    int64_t count;
    struct sql_tx *tx = begin();
    int64_t own = new_org(tx, "own"), foreign = new_org(tx, "foreign");
    struct device d = new_device(tx, own, "pump-1");
    struct event e = {.org = own, .type = BYTES("T"), .device = d.id};
    assert_int_equal(catalog_events_append(tx, &e), ERR_OK);
    struct catalog_page page = {.size = 10};
    assert_int_equal(catalog_devices_list(tx, foreign, &(struct device_filter){0}, &page, &arena,
                                          &devices, &l, NULL),
                     ERR_OK);
    assert_int_equal(l.total + (int64_t)l.count, 0);
    assert_int_equal(catalog_events_list(tx, foreign, &(struct event_filter){.severity = -1}, &page,
                                         &arena, &events, &l, NULL),
                     ERR_OK);
    assert_int_equal(l.total + (int64_t)l.count, 0);
    assert_int_equal(catalog_devices_count(tx, foreign, &count), ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

/* Every call that takes an organisation, asked with the wrong one. */
static void another_organization_sees_and_changes_nothing(void **state)
{
    (void)state;
    struct device device;
    struct variable variable, *variables;
    struct user user;
    size_t n;
    struct sql_tx *tx = begin();
    int64_t own = new_org(tx, "own"), foreign = new_org(tx, "foreign");
    struct device d = new_device(tx, own, "pump-1");
    int64_t v = new_variable(tx, &d, "flow"), u = new_user(tx, own, "ada");

    assert_int_equal(catalog_users_find(tx, foreign, u, &arena, &user), ERR_NOTFOUND);
    assert_int_equal(catalog_users_delete(tx, foreign, u, 1), ERR_NOTFOUND);
    assert_int_equal(catalog_users_set_password(tx, foreign, u, BYTES("x"), 1), ERR_NOTFOUND);
    assert_int_equal(catalog_users_note_login(tx, foreign, u, true, 1), ERR_NOTFOUND);
    assert_int_equal(catalog_devices_find(tx, foreign, d.id, &arena, &device), ERR_NOTFOUND);
    assert_int_equal(catalog_devices_find_external(tx, foreign, BYTES("pump-1"), &arena, &device),
                     ERR_NOTFOUND);
    assert_int_equal(catalog_devices_find_uuid(tx, foreign, &d.uuid, &arena, &device),
                     ERR_NOTFOUND);
    struct device forged = d;
    forged.org = foreign;
    assert_int_equal(catalog_devices_update(tx, &forged), ERR_NOTFOUND);
    assert_int_equal(catalog_devices_set_token(tx, foreign, d.id, NULL, BYTES(""), 1),
                     ERR_NOTFOUND);
    assert_int_equal(catalog_devices_touch_token(tx, foreign, d.id, 1), ERR_NOTFOUND);
    assert_int_equal(
        catalog_devices_set_properties(tx, &(struct device){.org = foreign, .id = d.id}),
        ERR_NOTFOUND);
    assert_int_equal(catalog_devices_delete(tx, foreign, d.id, 1), ERR_NOTFOUND);
    assert_int_equal(catalog_variables_find(tx, foreign, v, &arena, &variable), ERR_NOTFOUND);
    assert_int_equal(
        catalog_variables_find_name(tx, foreign, d.id, BYTES("flow"), &arena, &variable),
        ERR_NOTFOUND);
    assert_int_equal(catalog_variables_list(tx, foreign, d.id, &arena, &variables, &n), ERR_OK);
    assert_int_equal(n, 0);
    struct variable fake = {.id = v, .org = foreign};
    assert_int_equal(catalog_variables_update(tx, &fake), ERR_NOTFOUND);
    new_device(tx, foreign, "pump-1"); /* the same external id is free here */
    assert_int_equal(sql_commit(tx), ERR_OK);

    tx = begin(); /* a variable cannot hang on a device of another organisation */
    struct variable crossed = {.org = foreign, .device = d.id, .name = BYTES("x")};
    assert_int_equal(catalog_variables_insert(tx, &crossed), ERR_INVALID);
    sql_rollback(tx);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_catalog, close_catalog)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(organization_names_ignore_case_and_are_free_after_delete),
        TEST(users_are_found_by_name_and_address_in_any_case),
        TEST(a_refresh_rotates_once_and_revoked_families_are_listed),
        TEST(api_keys_end_by_revocation_and_by_time),
        TEST(a_deleted_device_frees_its_external_id_and_can_come_back),
        TEST(devices_page_sort_and_filter),
        TEST(events_are_newest_first_and_counted),
        TEST(settings_are_replaced_and_listed_by_prefix),
        TEST(another_organization_lists_nothing),
        TEST(another_organization_sees_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
