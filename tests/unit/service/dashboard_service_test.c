/* Dashboards and widgets on a real catalog: versions, the one default, tenants, events. */
#include "service/dashboard_widgets.h"
#include "service/event_types.h"
#include "service_world.h"
#include "sys/thread.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct service_world w;
static struct dashboard_service dashboards;
static struct actor ada, bob; /* of two organisations */
static const struct if_match whatever = {.said = false};

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
    dashboards = (struct dashboard_service){.db = w.db,
                                            .registry = w.registry,
                                            .auth = w.auth,
                                            .clock = &w.clock.clock,
                                            .rnd = rnd_system()};
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

static struct if_match over(int64_t version)
{
    return (struct if_match){.said = true, .versions = {version}, .n = 1};
}

static struct dashboard make(const struct actor *actor)
{
    struct dashboard d;
    struct refusal refusal = {.fields = 0};
    const struct dashboard_change given = {.name = {true, BYTES("Hall")}};
    assert_int_equal(dashboard_service_create(&dashboards, actor, &given, &d, &refusal), ERR_OK);
    return d;
}

static enum err rename_over(const struct actor *actor, int64_t id, const struct if_match *match,
                            struct dashboard *ret)
{
    struct refusal refusal = {.fields = 0};
    const struct dashboard_change change = {.name = {true, BYTES("Yard")}};
    return dashboard_service_update(&dashboards, actor, id, match, &change, &w.arena, ret,
                                    &refusal);
}

static enum err add_widget(const struct actor *actor, int64_t dashboard, struct widget *ret)
{
    struct refusal refusal = {.fields = 0};
    const struct widget_change given = {
        .name = {true, BYTES("W")}, .type_set = true, .type = WIDGET_GAUGE};
    return dashboard_widgets_create(&dashboards, actor, dashboard, &given, &w.arena, ret, &refusal);
}

static void a_change_over_another_version_changes_nothing(void **state)
{
    (void)state;
    struct dashboard d = make(&ada), got;
    struct if_match first = over(1), second = over(2);
    assert_int_equal(rename_over(&ada, d.id, &second, &got), ERR_STALE);
    assert_int_equal(rename_over(&ada, d.id, &first, &got), ERR_OK);
    assert_int_equal(got.version, 2);
    assert_int_equal(rename_over(&ada, d.id, &first, &got), ERR_STALE);
    assert_int_equal(dashboard_service_delete(&dashboards, &ada, d.id, &first, &w.arena),
                     ERR_STALE);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DASHBOARD_UPDATED), 1);
    assert_int_equal(dashboard_service_delete(&dashboards, &ada, d.id, &second, &w.arena), ERR_OK);
    assert_int_equal(dashboard_service_find(&dashboards, ada.org, d.id, &w.arena, &got),
                     ERR_NOTFOUND);
}

static void a_foreign_dashboard_is_a_missing_one(void **state)
{
    (void)state;
    struct dashboard d = make(&ada), got;
    struct widget widget;
    struct refusal refusal = {.fields = 0};
    assert_int_equal(add_widget(&ada, d.id, &widget), ERR_OK);
    assert_int_equal(dashboard_service_find(&dashboards, bob.org, d.id, &w.arena, &got),
                     ERR_NOTFOUND);
    assert_int_equal(rename_over(&bob, d.id, &whatever, &got), ERR_NOTFOUND);
    assert_int_equal(dashboard_service_delete(&dashboards, &bob, d.id, &whatever, &w.arena),
                     ERR_NOTFOUND);
    assert_int_equal(add_widget(&bob, d.id, &widget), ERR_NOTFOUND);
    assert_int_equal(
        dashboard_widgets_delete(&dashboards, &bob, d.id, widget.id, &whatever, &w.arena, &refusal),
        ERR_NOTFOUND);
    assert_string_equal(refusal.missing, "dashboard");
    assert_int_equal(dashboard_service_find(&dashboards, ada.org, d.id, &w.arena, &got), ERR_OK);
    assert_int_equal(got.widget_count, 1);
}

static void a_dashboard_is_as_new_as_its_widgets(void **state)
{
    (void)state;
    struct dashboard d = make(&ada), got;
    struct widget widget;
    struct refusal refusal = {.fields = 0};
    const struct widget_change moved = {.x = {true, 9}};
    assert_int_equal(add_widget(&ada, d.id, &widget), ERR_OK);
    assert_int_equal(dashboard_widgets_update(&dashboards, &ada, d.id, widget.id, &whatever, &moved,
                                              &w.arena, &widget, &refusal),
                     ERR_OK);
    assert_int_equal(widget.version, 2);
    assert_int_equal(dashboard_service_find(&dashboards, ada.org, d.id, &w.arena, &got), ERR_OK);
    assert_int_equal(got.version, 3);
    assert_int_equal(got.widgets[0].x, 9);
    struct if_match stale = over(2);
    assert_int_equal(rename_over(&ada, d.id, &stale, &got), ERR_STALE);
}

/* A refused change leaves neither the change nor its event. */
static void what_is_refused_leaves_no_trace(void **state)
{
    (void)state;
    struct dashboard d = make(&ada), got;
    struct refusal refusal = {.fields = 0};
    const struct widget_change wrong = {.name = {true, BYTES("W")},
                                        .type_set = true,
                                        .width = {true, 0},
                                        .aggregation = BYTES("MEDIAN")};
    struct widget widget;
    assert_int_equal(
        dashboard_widgets_create(&dashboards, &ada, d.id, &wrong, &w.arena, &widget, &refusal),
        ERR_INVALID);
    assert_int_equal(refusal.fields, 2);
    const struct widget_change nowhere = {
        .name = {true, BYTES("W")}, .type_set = true, .device = {true, BYTES("nobody")}};
    refusal = (struct refusal){.fields = 0};
    assert_int_equal(
        dashboard_widgets_create(&dashboards, &ada, d.id, &nowhere, &w.arena, &widget, &refusal),
        ERR_NOTFOUND);
    assert_string_equal(refusal.missing, "device");
    assert_int_equal(dashboard_service_find(&dashboards, ada.org, d.id, &w.arena, &got), ERR_OK);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.widget_count, 0);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_WIDGET_CREATED), 0);
}

enum { ASKERS = 8 };

struct asker {
    pthread_t thread;
    struct arena arena;
    int64_t id;
    enum err err;
};

static void *ask_default(void *arg)
{
    struct asker *a = arg;
    struct dashboard d = {.id = 0};
    struct refusal refusal = {.fields = 0};
    a->err = dashboard_service_find_default(&dashboards, &bob, &a->arena, &d, &refusal);
    a->id = d.id;
    return NULL;
}

static void everybody_at_once_gets_the_same_default(void **state)
{
    (void)state;
    struct asker askers[ASKERS];
    for (int i = 0; i < ASKERS; i++) {
        arena_init(&askers[i].arena, 1 << 20);
        assert_int_equal(thread_start(&askers[i].thread, ask_default, &askers[i], "asker", 0),
                         ERR_OK);
    }
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].err, ERR_OK);
        assert_int_equal(askers[i].id, askers[0].id);
        arena_done(&askers[i].arena);
    }
    assert_int_equal(service_world_events(&w, bob.org, EVENT_DASHBOARD_CREATED), 1);
}

static void a_second_default_takes_it_from_the_first(void **state)
{
    (void)state;
    struct dashboard first, second, got;
    struct refusal refusal = {.fields = 0};
    const struct dashboard_change given = {
        .name = {true, BYTES("D")}, .default_set = true, .is_default = true};
    assert_int_equal(dashboard_service_create(&dashboards, &ada, &given, &first, &refusal), ERR_OK);
    assert_int_equal(dashboard_service_create(&dashboards, &ada, &given, &second, &refusal),
                     ERR_OK);
    assert_int_equal(dashboard_service_find(&dashboards, ada.org, first.id, &w.arena, &got),
                     ERR_OK);
    assert_false(got.is_default);
    assert_int_equal(got.version, 2);
    assert_int_equal(dashboard_service_find_default(&dashboards, &ada, &w.arena, &got, &refusal),
                     ERR_OK);
    assert_int_equal(got.id, second.id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_change_over_another_version_changes_nothing, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_foreign_dashboard_is_a_missing_one, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_dashboard_is_as_new_as_its_widgets, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(what_is_refused_leaves_no_trace, open_world, close_world),
        cmocka_unit_test_setup_teardown(everybody_at_once_gets_the_same_default, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_second_default_takes_it_from_the_first, open_world,
                                        close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
