/* Organisations, users and tokens as verbs (see admin.h). */
#include "app/admin_verbs.h"
#include "codec/json_write.h"
#include "security/roles.h"
#include "service/auth_accounts.h"
#include "service/device_tokens.h"
#include "store/catalog_organizations.h"

#include <ctype.h>
#include <stdio.h>

enum err admin_find_org(struct admin *a, const cJSON *request, int64_t *ret, struct why *why)
{
    struct bytes name = admin_text(request, "org");
    struct catalog_page page = {.size = 2};
    struct catalog_listing listing = {.count = 0};
    struct organization *orgs = NULL, one;
    struct sql_tx *tx = NULL;
    struct arena arena;
    arena_init(&arena, ADMIN_ARENA_MAX);
    enum err e = sql_begin(a->opts.db, SQL_READ, &tx);
    if (!e && name.n) e = catalog_organizations_find_name(tx, name, &arena, &one);
    if (!e && !name.n) e = catalog_organizations_list(tx, &page, &arena, &orgs, &listing);
    sql_rollback(tx);
    if (!e && !name.n && listing.count != 1)
        e = why_say(why, ERR_INVALID, "there are %s organisations; name one with --org",
                    listing.count ? "several" : "no");
    else if (!e)
        *ret = name.n ? one.id : orgs[0].id;
    else if (e == ERR_NOTFOUND)
        e = why_say(why, e, "there is no organisation '%.100s'; `sensorvision org list` shows them",
                    name.p);
    else
        e = why_say(why, e, "the catalog: %s", err_sentence(e));
    arena_done(&arena);
    return e;
}

enum err admin_people_create_org(void *ctx, const cJSON *request, struct buf *answer,
                                 struct why *why)
{
    struct admin *a = ctx;
    struct actor actor = admin_actor(request, 0);
    struct refusal refusal = {.fields = 0};
    int64_t id = 0;
    struct bytes name = admin_text(request, "name");
    enum err e = auth_accounts_add_organization(a->opts.auth, name, &actor, &id, &refusal);
    if (e) return admin_refuse(e, &refusal, why);
    json_write_member_i64(answer, "id", id);
    json_write_member_str(answer, "name", name);
    return ERR_OK;
}

static void write_orgs(struct buf *answer, const struct organization *orgs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_write_open(answer, '{');
        json_write_member_i64(answer, "id", orgs[i].id);
        json_write_member_str(answer, "name", orgs[i].name);
        json_write_member_time(answer, "createdAt", orgs[i].created_ns);
        json_write_close(answer, '}');
    }
}

enum err admin_people_list_orgs(void *ctx, const cJSON *request, struct buf *answer,
                                struct why *why)
{
    (void)request;
    struct admin *a = ctx;
    struct catalog_page page = {.size = CATALOG_PAGE_MAX, .by_cursor = true, .no_total = true};
    struct catalog_listing listing = {.more = true};
    struct arena arena;
    enum err e = ERR_OK;
    arena_init(&arena, ADMIN_ARENA_MAX);
    json_write_key(answer, "organizations");
    json_write_open(answer, '[');
    while (!e && listing.more) {
        struct organization *orgs = NULL;
        struct sql_tx *tx = NULL;
        arena_reset(&arena);
        e = sql_begin(a->opts.db, SQL_READ, &tx);
        if (!e) e = catalog_organizations_list(tx, &page, &arena, &orgs, &listing);
        sql_rollback(tx);
        if (!e) write_orgs(answer, orgs, listing.count);
        page.after = listing.last;
    }
    json_write_close(answer, ']');
    arena_done(&arena);
    return e ? why_say(why, e, "the catalog: %s", err_sentence(e)) : ERR_OK;
}

/* Collects what is wrong with each field, for one sentence. */
static void note_field(void *ctx, const char *name, const char *text)
{
    struct why *why = ctx;
    size_t n = strlen(why->text);
    snprintf(why->text + n, sizeof why->text - n, "%s%s %s", n ? "; " : "", name, text);
}

static unsigned parse_role(struct bytes name)
{
    char full[40];
    snprintf(full, sizeof full, "ROLE_%.30s", name.n ? name.p : "USER");
    for (char *at = full; *at; at++) *at = (char)toupper((unsigned char)*at);
    unsigned role = roles_parse(bytes_str(full));
    return role ? role : roles_parse(name);
}

enum err admin_people_add_user(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    struct admin *a = ctx;
    struct why fields = {""};
    struct refusal refusal = {.field = note_field, .field_ctx = &fields};
    struct auth_registration given = {.username = admin_text(request, "username"),
                                      .email = admin_text(request, "email"),
                                      .password = admin_text(request, "password")};
    unsigned role = parse_role(admin_text(request, "role"));
    if (!role)
        return why_say(why, ERR_INVALID,
                       "role: one of USER, ORG_ADMIN, VIEWER, DEVELOPER, ADMIN, PILOT_ADMIN");
    int64_t org = 0, id = 0;
    enum err e = admin_find_org(a, request, &org, why);
    if (e) return e;
    struct actor actor = admin_actor(request, org);
    e = auth_accounts_add_user(a->opts.auth, org, &given, role, &actor, &id, &refusal);
    if (e && fields.text[0]) return why_say(why, e, "%s", fields.text);
    if (e) return admin_refuse(e, &refusal, why);
    json_write_member_i64(answer, "id", id);
    json_write_member_str(answer, "username", given.username);
    json_write_member_text(answer, "role", roles_name(role));
    json_write_member_i64(answer, "organizationId", org);
    return ERR_OK;
}

enum err admin_people_set_password(void *ctx, const cJSON *request, struct buf *answer,
                                   struct why *why)
{
    struct admin *a = ctx;
    struct why fields = {""};
    struct refusal refusal = {.field = note_field, .field_ctx = &fields};
    struct actor actor = admin_actor(request, 0);
    struct bytes login = admin_text(request, "username");
    enum err e = auth_accounts_set_password(a->opts.auth, login, admin_text(request, "password"),
                                            &actor, &refusal);
    if (e == ERR_NOTFOUND) return why_say(why, e, "there is no user '%.100s'", login.p);
    if (e && fields.text[0]) return why_say(why, e, "%s", fields.text);
    if (e) return admin_refuse(e, &refusal, why);
    json_write_member_str(answer, "username", login);
    return ERR_OK;
}

/* A device without anything but its name, with its first token. */
static enum err make_device(struct admin *a, const struct actor *actor, struct bytes id,
                            struct arena *arena, struct device *device,
                            char token[TOKENS_DEVICE_TEXT + 1], struct refusal *refusal)
{
    struct device given = {.external_id = id,
                           .active = true,
                           .latitude = __builtin_nan(""),
                           .longitude = __builtin_nan(""),
                           .altitude = __builtin_nan("")};
    return device_service_create(a->opts.devices, actor, &given, arena, device, token, refusal);
}

/* The given value (p == NULL: a random one) as the device's token. */
static enum err set_token(struct admin *a, const struct actor *actor, struct bytes id,
                          struct bytes value, struct arena *arena, struct device *device,
                          char token[TOKENS_DEVICE_TEXT + 1])
{
    if (!value.p) return device_tokens_generate(a->opts.devices, actor, id, arena, device, token);
    enum err e = device_tokens_set(a->opts.devices, actor, id, value, arena, device);
    if (!e) memcpy(token, value.p, TOKENS_DEVICE_TEXT + 1);
    return e;
}

/* Inside one arena; see admin_people_create_token(). */
static enum err create_token(struct admin *a, const cJSON *request, const struct actor *actor,
                             struct arena *arena, struct buf *answer, struct why *why)
{
    struct why fields = {""};
    struct refusal refusal = {.field = note_field, .field_ctx = &fields};
    struct bytes id = admin_text(request, "device"), value = admin_text(request, "value");
    char token[TOKENS_DEVICE_TEXT + 1] = "";
    struct device device;
    bool made = false;
    if (value.p && !tokens_is_device(value))
        return why_say(why, ERR_INVALID, "--value: a token is a lower-case UUID");
    enum err e = set_token(a, actor, id, value, arena, &device, token);
    if (e == ERR_NOTFOUND) {
        made = true;
        e = make_device(a, actor, id, arena, &device, token, &refusal);
        if (!e && value.p) e = set_token(a, actor, id, value, arena, &device, token);
    }
    if (e == ERR_EXISTS && value.p) return why_say(why, e, "another device has that token");
    if (e && fields.text[0]) return why_say(why, e, "%s", fields.text);
    if (e) return admin_refuse(e, &refusal, why);
    json_write_member_str(answer, "deviceId", device.external_id);
    json_write_member_text(answer, "token", token);
    json_write_member_bool(answer, "deviceCreated", made);
    return ERR_OK;
}

enum err admin_people_create_token(void *ctx, const cJSON *request, struct buf *answer,
                                   struct why *why)
{
    struct admin *a = ctx;
    int64_t org = 0;
    enum err e = admin_find_org(a, request, &org, why);
    if (e) return e;
    struct actor actor = admin_actor(request, org);
    struct arena arena;
    arena_init(&arena, ADMIN_ARENA_MAX);
    e = create_token(a, request, &actor, &arena, answer, why);
    arena_done(&arena);
    return e;
}
