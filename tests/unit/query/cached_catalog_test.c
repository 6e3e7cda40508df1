/* Which entries end with which change of the catalog (query/cached_catalog.h): every writer of what
 * is cached, on a real catalog, next to an organisation that keeps its entries. */
#include "fault_fs.h"
#include "query/cached_catalog.h"
#include "store/catalog.h"
#include "store/catalog_devices.h"
#include "store/catalog_labels.h"
#include "store/catalog_organizations.h"
#include "store/catalog_purge.h"
#include "store/catalog_users.h"
#include "temp_dir.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    DEVICES = CACHED_CATALOG_DEVICES,
    QUOTAS = CACHED_CATALOG_QUOTAS,
    ORGS = CACHED_CATALOG_ORGANIZATIONS,
    USERS = CACHED_CATALOG_USERS,
    EVERYBODYS = 1 << 16, /* the other organisation's entries end as well */
};

struct world {
    struct temp_dir dir;
    struct fault_fs fs;
    struct clock_fake clock;
    struct arena arena;
    struct sql_db *db;
    struct cache *cache;
    struct organization own, other;
    struct device device;
    struct user user;
    struct label label;
};

static struct cache_item item_of(int id, int64_t org)
{
    return cache_item_of((enum cache_id)id, org, BYTES("k"), cached_catalog_slot(org));
}

static void warm(struct world *w, int64_t org)
{
    for (int id = 0; id < CACHE_IDS; id++) {
        struct cache_item item = item_of(id, org);
        cache_look(w->cache, &item, 1);
        if (cache_item_is_mine(&item)) cache_fill(w->cache, &item, BYTES("v"));
        cache_item_done(&item);
    }
}

/* The caches in which the organisation has no entry any more. */
static unsigned ended(struct world *w, int64_t org)
{
    unsigned mask = 0;
    for (int id = 0; id < CACHE_IDS; id++) {
        struct cache_item item = item_of(id, org);
        cache_look(w->cache, &item, 1);
        if (!item.value) mask |= 1u << id;
        if (cache_item_is_mine(&item)) cache_give_up(w->cache, &item);
        cache_item_done(&item);
    }
    return mask;
}

static struct sql_tx *begin(struct world *w)
{
    struct sql_tx *tx = NULL;
    assert_int_equal(sql_begin(w->db, SQL_WRITE, &tx), ERR_OK);
    return tx;
}

static int set_up(void **state)
{
    static struct world w;
    struct cache_opts opts = {.max_bytes = 1 << 20, .clock = &w.clock.clock};
    struct why why;
    memset(&w, 0, sizeof w);
    for (int i = 0; i < CACHE_IDS; i++) opts.life_ns[i] = NS_PER_HOUR;
    clock_fake_init(&w.clock, NS_PER_DAY);
    temp_dir_make(&w.dir);
    fault_fs_init(&w.fs, fs_real());
    w.fs.skip_sync = true;
    arena_init(&w.arena, 1 << 20);
    struct sql_db *below;
    assert_int_equal(catalog_open(&below, &w.fs.fs, w.dir.path, clock_real(), &why), ERR_OK);
    assert_int_equal(cached_catalog_new(&w.db, below), ERR_OK);
    assert_int_equal(cache_new(&w.cache, &opts), ERR_OK);
    cached_catalog_use(w.db, w.cache);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    catalog_close(w->db);
    cache_free(w->cache);
    arena_done(&w->arena);
    temp_dir_remove(&w->dir);
    return 0;
}

/* --- the writers ------------------------------------------------------------------------------ */

static enum err add_own(struct world *w, struct sql_tx *tx)
{
    w->own = (struct organization){.name = BYTES("own"), .created_ns = 1};
    w->other = (struct organization){.name = BYTES("other"), .created_ns = 1};
    enum err e = catalog_organizations_insert(tx, &w->own);
    return e ? e : catalog_organizations_insert(tx, &w->other);
}
static enum err add_device(struct world *w, struct sql_tx *tx)
{
    w->device = (struct device){.org = w->own.id,
                                .external_id = BYTES("d"),
                                .latitude = (double)NAN,
                                .longitude = (double)NAN,
                                .altitude = (double)NAN,
                                .created_ns = 1};
    return catalog_devices_insert(tx, &w->device, NULL);
}
static enum err change_device(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_update(tx, &w->device);
}
static enum err set_properties(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_set_properties(tx, &w->device);
}
static enum err set_seen(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_set_seen(tx, w->own.id, w->device.id, 5);
}
static enum err set_presence(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_set_presence(tx, w->own.id, w->device.id, 1);
}
static enum err touch_token(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_touch_token(tx, w->own.id, w->device.id, 5);
}
static enum err add_label(struct world *w, struct sql_tx *tx)
{
    w->label = (struct label){.org = w->own.id, .kind = LABEL_TAG, .name = BYTES("t")};
    return catalog_labels_insert(tx, &w->label);
}
static enum err assign_label(struct world *w, struct sql_tx *tx)
{
    return catalog_labels_assign(tx, w->own.id, w->device.id, w->label.id, NULL);
}
static enum err rename_label(struct world *w, struct sql_tx *tx)
{
    return catalog_labels_update(tx, &w->label);
}
static enum err clear_labels(struct world *w, struct sql_tx *tx)
{
    return catalog_labels_clear(tx, w->own.id, w->device.id, LABEL_TAG);
}
static enum err delete_label(struct world *w, struct sql_tx *tx)
{
    return catalog_labels_delete(tx, w->own.id, LABEL_TAG, w->label.id);
}
static enum err delete_device(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_delete(tx, w->own.id, w->device.id, 9);
}
static enum err restore_device(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_restore(tx, w->own.id, w->device.id, 9);
}
static enum err delete_all(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_delete_all(tx, w->own.id, 9);
}
static enum err restore_all(struct world *w, struct sql_tx *tx)
{
    return catalog_devices_restore_all(tx, w->own.id, 9, 10);
}
static enum err purge_device(struct world *w, struct sql_tx *tx)
{
    enum err e = catalog_devices_delete(tx, w->own.id, w->device.id, 11);
    return e ? e : catalog_devices_purge(tx, w->own.id, w->device.id);
}
static enum err add_user(struct world *w, struct sql_tx *tx)
{
    w->user = (struct user){.org = w->own.id,
                            .username = BYTES("u"),
                            .email = BYTES("u@example.org"),
                            .password_hash = BYTES("$"),
                            .roles = 1,
                            .enabled = true};
    return catalog_users_insert(tx, &w->user);
}
static enum err change_user(struct world *w, struct sql_tx *tx)
{
    return catalog_users_update(tx, &w->user);
}
static enum err login(struct world *w, struct sql_tx *tx)
{
    return catalog_users_note_login(tx, w->own.id, w->user.id, true, 5);
}
static enum err fail_login(struct world *w, struct sql_tx *tx)
{
    return catalog_users_note_login(tx, w->own.id, w->user.id, false, 5);
}
static enum err delete_user(struct world *w, struct sql_tx *tx)
{
    return catalog_users_delete(tx, w->own.id, w->user.id, 5);
}
static enum err restore_user(struct world *w, struct sql_tx *tx)
{
    return catalog_users_restore(tx, w->own.id, w->user.id, 5);
}
static enum err change_organization(struct world *w, struct sql_tx *tx)
{
    return catalog_organizations_update(tx, &w->own);
}
static enum err delete_organization(struct world *w, struct sql_tx *tx)
{
    return catalog_organizations_delete(tx, w->own.id, 5);
}
static enum err purge_things(struct world *w, struct sql_tx *tx)
{
    bool more;
    return catalog_purge_things(tx, w->own.id, &more);
}
static enum err purge_people(struct world *w, struct sql_tx *tx)
{
    return catalog_purge_people(tx, w->own.id);
}

static const struct {
    const char *what;
    enum err (*change)(struct world *, struct sql_tx *);
    unsigned ends;
} changes[] = {
    {"organisations made", add_own, ORGS | USERS | QUOTAS | EVERYBODYS},
    {"device made", add_device, DEVICES | QUOTAS},
    {"device changed", change_device, DEVICES | QUOTAS},
    {"properties said", set_properties, DEVICES | QUOTAS},
    {"device seen", set_seen, 0},
    {"presence told", set_presence, 0},
    {"token used", touch_token, 0},
    {"label made", add_label, DEVICES},
    {"label given", assign_label, DEVICES},
    {"label renamed", rename_label, DEVICES},
    {"labels taken", clear_labels, DEVICES},
    {"label gone", delete_label, DEVICES},
    {"device gone", delete_device, DEVICES | QUOTAS},
    {"device back", restore_device, DEVICES | QUOTAS},
    {"all gone", delete_all, DEVICES | QUOTAS},
    {"all back", restore_all, DEVICES | QUOTAS},
    {"device purged", purge_device, DEVICES | QUOTAS},
    {"user made", add_user, USERS | ORGS | QUOTAS},
    {"user changed", change_user, USERS | ORGS | QUOTAS},
    {"login", login, USERS | ORGS | QUOTAS},
    {"login refused", fail_login, 0},
    {"user gone", delete_user, USERS | ORGS | QUOTAS},
    {"user back", restore_user, USERS | ORGS | QUOTAS},
    {"organisation changed", change_organization, ORGS | USERS | QUOTAS},
    {"organisation gone", delete_organization, ORGS | USERS | QUOTAS},
    {"its things purged", purge_things, DEVICES | QUOTAS},
    {"its people purged", purge_people, USERS | ORGS | QUOTAS},
};

static void each_change_ends_what_shows_it_and_nothing_of_the_others(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        unsigned own = changes[i].ends & ~(unsigned)EVERYBODYS;
        unsigned others = changes[i].ends & EVERYBODYS ? own : 0;
        int64_t before = w->own.id, other = w->other.id;
        warm(w, before ? before : 1);
        warm(w, other ? other : 2);
        warm(w, 0);
        struct sql_tx *tx = begin(w);
        assert_int_equal(changes[i].change(w, tx), ERR_OK);
        assert_int_equal(ended(w, w->own.id), 0); /* not before the commit */
        assert_int_equal(sql_commit(tx), ERR_OK);
        unsigned got[] = {ended(w, w->own.id), ended(w, w->other.id), ended(w, 0)};
        if (got[0] != own || got[1] != others || got[2] != own)
            fail_msg("%s: own %x, other's %x, all %x", changes[i].what, got[0], got[1], got[2]);
    }
}

static void news_of_another_node_end_the_same(void **state)
{
    struct world *w = *state;
    for (int64_t org = 0; org < 3; org++) warm(w, org);
    cached_catalog_heard(w->cache, DEVICES | USERS, 1);
    assert_int_equal(ended(w, 1), DEVICES | USERS);
    assert_int_equal(ended(w, 2), 0);
    assert_int_equal(ended(w, 0), DEVICES | USERS);
    cached_catalog_heard(w->cache, ORGS, 0);
    assert_int_equal(ended(w, 1), DEVICES | USERS | ORGS);
    assert_int_equal(ended(w, 2), ORGS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_change_ends_what_shows_it_and_nothing_of_the_others,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(news_of_another_node_end_the_same, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("cached_catalog", tests, NULL, NULL);
}
