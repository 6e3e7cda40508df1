/* The auth and device services when memory is short, and when many threads ask while others
 * change. */
#include "base/mem.h"
#include "service/auth_keys.h"
#include "service/device_tokens.h"
#include "service_world.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct service_world w;
static const struct actor visitor = {.address = {"10.0.0.1", 8}, .request_id = {"r-1", 3}};

#define PASSWORD "correct horse battery"

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

static struct auth_tokens tokens; /* of the last login that worked */

static enum err log_in(void)
{
    struct refusal refusal = {.fields = 0};
    struct auth_tokens t;
    enum err e = auth_service_login(w.auth, BYTES("ada"), BYTES(PASSWORD), false, &visitor,
                                    &w.arena, &t, &refusal);
    if (!e) tokens = t;
    return e;
}

static enum err log_out(void)
{
    struct principal p;
    if (service_world_ask(&w, tokens.access, &p)) return ERR_OK; /* is out already */
    struct actor actor = service_world_actor(&w, &p);
    return auth_service_logout(w.auth, &actor);
}

static enum err renew(void)
{
    struct refusal refusal = {.fields = 0};
    struct auth_tokens t;
    enum err e =
        auth_service_refresh(w.auth, bytes_str(tokens.refresh), &visitor, &w.arena, &t, &refusal);
    if (!e) tokens = t;
    return e;
}

static int round_number;

static enum err make_device(void)
{
    struct principal p;
    struct device d;
    char name[32], token[TOKENS_DEVICE_TEXT + 1];
    struct refusal refusal = {.fields = 0};
    snprintf(name, sizeof name, "device-%d", round_number++);
    const struct device given = {.external_id = bytes_str(name),
                                 .active = true,
                                 .latitude = (double)NAN,
                                 .longitude = (double)NAN,
                                 .altitude = (double)NAN};
    enum err e = service_world_ask(&w, tokens.access, &p);
    if (e) return e;
    struct actor actor = service_world_actor(&w, &p);
    e = device_service_create(&w.devices, &actor, &given, &w.arena, &d, token, &refusal);
    if (e) return e;
    const struct auth_credentials asks = {.x_device_token = bytes_str(token)};
    return auth_service_authenticate(w.auth, &asks, &p);
}

static enum err make_key(void)
{
    struct principal p;
    struct api_key k;
    char key[TOKENS_KEY_TEXT + 1];
    struct refusal refusal = {.fields = 0};
    enum err e = service_world_ask(&w, tokens.access, &p);
    if (e) return e;
    struct actor actor = service_world_actor(&w, &p);
    e = auth_keys_create(w.auth, &actor, BYTES("k"), BYTES(""), 0, &w.arena, &k, key, &refusal);
    if (e) return e;
    const struct auth_credentials asks = {.x_api_key = bytes_str(key)};
    e = auth_service_authenticate(w.auth, &asks, &p);
    if (e) return e;
    return auth_keys_revoke(w.auth, &actor, k.id, &refusal);
}

static enum err keep_house(void)
{
    return auth_service_maintain(w.auth);
}

struct deed {
    const char *name;
    enum err (*run)(void);
};
static const struct deed deeds[] = {
    {"log in", log_in},         {"renew", renew},
    {"make a key", make_key},   {"make a device", make_device},
    {"keep house", keep_house}, {"log out", log_out},
};

/* Keys of rounds in which the revocation failed would add up to the limit. */
static void forget_keys(void)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, sql_exec(tx, "DELETE FROM api_keys", SQL_NO_ARGS, NULL)), ERR_OK);
}

/* The n-th allocation fails until none does: an error that says so, or success; and afterwards
 * everything works as before. Every 17th n; SV_LONG=1 in the environment takes each. */
static void every_failed_allocation_is_a_clean_answer(void **state)
{
    (void)state;
    const int stride = getenv("SV_LONG") ? 1 : 17;
    service_world_register(&w, "ada");
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
        int sites = (int)i % stride;
        for (bool fired = true; fired; sites += stride) {
            arena_reset(&w.arena);
            if (deeds[i].run == make_key) forget_keys();
            if (deeds[i].run != make_device) assert_int_equal(log_in(), ERR_OK);
            mem_fail_at(sites + 1);
            enum err e = deeds[i].run();
            fired = mem_fail_fired();
            mem_fail_at(0);
            if (e && (!fired || e == ERR_EXISTS || e == ERR_INVALID)) {
                fail_msg("%s, allocation %d: %s", deeds[i].name, sites + 1, err_name(e));
            }
            if (sites > 20000) fail_msg("%s does not end", deeds[i].name);
        }
        print_message("%s: to allocation %d\n", deeds[i].name, sites);
        assert_int_equal(log_in(), ERR_OK);
        forget_keys();
    }
}

struct asker {
    char access[JWT_TEXT_MAX], key[TOKENS_KEY_TEXT + 1], token[TOKENS_DEVICE_TEXT + 1];
    _Atomic bool stop;
    _Atomic uint64_t asked;
};
static struct asker asker;

static void *ask_all_day(void *arg)
{
    struct principal p;
    (void)arg;
    while (!asker.stop) {
        if (service_world_ask(&w, asker.access, &p)) return &asker;
        if (!auth_service_still_valid(w.auth, &p)) return &asker;
        const struct auth_credentials by_key = {.x_api_key = bytes_str(asker.key)};
        if (auth_service_authenticate(w.auth, &by_key, &p)) return &asker;
        const struct auth_credentials by_token = {.x_api_key = bytes_str(asker.token)};
        if (auth_service_authenticate(w.auth, &by_token, &p)) return &asker;
        asker.asked++;
    }
    return NULL;
}

/* Other people's comings and goings never refuse a good credential; ThreadSanitizer watches. */
static void who_is_good_stays_good_while_others_come_and_go(void **state)
{
    (void)state;
    struct auth_tokens eve = service_world_register(&w, "eve");
    struct principal p;
    struct api_key k;
    struct device d;
    struct refusal refusal = {.fields = 0};
    pthread_t threads[3];
    service_world_register(&w, "ada");
    assert_int_equal(service_world_ask(&w, eve.access, &p), ERR_OK);
    struct actor actor = service_world_actor(&w, &p);
    const struct device given = {.external_id = BYTES("eve-1"), .active = true};
    memcpy(asker.access, eve.access, sizeof asker.access);
    assert_int_equal(auth_keys_create(w.auth, &actor, BYTES("k"), BYTES(""), 0, &w.arena, &k,
                                      asker.key, &refusal),
                     ERR_OK);
    assert_int_equal(
        device_service_create(&w.devices, &actor, &given, &w.arena, &d, asker.token, &refusal),
        ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all_day, 0), 0);
    for (int i = 0; i < 4; i++) {
        for (size_t deed = 0; deed < sizeof deeds / sizeof *deeds; deed++) {
            assert_int_equal(deeds[deed].run(), ERR_OK);
        }
        const struct actor system = {.name = BYTES("system")};
        struct auth_limits limits = w.limits;
        auth_service_set_limits(w.auth, &limits);
        if (i == 2) {
            assert_int_equal(auth_service_rotate_secret(w.auth, BYTES(""), &system, NULL), ERR_OK);
        }
    }
    asker.stop = true;
    for (int i = 0; i < 3; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    print_message("asked %llu times\n", (unsigned long long)asker.asked);
    assert_true(asker.asked > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_failed_allocation_is_a_clean_answer),
        TEST(who_is_good_stays_good_while_others_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
