/* Tags and groups on a real catalog. */
#include "service/device_labels.h"
#include "service/device_purge.h"
#include "service/event_types.h"
#include "service_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct service_world w;
static struct actor ada, bob; /* of two organisations */

static struct actor enroll(const char *name)
{
    struct auth_tokens t = service_world_register(&w, name);
    struct principal p;
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
    return service_world_actor(&w, &p);
}

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    ada = enroll("ada");
    bob = enroll("bob");
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

static enum err create(const char *id, struct label *tags, size_t tag_n, struct label *groups,
                       size_t group_n, struct device *ret)
{
    struct refusal refusal = {.fields = 0};
    char token[TOKENS_DEVICE_TEXT + 1];
    const struct device given = {.external_id = bytes_str(id),
                                 .active = true,
                                 .latitude = (double)NAN,
                                 .longitude = (double)NAN,
                                 .altitude = (double)NAN,
                                 .tags = {tags, tag_n},
                                 .groups = {groups, group_n}};
    return device_service_create(&w.devices, &ada, &given, &w.arena, ret, token, &refusal);
}

static struct label make(const struct actor *actor, enum label_kind kind, const char *name)
{
    struct refusal refusal = {.fields = 0};
    struct label l;
    const struct label given = {.kind = kind, .name = bytes_str(name)};
    assert_int_equal(device_labels_create(&w.devices, actor, &given, &w.arena, &l, &refusal),
                     ERR_OK);
    return l;
}

static size_t count_devices(const struct device_query *q)
{
    struct device *devices = NULL;
    struct catalog_listing listing;
    const struct catalog_page page = {.size = 1000};
    assert_int_equal(
        device_service_list(&w.devices, ada.org, q, &page, &w.arena, &devices, &listing, NULL),
        ERR_OK);
    assert_int_equal(listing.total, listing.count);
    return listing.count;
}

static void a_page_of_many_devices_shows_each_its_own_labels(void **state)
{
    (void)state;
    enum { DEVICES = 150 }; /* three queries of 64 */
    struct device d, *devices = NULL;
    struct catalog_listing listing;
    struct label group = make(&ada, LABEL_GROUP, "hall");
    for (int i = 0; i < DEVICES; i++) {
        char id[24], own[24];
        snprintf(id, sizeof id, "d%03d", i);
        snprintf(own, sizeof own, "only %d", i);
        struct label tags[] = {{.name = bytes_str(own)}, {.name = BYTES("all")}};
        assert_int_equal(create(id, tags, i % 3 ? 2 : 0, &group, i % 2 ? 1 : 0, &d), ERR_OK);
    }
    const struct device_query all = {.group = 0};
    const struct catalog_page page = {
        .size = 1000, .sort = BYTES("externalId"), .descending = true};
    assert_int_equal(
        device_service_list(&w.devices, ada.org, &all, &page, &w.arena, &devices, &listing, NULL),
        ERR_OK);
    assert_int_equal(listing.count, DEVICES);
    for (int i = 0; i < DEVICES; i++) {
        const struct device *at = &devices[DEVICES - 1 - i];
        char own[24];
        snprintf(own, sizeof own, "only %d", i);
        assert_int_equal(at->tags.n, i % 3 ? 2 : 0);
        if (i % 3) assert_true(bytes_is(at->tags.items[0].name, "all"));
        if (i % 3) assert_true(bytes_is(at->tags.items[1].name, own));
        assert_int_equal(at->groups.n, i % 2 ? 1 : 0);
        if (i % 2) assert_int_equal(at->groups.items[0].id, group.id);
    }
    assert_int_equal(count_devices(&(struct device_query){.tag = BYTES("only 1")}), 1);
    assert_int_equal(count_devices(&(struct device_query){.group = group.id}), DEVICES / 2);
}

static void a_refused_label_leaves_nothing_of_the_device(void **state)
{
    (void)state;
    struct device d;
    struct label theirs = make(&bob, LABEL_GROUP, "theirs");
    struct label tag = {.name = BYTES("fresh")};
    assert_int_equal(create("never", &tag, 1, &theirs, 1, &d), ERR_NOTFOUND);
    assert_int_equal(device_service_find(&w.devices, ada.org, BYTES("never"), &w.arena, &d),
                     ERR_NOTFOUND);
    assert_null(registry_find_external(w.registry, ada.org, BYTES("never")));
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DEVICE_TAG_CREATED), 0);
}

static void a_thousand_tags_and_one_more(void **state)
{
    (void)state;
    struct refusal refusal = {.fields = 0};
    struct label l;
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    for (int i = 0; i < LABELS_MAX - 1; i++) {
        char name[24];
        snprintf(name, sizeof name, "t%d", i);
        l = (struct label){.org = ada.org, .kind = LABEL_TAG, .name = bytes_str(name)};
        assert_int_equal(catalog_labels_insert(tx, &l), ERR_OK);
    }
    assert_int_equal(sql_commit(tx), ERR_OK);
    make(&ada, LABEL_TAG, "the last");
    make(&ada, LABEL_GROUP, "of another kind");
    const struct label given = {.kind = LABEL_TAG, .name = BYTES("one more")};
    assert_int_equal(device_labels_create(&w.devices, &ada, &given, &w.arena, &l, &refusal),
                     ERR_LIMIT);
    assert_string_equal(refusal.limit, "tags-per-organization");
}

static void a_deleted_device_is_not_counted_and_comes_back_with_its_labels(void **state)
{
    (void)state;
    struct device d;
    struct label_view view;
    struct label group = make(&ada, LABEL_GROUP, "hall"), tag = {.name = BYTES("red")};
    assert_int_equal(create("pump", &tag, 1, &group, 1, &d), ERR_OK);
    assert_int_equal(device_service_delete(&w.devices, &ada, BYTES("pump"), &w.arena), ERR_OK);
    assert_int_equal(
        device_labels_find(&w.devices, ada.org, LABEL_GROUP, group.id, &w.arena, &view), ERR_OK);
    assert_int_equal(view.labels->device_count, 0);
    assert_int_equal(view.member_n, 0);
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(catalog_devices_restore(tx, ada.org, d.id, clock_wall_ns(&w.clock.clock)),
                     ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
    assert_int_equal(device_service_find(&w.devices, ada.org, BYTES("pump"), &w.arena, &d), ERR_OK);
    assert_int_equal(d.tags.n + d.groups.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_of_many_devices_shows_each_its_own_labels,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_refused_label_leaves_nothing_of_the_device, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_thousand_tags_and_one_more, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_deleted_device_is_not_counted_and_comes_back_with_its_labels, open_world,
            close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
