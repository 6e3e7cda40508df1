/* The registry: what it finds, what it makes, what it refuses, and that threads agree on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fault_fs.h"
#include "store/catalog.h"
#include "store/catalog_devices.h"
#include "store/catalog_organizations.h"
#include "store/catalog_variables.h"
#include "store/registry.h"
#include "sys/thread.h"
#include "temp_dir.h"

#include <math.h>
#include <stdio.h>

static struct temp_dir dir;
static struct fault_fs fault;
static struct clock_fake fake;
static struct sql_db *db;
static struct registry *reg;
static struct arena arena;
static int64_t org, other;

static void open_registry(void)
{
    struct why why = {""};
    assert_int_equal(catalog_open(&db, &fault.fs, dir.path, &fake.clock, &why), ERR_OK);
    assert_int_equal(registry_open(&reg, db, &fake.clock, rnd_system(), &why), ERR_OK);
}

static void close_registry(void)
{
    registry_free(reg);
    catalog_close(db);
    reg = NULL;
    db = NULL;
}

static void reopen(void)
{
    close_registry();
    open_registry();
}

static struct sql_tx *begin(void)
{
    struct sql_tx *tx = NULL;
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    return tx;
}

static int64_t new_org(const char *name)
{
    struct organization o = {.name = bytes_str(name)};
    struct sql_tx *tx = begin();
    assert_int_equal(catalog_organizations_insert(tx, &o), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    return o.id;
}

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    arena_init(&arena, 1 << 24);
    fault_fs_init(&fault, fs_real());
    fault.skip_sync = true;
    clock_fake_init(&fake, 1000 * NS_PER_DAY);
    open_registry();
    org = new_org("own");
    other = new_org("other");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_registry();
    arena_done(&arena);
    temp_dir_remove(&dir);
    return 0;
}

static enum err provision(int64_t in_org, const char *id, int64_t by, const char *name,
                          struct provision *ret, struct reg_variable **ret_v)
{
    static struct bytes names[1];
    static struct reg_variable *variables[1];
    size_t at;
    names[0] = bytes_str(name);
    *ret = (struct provision){.org = in_org,
                              .external_id = bytes_str(id),
                              .by_device = by,
                              .create_device = true,
                              .name_count = name ? 1 : 0,
                              .names = names,
                              .variables = variables};
    enum err e = registry_provision(reg, ret, 1, &at, NULL);
    if (ret_v) *ret_v = variables[0];
    return e;
}

static struct reg_device *made(const char *id)
{
    struct provision p;
    assert_int_equal(provision(org, id, 0, "v", &p, NULL), ERR_OK);
    return p.device;
}

static void delete_device(struct reg_device *d)
{
    struct sql_tx *tx = begin();
    assert_int_equal(catalog_devices_delete(tx, d->org, d->id, clock_wall_ns(&fake.clock)), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    registry_retire_device(reg, d);
}

static void a_first_sight_makes_it_and_the_next_finds_it(void **state)
{
    (void)state;
    struct provision p;
    struct reg_variable *v, *again;
    assert_int_equal(provision(org, "pump-1", 0, "flow", &p, &v), ERR_OK);
    assert_true(p.was_created);
    struct reg_device *d = p.device;
    assert_ptr_equal(registry_find_external(reg, org, BYTES("pump-1")), d);
    assert_ptr_equal(registry_find_uuid(reg, org, &d->uuid), d);
    assert_ptr_equal(registry_find_key(reg, org, d->id), d);
    assert_ptr_equal(registry_find_variable(reg, d, BYTES("flow")), v);
    assert_ptr_equal(registry_find_variable_id(reg, org, v->id), v);
    assert_null(registry_find_variable(reg, d, BYTES("Flow")));
    char uuid[UUID_TEXT + 1];
    uuid_format(&d->uuid, uuid);
    assert_ptr_equal(registry_find_device(reg, org, bytes_str(uuid)), d);
    assert_int_equal(provision(org, uuid, 0, "flow", &p, &again), ERR_OK);
    assert_true(!p.was_created && p.device == d && again == v);
}

static void another_organization_is_not_found(void **state)
{
    (void)state;
    struct reg_device *d = made("pump-1");
    struct reg_variable *v = registry_find_variable(reg, d, BYTES("v"));
    struct provision p;
    assert_null(registry_find_external(reg, other, BYTES("pump-1")));
    assert_null(registry_find_uuid(reg, other, &d->uuid));
    assert_null(registry_find_key(reg, other, d->id));
    assert_null(registry_find_variable_id(reg, other, v->id));
    assert_int_equal(registry_count_devices(reg, other), 0);
    assert_int_equal(provision(other, "pump-1", 0, "v", &p, NULL), ERR_OK);
    assert_true(p.was_created && p.device != d);
}

static void everything_is_there_after_a_restart(void **state)
{
    (void)state;
    uint8_t hash[32] = {7};
    struct reg_device *d = made("pump-1");
    int64_t id = d->id;
    struct uuid uuid = d->uuid;
    struct sql_tx *tx = begin();
    assert_int_equal(catalog_devices_set_token(tx, org, id, hash, BYTES("x"), 1), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(registry_set_token(reg, d, hash), ERR_OK);
    atomic_store(&d->last_seen_ns, 77);
    atomic_store(&d->seen_dirty, true);
    assert_int_equal(registry_save_seen(reg), ERR_OK);
    for (int i = 0; i < 100; i++) {
        char name[16];
        struct provision p;
        snprintf(name, sizeof name, "v%d", i);
        assert_int_equal(provision(org, "pump-1", 0, name, &p, NULL), ERR_OK);
    }
    reopen();
    d = registry_find_token(reg, hash);
    assert_true(d && d->id == id && uuid_equal(&d->uuid, &uuid));
    assert_int_equal(atomic_load(&d->last_seen_ns), 77);
    assert_int_equal(atomic_load(&d->variable_count), 101);
    int64_t last = 0, n = 0;
    for (struct reg_variable *v = atomic_load(&d->variables); v; v = v->next, n++) {
        assert_true(v->id > last);
        last = v->id;
        assert_ptr_equal(registry_find_variable(reg, d, v->name), v);
    }
    assert_int_equal(n, 101);
}

static void a_deleted_device_is_blocked_for_its_own_messages_for_a_day(void **state)
{
    (void)state;
    struct provision p;
    struct reg_device *d = made("pump-1"), *gateway = made("gateway");
    uint8_t hash[32] = {5};
    assert_int_equal(registry_set_token(reg, d, hash), ERR_OK);
    delete_device(d);
    assert_true(atomic_load(&d->deleted_ns) != 0);
    assert_null(registry_find_token(reg, hash));
    assert_null(registry_find_external(reg, org, BYTES("pump-1")));
    assert_null(registry_find_key(reg, org, d->id));
    clock_fake_advance(&fake, 23 * NS_PER_HOUR);
    assert_int_equal(provision(org, "pump-1", gateway->id, "v", &p, NULL), ERR_FORBIDDEN);
    clock_fake_advance(&fake, NS_PER_HOUR);
    assert_int_equal(provision(org, "pump-1", gateway->id, "v", &p, NULL), ERR_OK);
    assert_true(p.was_created && p.device != d);
    assert_false(uuid_equal(&p.device->uuid, &d->uuid));
    assert_int_equal(p.device->provisioned_by, gateway->id);
    delete_device(p.device);
    assert_int_equal(provision(org, "pump-1", 0, "v", &p, NULL), ERR_OK); /* a person may */
}

static void a_restored_device_brings_its_variables_back(void **state)
{
    (void)state;
    struct reg_device *d = made("pump-1");
    struct uuid uuid = d->uuid;
    int64_t id = d->id;
    delete_device(d);
    reopen();
    struct sql_tx *tx = begin();
    assert_int_equal(catalog_devices_restore(tx, org, id, 5), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    d = registry_new_device(reg, id, org, &uuid, BYTES("pump-1"), 0, true);
    assert_non_null(d);
    assert_int_equal(registry_restore_device(reg, d), ERR_OK);
    assert_ptr_equal(registry_find_external(reg, org, BYTES("pump-1")), d);
    assert_non_null(registry_find_variable(reg, d, BYTES("v")));
    assert_int_equal(atomic_load(&d->deleted_ns), 0);
}

static void all_or_nothing_and_the_culprit_is_named(void **state)
{
    (void)state;
    struct bytes names[] = {BYTES("a"), BYTES("b"), BYTES("a")};
    struct reg_variable *out[3];
    struct why why;
    size_t at = 9;
    struct provision items[] = {{.org = org,
                                 .external_id = BYTES("new"),
                                 .create_device = true,
                                 .name_count = 3,
                                 .names = names,
                                 .variables = out},
                                {.org = org, .external_id = BYTES("missing")}};
    assert_int_equal(registry_provision(reg, items, 2, &at, &why), ERR_NOTFOUND);
    assert_int_equal(at, 1);
    assert_non_null(strstr(why.text, "missing"));
    assert_null(registry_find_external(reg, org, BYTES("new")));
    assert_false(items[0].was_created);
    items[1] = items[0]; /* the same new device twice in one call */
    assert_int_equal(registry_provision(reg, items, 2, &at, &why), ERR_OK);
    assert_true(items[0].was_created && !items[1].was_created);
    assert_ptr_equal(items[0].device, items[1].device);
    assert_true(out[0] == out[2] && out[0] != out[1]);
    assert_int_equal(atomic_load(&items[0].device->variable_count), 2);
}

static void the_last_variable_fits_and_the_next_is_refused(void **state)
{
    (void)state;
    enum { N = REGISTRY_VARIABLES_PER_DEVICE + 1 };
    static struct bytes names[N];
    static char text[N][16];
    static struct reg_variable *out[N];
    struct why why;
    size_t at;
    for (int i = 0; i < N; i++) {
        snprintf(text[i], sizeof text[i], "%d", i);
        names[i] = bytes_str(text[i]);
    }
    struct provision p = {.org = org,
                          .external_id = BYTES("wide"),
                          .create_device = true,
                          .name_count = N,
                          .names = names,
                          .variables = out};
    assert_int_equal(registry_provision(reg, &p, 1, &at, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "wide"));
    p.name_count = N - 1;
    p.device = NULL;
    assert_int_equal(registry_provision(reg, &p, 1, &at, &why), ERR_OK);
    p.name_count = 1;
    p.names = names + N - 1;
    assert_int_equal(registry_provision(reg, &p, 1, &at, &why), ERR_LIMIT);
}

static void devices_of_the_api_are_published_after_their_commit(void **state)
{
    (void)state;
    uint8_t hash[32] = {9};
    struct device row = {.org = org,
                         .uuid = uuid_random(rnd_system()),
                         .external_id = BYTES("api-1"),
                         .latitude = NAN,
                         .longitude = NAN,
                         .altitude = NAN};
    struct sql_tx *tx = begin();
    assert_int_equal(catalog_devices_insert(tx, &row, hash), ERR_OK);
    struct reg_device *lost =
        registry_new_device(reg, row.id, org, &row.uuid, row.external_id, 0, true);
    sql_rollback(tx);
    assert_null(registry_find_external(reg, org, row.external_id));

    struct uuid first = row.uuid;
    row.uuid = uuid_random(rnd_system());
    tx = begin();
    int64_t rolled_back = row.id;
    assert_int_equal(catalog_devices_insert(tx, &row, hash), ERR_OK);
    assert_int_equal(row.id, rolled_back); /* the same id, another device */
    struct reg_device *d =
        registry_new_device(reg, row.id, org, &row.uuid, row.external_id, 0, true);
    assert_int_equal(sql_commit(tx), ERR_OK);
    /* Ingest learns of it from the catalog before the service publishes it: one entry all the
     * same. */
    struct provision p;
    assert_int_equal(provision(org, "api-1", 0, "v", &p, NULL), ERR_OK);
    assert_ptr_equal(p.device, d);
    assert_int_equal(registry_publish_device(reg, d, hash), ERR_OK);
    assert_ptr_equal(registry_find_token(reg, hash), d);
    assert_ptr_not_equal(d, lost);
    assert_true(uuid_equal(&lost->uuid, &first));
}

static void lists_go_by_id_from_a_cursor(void **state)
{
    (void)state;
    struct reg_device *d[10], *page[4];
    char id[16];
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof id, "d%d", 9 - i);
        d[i] = made(id);
    }
    delete_device(d[4]);
    assert_int_equal(registry_count_devices(reg, org), 9);
    assert_int_equal(registry_list_devices(reg, org, d[2]->id, page, 4), 4);
    assert_ptr_equal(page[0], d[3]);
    assert_ptr_equal(page[1], d[5]);
    assert_int_equal(registry_list_devices(reg, org, d[9]->id, page, 4), 0);
}

static void a_failed_commit_leaves_nothing_behind_and_the_next_try_works(void **state)
{
    (void)state;
    struct provision p;
    int failures = 0;
    for (int64_t n = 1;; n++) {
        char id[32];
        snprintf(id, sizeof id, "d%lld", (long long)n);
        fault_fs_arm(&fault, FAULT_ALL, n, FAULT_EIO, false);
        enum err e = provision(org, id, 0, "v", &p, NULL);
        bool fired = fault_fs_fired(&fault);
        fault_fs_arm(&fault, 0, 0, FAULT_EIO, false);
        failures += e != ERR_OK;
        if (e) assert_null(registry_find_external(reg, org, bytes_str(id)));
        assert_int_equal(provision(org, id, 0, "v", &p, NULL), ERR_OK);
        assert_non_null(registry_find_external(reg, org, bytes_str(id)));
        if (!fired) break;
    }
    assert_true(failures > 3);
    size_t before = registry_count_devices(reg, org);
    reopen();
    assert_int_equal(registry_count_devices(reg, org), before);
}

static void without_memory_it_refuses_and_recovers(void **state)
{
    (void)state;
    struct provision p;
    for (int64_t n = 1;; n++) {
        char id[32];
        snprintf(id, sizeof id, "d%lld", (long long)n);
        mem_fail_at(n);
        enum err e = provision(org, id, 0, "v", &p, NULL);
        bool fired = mem_fail_fired();
        mem_fail_at(0);
        if (e) assert_int_equal(e, ERR_NOMEM);
        assert_int_equal(provision(org, id, 0, "v", &p, NULL), ERR_OK);
        if (!fired) break;
    }
    size_t before = registry_count_devices(reg, org);
    reopen();
    assert_int_equal(registry_count_devices(reg, org), before);
}

static void what_could_not_be_saved_is_saved_the_next_time(void **state)
{
    (void)state;
    struct device row;
    struct reg_device *d = made("pump-1");
    atomic_store(&d->last_seen_ns, 70);
    atomic_store(&d->token_used_ns, 71);
    atomic_store(&d->seen_dirty, true);
    fault_fs_arm(&fault, FAULT_SYNC, 1, FAULT_EIO, false);
    assert_int_equal(registry_save_seen(reg), ERR_IO);
    assert_int_equal(registry_save_seen(reg), ERR_OK);
    assert_int_equal(atomic_load(&d->token_used_ns), 0);
    struct sql_tx *tx = begin();
    assert_int_equal(catalog_devices_find(tx, org, d->id, &arena, &row), ERR_OK);
    sql_rollback(tx);
    assert_true(row.last_seen_ns == 70 && row.token_used_ns == 71);
}

enum { THREADS = 4, ROUNDS = 60, VARIABLES = 5 };
struct racer {
    pthread_t thread;
    struct reg_device *devices[ROUNDS];
    struct reg_variable *variables[ROUNDS][VARIABLES];
    int failures;
};

static void *race(void *arg)
{
    struct racer *me = arg;
    static const struct bytes names[VARIABLES] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}};
    for (int i = 0; i < ROUNDS; i++) {
        char id[16];
        size_t at;
        snprintf(id, sizeof id, "r%d", i);
        struct provision p = {.org = org,
                              .external_id = bytes_str(id),
                              .create_device = true,
                              .name_count = VARIABLES,
                              .names = names,
                              .variables = me->variables[i]};
        me->failures += registry_provision(reg, &p, 1, &at, NULL) != ERR_OK;
        me->devices[i] = p.device;
        for (int v = 0; p.device && v < VARIABLES; v++)
            me->failures += registry_find_variable(reg, p.device, names[v]) != me->variables[i][v];
        for (struct reg_variable *v = p.device ? p.device->variables : NULL; v; v = v->next)
            me->failures += v->device != p.device;
    }
    return NULL;
}

static void threads_that_see_the_same_new_things_share_them(void **state)
{
    (void)state;
    static struct racer racers[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&racers[i].thread, race, &racers[i], "racer", 0), ERR_OK);
    for (int i = 0; i < THREADS; i++) pthread_join(racers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(racers[i].failures, 0);
        assert_memory_equal(racers[i].devices, racers[0].devices, sizeof racers[0].devices);
        assert_memory_equal(racers[i].variables, racers[0].variables, sizeof racers[0].variables);
    }
    assert_int_equal(registry_count_devices(reg, org), ROUNDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_first_sight_makes_it_and_the_next_finds_it),
        TEST(another_organization_is_not_found),
        TEST(everything_is_there_after_a_restart),
        TEST(a_deleted_device_is_blocked_for_its_own_messages_for_a_day),
        TEST(a_restored_device_brings_its_variables_back),
        TEST(all_or_nothing_and_the_culprit_is_named),
        TEST(the_last_variable_fits_and_the_next_is_refused),
        TEST(devices_of_the_api_are_published_after_their_commit),
        TEST(lists_go_by_id_from_a_cursor),
        TEST(a_failed_commit_leaves_nothing_behind_and_the_next_try_works),
        TEST(without_memory_it_refuses_and_recovers),
        TEST(what_could_not_be_saved_is_saved_the_next_time),
        TEST(threads_that_see_the_same_new_things_share_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
