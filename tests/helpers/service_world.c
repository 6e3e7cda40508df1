/* See service_world.h. */
#include "service_world.h"

#include "service/event_service.h"
#include "store/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { ARENA = 16 << 20 };

/* The token is the last word of its line: behind "token=", or alone. */
static enum err keep_mail(void *ctx, struct sql_tx *tx, int64_t org, const char *kind,
                          struct bytes to, struct bytes subject, struct bytes text)
{
    struct service_world *w = ctx;
    assert_true(tx && org && to.n > 0 && subject.n > 0 && kind);
    const char *at = strstr(text.p, "\n    ");
    assert_non_null(at);
    const char *line = at + 5, *equals = strstr(line, "token=");
    const char *token = equals ? equals + 6 : line;
    size_t n = strcspn(token, "\n");
    assert_true(n < sizeof w->mailed_token);
    memcpy(w->mailed_token, token, n);
    w->mailed_token[n] = '\0';
    w->mails_sent++;
    return ERR_OK;
}

static void open_parts(struct service_world *w, const char *secret)
{
    struct why why = {""};
    assert_int_equal(catalog_open(&w->db, fs_real(), w->dir.path, &w->clock.clock, &why), ERR_OK);
    assert_int_equal(registry_open(&w->registry, w->db, &w->clock.clock, rnd_system(), &why),
                     ERR_OK);
    const struct auth_service_opts opts = {
        .db = w->db,
        .registry = w->registry,
        .clock = &w->clock.clock,
        .rnd = rnd_system(),
        .jwt_secret = bytes_str(secret),
        .limits = w->limits,
        .pilot = &w->pilot,
        .password = {.memory_bytes = 8192, .passes = 1},
        .send_mail = w->no_mail ? NULL : keep_mail,
        .send_mail_ctx = w,
        .public_url = BYTES("https://iot.example.org/"),
    };
    assert_int_equal(auth_service_open(&w->auth, &opts, &why), ERR_OK);
    w->devices = (struct device_service){
        .db = w->db,
        .registry = w->registry,
        .clock = &w->clock.clock,
        .rnd = rnd_system(),
        .limits = &w->pilot,
    };
}

static void close_parts(struct service_world *w)
{
    auth_service_free(w->auth);
    registry_free(w->registry);
    catalog_close(w->db);
}

void service_world_open(struct service_world *w)
{
    memset(w, 0, sizeof *w);
    temp_dir_make(&w->dir);
    clock_fake_init(&w->clock, INT64_C(1800000000) * NS_PER_S);
    arena_init(&w->arena, ARENA);
    w->limits = (struct auth_limits){.registration_enabled = true, .attempts_per_minute = 1000};
    open_parts(w, NULL);
}

void service_world_close(struct service_world *w)
{
    close_parts(w);
    arena_done(&w->arena);
    temp_dir_remove(&w->dir);
}

void service_world_reopen(struct service_world *w, const char *secret)
{
    close_parts(w);
    open_parts(w, secret);
}

struct auth_tokens service_world_register(struct service_world *w, const char *username)
{
    struct refusal refusal = {.fields = 0};
    struct auth_tokens tokens;
    char email[128];
    int n = snprintf(email, sizeof email, "%s@example.com", username);
    const struct auth_registration given = {
        .username = bytes_str(username),
        .email = bytes_of(email, (size_t)n),
        .password = BYTES("correct horse battery"),
        .first_name = BYTES("Ada"),
        .last_name = BYTES("Lovelace"),
    };
    const struct actor nobody = {.address = BYTES("10.0.0.1")};
    enum err e = auth_accounts_register(w->auth, &given, &nobody, &w->arena, &tokens, &refusal);
    if (e) fail_msg("register %s: %s, %s", username, err_name(e), refusal.why.text);
    return tokens;
}

enum err service_world_ask(struct service_world *w, const char *bearer, struct principal *ret)
{
    char header[JWT_TEXT_MAX + 16];
    int n = snprintf(header, sizeof header, "Bearer %s", bearer);
    const struct auth_credentials given = {.authorization = bytes_of(header, (size_t)n)};
    return auth_service_authenticate(w->auth, &given, ret);
}

struct actor service_world_actor(struct service_world *w, const struct principal *p)
{
    char name[JWT_SUBJECT_MAX + 1];
    auth_service_user_name(w->auth, p->user, name);
    return (struct actor){
        .name = bytes_str(arena_printf(&w->arena, "user:%s", name)),
        .org = p->org,
        .user = p->user,
        .session = bytes_str(arena_copy_str(&w->arena, p->session)),
        .by_key = p->by_key,
        .address = BYTES("10.0.0.1"),
        .request_id = BYTES("test-request"),
    };
}

int64_t service_world_events(struct service_world *w, int64_t org, const char *type)
{
    const struct event_filter filter = {.type = bytes_str(type), .severity = -1};
    const struct catalog_page page = {.size = 1};
    struct event *events = NULL;
    struct catalog_listing listing;
    assert_int_equal(
        event_service_list(w->db, org, &filter, &page, &w->arena, &events, &listing, NULL), ERR_OK);
    return listing.total;
}
