/* Variables on a real catalog and registry; the store of their values is a small table. */
#include "service/event_types.h"
#include "service/variable_service.h"
#include "service_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct service_world w;
static struct actor ada, bob; /* of two organisations */

/* --- a store with one series ------------------------------------------------------------------ */

struct table {
    struct telemetry base;
    int64_t series;
    struct sample samples[8];
    size_t n;
};
struct table_cursor {
    struct scan_cursor base;
    struct sample found[8];
    size_t n, given;
};
static struct table table;
static struct table_cursor table_cursor;

static enum err table_open(struct telemetry *t, const struct scan_range *r,
                           struct scan_cursor **ret)
{
    struct table *own = (struct table *)t;
    table_cursor = (struct table_cursor){.base = {t->ops}};
    for (size_t i = 0; i < own->n && r->series == own->series; i++) {
        int64_t ts = own->samples[i].ts_ns;
        if (ts < r->from_ns || ts >= r->to_ns) continue;
        table_cursor.found[table_cursor.n++] = own->samples[i];
    }
    *ret = &table_cursor.base;
    return ERR_OK;
}

/* Two at a time, so that callers meet slices. */
static enum err table_next(struct scan_cursor *c, const struct sample **ret, size_t *ret_n)
{
    struct table_cursor *own = (struct table_cursor *)c;
    if (own->given == own->n) return ERR_END;
    *ret = &own->found[own->given];
    *ret_n = own->n - own->given < 2 ? own->n - own->given : 2;
    own->given += *ret_n;
    return ERR_OK;
}

static void table_close(struct scan_cursor *c)
{
    (void)c;
}

static enum err table_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                             struct sample *ret)
{
    struct table *own = (struct table *)t;
    (void)org;
    for (size_t i = 0; i < n; i++) {
        ret[i] = (struct sample){.ts_ns = INT64_MIN};
        if (own->n && series[i] == own->series) ret[i] = own->samples[own->n - 1];
    }
    return ERR_OK;
}

static const struct telemetry_ops table_ops = {.name = "table",
                                               .scan_open = table_open,
                                               .scan_next = table_next,
                                               .scan_close = table_close,
                                               .latest = table_latest};

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
    table = (struct table){.base = {&table_ops}};
    w.devices.telemetry = &table.base;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

/* --- variables -------------------------------------------------------------------------------- */

static int64_t provision(const struct actor *actor, const char *device, const char *variable)
{
    const struct bytes name = bytes_str(variable);
    struct reg_variable *v = NULL;
    struct provision item = {.org = actor->org,
                             .external_id = bytes_str(device),
                             .create_device = true,
                             .name_count = 1,
                             .names = &name,
                             .variables = &v};
    size_t at = 0;
    struct why why;
    assert_int_equal(registry_provision(w.registry, &item, 1, &at, &why), ERR_OK);
    return v->id;
}

static void variables_carry_their_newest_value_and_belong_to_their_organization(void **state)
{
    (void)state;
    struct variable_view *views = NULL, v;
    size_t n = 0;
    int64_t id = provision(&ada, "pump-1", "temperature");
    provision(&ada, "pump-1", "rpm");
    table.series = id;
    table.samples[table.n++] = (struct sample){100, 21.5};
    table.samples[table.n++] = (struct sample){200, 22.5};
    assert_int_equal(
        variable_service_list(&w.devices, ada.org, BYTES("pump-1"), &w.arena, &views, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_true(views[0].last.value == 22.5 && views[0].last.ts_ns == 200);
    assert_int_equal(views[1].last.ts_ns, INT64_MIN);
    assert_int_equal(
        variable_service_list(&w.devices, bob.org, BYTES("pump-1"), &w.arena, &views, &n),
        ERR_NOTFOUND);
    assert_int_equal(variable_service_find(&w.devices, ada.org, id, &w.arena, &v), ERR_OK);
    assert_int_equal(variable_service_find(&w.devices, bob.org, id, &w.arena, &v), ERR_NOTFOUND);
    assert_int_equal(device_service_delete(&w.devices, &ada, BYTES("pump-1"), &w.arena), ERR_OK);
    assert_int_equal(variable_service_find(&w.devices, ada.org, id, &w.arena, &v), ERR_NOTFOUND);
}

static void a_variable_changes_how_it_is_shown(void **state)
{
    (void)state;
    struct variable_view v;
    struct refusal refusal = {.fields = 0};
    int64_t id = provision(&ada, "pump-1", "temperature");
    struct variable_change change = {.display_name = {true, BYTES("Temperature")},
                                     .unit = {true, BYTES("\xc2\xb0"
                                                          "C")},
                                     .min_value = {true, -40},
                                     .decimal_places_set = true,
                                     .decimal_places = 1};
    assert_int_equal(variable_service_update(&w.devices, &ada, id, &change, &w.arena, &v, &refusal),
                     ERR_OK);
    assert_int_equal(variable_service_update(&w.devices, &bob, id, &change, &w.arena, &v, &refusal),
                     ERR_NOTFOUND);
    change = (struct variable_change){.unit = {true, {NULL, 0}}};
    assert_int_equal(variable_service_update(&w.devices, &ada, id, &change, &w.arena, &v, &refusal),
                     ERR_OK);
    assert_true(bytes_is(v.variable.display_name, "Temperature"));
    assert_null(v.variable.unit.p);
    assert_true(v.variable.min_value == -40 && v.variable.decimal_places == 1);
    assert_true(bytes_is(v.variable.name, "temperature"));
    change = (struct variable_change){.max_value = {true, -50}};
    assert_int_equal(variable_service_update(&w.devices, &ada, id, &change, &w.arena, &v, &refusal),
                     ERR_INVALID);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_VARIABLE_UPDATED), 2);
}

static void values_and_statistics_cover_both_ends_of_the_range(void **state)
{
    (void)state;
    struct sample *samples = NULL;
    struct variable_statistics st;
    size_t n = 0;
    bool more = false;
    int64_t id = provision(&ada, "pump-1", "temperature");
    table.series = id;
    for (int i = 1; i <= 5; i++) table.samples[table.n++] = (struct sample){i * 100, i};
    assert_int_equal(variable_service_values(&w.devices, ada.org, id, 200, 400, 100, &w.arena,
                                             &samples, &n, &more),
                     ERR_OK);
    assert_int_equal(n, 3);
    assert_false(more);
    assert_int_equal(samples[0].ts_ns, 200);
    assert_int_equal(samples[2].ts_ns, 400);
    assert_int_equal(variable_service_values(&w.devices, ada.org, id, 0, INT64_MAX, 4, &w.arena,
                                             &samples, &n, &more),
                     ERR_OK);
    assert_int_equal(n, 4);
    assert_true(more);
    assert_int_equal(variable_service_statistics(&w.devices, ada.org, id, 200, 400, NULL, &st),
                     ERR_OK);
    assert_int_equal(st.count, 3);
    assert_true(st.sum == 9 && st.min == 2 && st.max == 4);
    assert_int_equal(variable_service_statistics(&w.devices, ada.org, id, 600, 700, NULL, &st),
                     ERR_OK);
    assert_int_equal(st.count, 0);
    assert_true(isnan(st.min) && isnan(st.sum));
    assert_int_equal(variable_service_statistics(&w.devices, bob.org, id, 0, 700, NULL, &st),
                     ERR_NOTFOUND);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(variables_carry_their_newest_value_and_belong_to_their_organization),
        TEST(a_variable_changes_how_it_is_shown),
        TEST(values_and_statistics_cover_both_ends_of_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
