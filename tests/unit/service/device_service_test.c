/* Devices and their tokens on a real catalog and registry. */
#include "codec/base64.h"
#include "service/device_tokens.h"
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

static enum err create(const struct actor *actor, const char *id, struct device *ret, char *token)
{
    struct refusal refusal = {.fields = 0};
    const struct device given = {.external_id = bytes_str(id),
                                 .active = true,
                                 .latitude = (double)NAN,
                                 .longitude = (double)NAN,
                                 .altitude = (double)NAN};
    return device_service_create(&w.devices, actor, &given, &w.arena, ret, token, &refusal);
}

static enum err find(const struct actor *actor, const char *id, struct device *ret)
{
    return device_service_find(&w.devices, actor->org, bytes_str(id), &w.arena, ret);
}

static enum err ask(const char *token, struct principal *ret)
{
    const struct auth_credentials given = {.x_api_key = bytes_str(token)};
    return auth_service_authenticate(w.auth, &given, ret);
}

/* --- devices ---------------------------------------------------------------------------------- */

static void a_device_is_found_by_both_names_and_by_its_own_organization_only(void **state)
{
    (void)state;
    struct device d, same;
    char token[TOKENS_DEVICE_TEXT + 1], uuid[UUID_TEXT + 1];
    assert_int_equal(create(&ada, "pump-1", &d, token), ERR_OK);
    uuid_format(&d.uuid, uuid);
    assert_true(bytes_is(d.name, "pump-1"));
    assert_int_equal(find(&ada, "pump-1", &same), ERR_OK);
    assert_int_equal(same.id, d.id);
    assert_int_equal(find(&ada, uuid, &same), ERR_OK);
    assert_int_equal(same.id, d.id);
    assert_int_equal(find(&ada, "PUMP-1", &same), ERR_NOTFOUND); /* byte-exact */
    assert_int_equal(find(&ada, "", &same), ERR_NOTFOUND);
    assert_int_equal(find(&bob, "pump-1", &same), ERR_NOTFOUND);
    assert_int_equal(find(&bob, uuid, &same), ERR_NOTFOUND);
    assert_int_equal(create(&ada, "pump-1", &same, token), ERR_EXISTS);
    assert_int_equal(create(&bob, "pump-1", &same, token), ERR_OK); /* another organisation's own */
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DEVICE_CREATED), 1);
}

static void another_organization_changes_nothing(void **state)
{
    (void)state;
    struct device d, out;
    char token[TOKENS_DEVICE_TEXT + 1], other[TOKENS_DEVICE_TEXT + 1];
    struct refusal refusal = {.fields = 0};
    struct principal p;
    const struct bytes id = BYTES("pump-1");
    const struct device_change change = {.name = {true, BYTES("stolen")}};
    assert_int_equal(create(&ada, "pump-1", &d, token), ERR_OK);
    assert_int_equal(device_service_update(&w.devices, &bob, id, &change, &w.arena, &out, &refusal),
                     ERR_NOTFOUND);
    assert_int_equal(device_service_delete(&w.devices, &bob, id, &w.arena), ERR_NOTFOUND);
    assert_int_equal(device_tokens_generate(&w.devices, &bob, id, &w.arena, &out, other),
                     ERR_NOTFOUND);
    assert_int_equal(device_tokens_revoke(&w.devices, &bob, id, &w.arena, &out), ERR_NOTFOUND);
    assert_int_equal(find(&ada, "pump-1", &out), ERR_OK);
    assert_true(bytes_is(out.name, "pump-1"));
    assert_int_equal(ask(token, &p), ERR_OK);
    assert_int_equal(service_world_events(&w, bob.org, EVENT_DEVICE_UPDATED), 0);
}

static void a_deleted_device_is_gone_at_once_and_its_name_is_free(void **state)
{
    (void)state;
    struct device d, again, out;
    char token[TOKENS_DEVICE_TEXT + 1], fresh[TOKENS_DEVICE_TEXT + 1], uuid[UUID_TEXT + 1];
    struct principal p;
    assert_int_equal(create(&ada, "pump-1", &d, token), ERR_OK);
    uuid_format(&d.uuid, uuid);
    assert_int_equal(ask(token, &p), ERR_OK);
    assert_int_equal(device_service_delete(&w.devices, &ada, BYTES("pump-1"), &w.arena), ERR_OK);
    assert_false(auth_service_still_valid(w.auth, &p));
    assert_int_equal(ask(token, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(find(&ada, "pump-1", &out), ERR_NOTFOUND);
    assert_int_equal(find(&ada, uuid, &out), ERR_NOTFOUND);
    assert_int_equal(device_service_delete(&w.devices, &ada, BYTES("pump-1"), &w.arena),
                     ERR_NOTFOUND);
    assert_int_equal(create(&ada, "pump-1", &again, fresh), ERR_OK);
    assert_false(uuid_equal(&again.uuid, &d.uuid));
    service_world_reopen(&w, NULL);
    assert_int_equal(ask(token, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(ask(fresh, &p), ERR_OK);
    assert_int_equal(p.device->id, again.id);
}

static void an_update_changes_what_is_set_and_null_clears(void **state)
{
    (void)state;
    struct device d, out;
    char token[TOKENS_DEVICE_TEXT + 1];
    struct refusal refusal = {.fields = 0};
    struct principal p;
    const struct bytes id = BYTES("pump-1");
    struct device_change change = {.location = {true, BYTES("hall 3")},
                                   .latitude = {true, 48.5},
                                   .active_set = true,
                                   .active = false};
    assert_int_equal(create(&ada, "pump-1", &d, token), ERR_OK);
    assert_int_equal(device_service_update(&w.devices, &ada, id, &change, &w.arena, &out, &refusal),
                     ERR_OK);
    assert_true(bytes_is(out.location, "hall 3") && bytes_is(out.name, "pump-1"));
    assert_int_equal(ask(token, &p), ERR_UNAUTHENTICATED); /* switched off */
    change = (struct device_change){.location = {true, {NULL, 0}},
                                    .name = {true, {NULL, 0}},
                                    .active_set = true,
                                    .active = true};
    assert_int_equal(device_service_update(&w.devices, &ada, id, &change, &w.arena, &out, &refusal),
                     ERR_OK);
    assert_int_equal(find(&ada, "pump-1", &out), ERR_OK);
    assert_null(out.location.p);
    assert_true(bytes_is(out.name, "pump-1"));
    assert_true(out.latitude == 48.5);
    assert_int_equal(ask(token, &p), ERR_OK);
    change = (struct device_change){.latitude = {true, 91}, .longitude = {true, -181}};
    assert_int_equal(device_service_update(&w.devices, &ada, id, &change, &w.arena, &out, &refusal),
                     ERR_INVALID);
    assert_int_equal(refusal.fields, 2);
}

static void the_limit_of_devices_names_itself(void **state)
{
    (void)state;
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1];
    struct refusal refusal = {.fields = 0};
    const struct device given = {.external_id = BYTES("three"), .active = true};
    w.pilot.max[LIMIT_DEVICES] = 2;
    assert_int_equal(create(&ada, "one", &d, token), ERR_OK);
    assert_int_equal(create(&ada, "two", &d, token), ERR_OK);
    assert_int_equal(device_service_create(&w.devices, &ada, &given, &w.arena, &d, token, &refusal),
                     ERR_LIMIT);
    assert_string_equal(refusal.limit, "pilot.max-devices-per-org");
    assert_int_equal(refusal.used, 2);
    assert_int_equal(device_service_delete(&w.devices, &ada, BYTES("one"), &w.arena), ERR_OK);
    assert_int_equal(create(&ada, "three", &d, token), ERR_OK);
}

static void bad_ids_are_refused(void **state)
{
    (void)state;
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1], longest[66];
    memset(longest, 'x', 65);
    longest[65] = '\0';
    static const char *const bad[] = {"", " ", " a", "a ", "a\nb", "\xff", "a\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (create(&ada, bad[i], &d, token) != ERR_INVALID) fail_msg("'%s' was taken", bad[i]);
    }
    assert_int_equal(create(&ada, longest, &d, token), ERR_INVALID);
    longest[64] = '\0';
    assert_int_equal(create(&ada, longest, &d, token), ERR_OK);
    assert_int_equal(create(&ada, "\xc3\xbc/\xe6\xb0\xb4 #1", &d, token), ERR_OK);
}

static void a_status_is_a_span_of_last_seen(void **state)
{
    (void)state;
    struct device d, *list = NULL;
    struct catalog_listing listing;
    char token[TOKENS_DEVICE_TEXT + 1];
    int64_t now = clock_wall_ns(&w.clock.clock);
    const struct catalog_page page = {.size = 10};
    assert_int_equal(device_status_at(0, now), DEVICE_UNKNOWN);
    assert_int_equal(device_status_at(now, now), DEVICE_ONLINE);
    assert_int_equal(device_status_at(now - DEVICE_SILENCE_NS + 1, now), DEVICE_ONLINE);
    assert_int_equal(device_status_at(now - DEVICE_SILENCE_NS, now), DEVICE_OFFLINE);
    static const char *const names[] = {"unknown", "online", "offline"};
    const int64_t seen[] = {0, now - DEVICE_SILENCE_NS + 1, now - DEVICE_SILENCE_NS};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(create(&ada, names[i], &d, token), ERR_OK);
        struct reg_device *r = registry_find_key(w.registry, d.org, d.id);
        r->last_seen_ns = seen[i];
        r->seen_dirty = seen[i] != 0;
    }
    for (int i = 0; i < 3; i++) {
        const struct device_query query = {.by_status = true, .status = (enum device_status)i};
        assert_int_equal(device_service_list(&w.devices, ada.org, &query, &page, &w.arena, &list,
                                             &listing, NULL),
                         ERR_OK);
        assert_int_equal(listing.count, 1);
        assert_true(bytes_is(list[0].external_id, names[i]));
    }
    const struct device_query all = {.q = BYTES("LINE")};
    assert_int_equal(
        device_service_list(&w.devices, ada.org, &all, &page, &w.arena, &list, &listing, NULL),
        ERR_OK);
    assert_int_equal(listing.total, 2);
    assert_int_equal(
        device_service_list(&w.devices, bob.org, &all, &page, &w.arena, &list, &listing, NULL),
        ERR_OK);
    assert_int_equal(listing.total, 0);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static void a_new_token_refuses_the_old_one_at_once(void **state)
{
    (void)state;
    struct device d;
    char first[TOKENS_DEVICE_TEXT + 1], second[TOKENS_DEVICE_TEXT + 1];
    struct principal p;
    const struct bytes id = BYTES("pump-1");
    assert_int_equal(create(&ada, "pump-1", &d, first), ERR_OK);
    assert_int_equal(ask(first, &p), ERR_OK);
    assert_int_equal(p.kind, PRINCIPAL_DEVICE);
    assert_int_equal(p.org, ada.org);
    clock_fake_advance(&w.clock, NS_PER_S);
    assert_int_equal(device_tokens_generate(&w.devices, &ada, id, &w.arena, &d, second), ERR_OK);
    assert_int_equal(ask(first, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(registry_save_seen(w.registry), ERR_OK);
    assert_int_equal(find(&ada, "pump-1", &d), ERR_OK);
    assert_int_equal(d.token_used_ns, 0); /* the new one was not used yet */
    assert_int_equal(ask(second, &p), ERR_OK);
    assert_int_equal(find(&ada, "pump-1", &d), ERR_OK);
    assert_int_equal(d.token_used_ns, clock_wall_ns(&w.clock.clock));
    assert_int_equal(registry_save_seen(w.registry), ERR_OK);
    service_world_reopen(&w, NULL);
    assert_int_equal(find(&ada, "pump-1", &d), ERR_OK);
    assert_int_equal(d.token_used_ns, clock_wall_ns(&w.clock.clock));
    assert_int_equal(device_tokens_revoke(&w.devices, &ada, id, &w.arena, &d), ERR_OK);
    assert_false(d.has_token);
    assert_int_equal(ask(second, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DEVICE_TOKEN_CREATED), 1);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DEVICE_TOKEN_REVOKED), 1);
}

static void a_device_token_opens_by_every_header_it_may_come_in(void **state)
{
    (void)state;
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1], header[64], upper[TOKENS_DEVICE_TEXT + 1];
    struct principal p;
    assert_int_equal(create(&ada, "pump-1", &d, token), ERR_OK);
    const char *const schemes[] = {"Bearer", "Token", "token"};
    for (size_t i = 0; i < 3; i++) {
        int n = snprintf(header, sizeof header, "%s %s", schemes[i], token);
        const struct auth_credentials given = {.authorization = bytes_of(header, (size_t)n)};
        assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_OK);
        assert_int_equal(p.device->id, d.id);
    }
    const struct auth_credentials by_header = {.x_device_token = bytes_str(token)};
    assert_int_equal(auth_service_authenticate(w.auth, &by_header, &p), ERR_OK);
    for (int i = 0; i <= TOKENS_DEVICE_TEXT; i++) {
        upper[i] = (char)(token[i] >= 'a' && token[i] <= 'f' ? token[i] - 32 : token[i]);
    }
    upper[0] = 'A';
    assert_int_equal(ask(upper, &p), ERR_UNAUTHENTICATED);
}

/* Basic of line protocol: the token is the password, or the user name. */
static void basic_counts_only_where_it_is_allowed(void **state)
{
    (void)state;
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1], plain[64], header[128];
    struct principal p;
    assert_int_equal(create(&ada, "pump-1", &d, token), ERR_OK);
    const char *const forms[] = {"any:%s", "%s:any", "%s:", ":%s"};
    for (size_t i = 0; i < 4; i++) {
        int half = (int)(strchr(forms[i], '%') - forms[i]);
        int n =
            snprintf(plain, sizeof plain, "%.*s%s%s", half, forms[i], token, forms[i] + half + 2);
        memcpy(header, "Basic ", 6);
        size_t m = base64_encode(bytes_of(plain, (size_t)n), header + 6);
        struct auth_credentials given = {.authorization = bytes_of(header, m + 6)};
        assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_UNAUTHENTICATED);
        given.basic_allowed = true;
        assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_OK);
        assert_int_equal(p.device->id, d.id);
    }
    const char *const bad[] = {"Basic", "Basic !", "Basic YQ==", "Basic YTpi"};
    for (size_t i = 0; i < 4; i++) {
        const struct auth_credentials given = {.authorization = bytes_str(bad[i]),
                                               .basic_allowed = true};
        assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_UNAUTHENTICATED);
    }
}

static void an_administrator_sets_a_token_of_its_own_once(void **state)
{
    (void)state;
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1];
    struct principal p;
    const struct bytes own = BYTES("550e8400-e29b-41d4-a716-446655440000");
    assert_int_equal(create(&ada, "one", &d, token), ERR_OK);
    assert_int_equal(create(&bob, "two", &d, token), ERR_OK);
    assert_int_equal(device_tokens_set(&w.devices, &ada, BYTES("one"), own, &w.arena, &d), ERR_OK);
    assert_true(bytes_is(d.token_display, "550e8400...0000"));
    assert_int_equal(ask("550e8400-e29b-41d4-a716-446655440000", &p), ERR_OK);
    assert_int_equal(p.org, ada.org);
    assert_int_equal(device_tokens_set(&w.devices, &bob, BYTES("two"), own, &w.arena, &d),
                     ERR_EXISTS);
    assert_int_equal(ask(token, &p), ERR_OK); /* two keeps what it had */
    assert_int_equal(
        device_tokens_set(&w.devices, &ada, BYTES("one"), BYTES("secret"), &w.arena, &d),
        ERR_INVALID);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_is_found_by_both_names_and_by_its_own_organization_only),
        TEST(another_organization_changes_nothing),
        TEST(a_deleted_device_is_gone_at_once_and_its_name_is_free),
        TEST(an_update_changes_what_is_set_and_null_clears),
        TEST(the_limit_of_devices_names_itself),
        TEST(bad_ids_are_refused),
        TEST(a_status_is_a_span_of_last_seen),
        TEST(a_new_token_refuses_the_old_one_at_once),
        TEST(a_device_token_opens_by_every_header_it_may_come_in),
        TEST(basic_counts_only_where_it_is_allowed),
        TEST(an_administrator_sets_a_token_of_its_own_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
