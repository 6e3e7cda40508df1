/* A client of the owner's own server: whoever may open the control socket may import without a
 * password. It gets a key of the organisation's first user who may write, for a day at most, and
 * gives it back when it is done. With "administrator" it is a key of the installation's first
 * administrator: the load test makes organisations. */
#include "app/admin_verbs.h"
#include "codec/json_write.h"
#include "service/auth_accounts.h"
#include "service/auth_keys.h"
#include "store/catalog_organizations.h"

enum { USERS_LOOKED_AT = 100 };

static bool is_wanted(const struct user *u, int64_t org, bool administrator)
{
    struct principal who = {.kind = PRINCIPAL_USER, .org = org, .roles = u->roles};
    if (!u->enabled) return false;
    return administrator ? (u->roles & ROLE_ADMIN) != 0 : principal_may_write(&who);
}

/* Of the alive users by id, the first who may change things. */
static enum err find_user(struct admin *a, int64_t org, bool administrator, struct arena *arena,
                          int64_t *ret, struct why *why)
{
    struct catalog_page page = {.size = USERS_LOOKED_AT};
    struct catalog_listing listing = {.count = 0};
    struct user *users = NULL;
    enum err e = auth_accounts_list(a->opts.auth, org, &page, arena, &users, &listing);
    for (size_t i = 0; !e && i < listing.count; i++) {
        if (!is_wanted(&users[i], org, administrator)) continue;
        *ret = users[i].id;
        return ERR_OK;
    }
    if (e) return why_say(why, e, "the catalog: %s", err_sentence(e));
    return why_say(why, ERR_IMPOSSIBLE, "the organisation has no user who %s",
                   administrator ? "is an administrator" : "may write");
}

static enum err open_client(struct admin *a, const cJSON *request, int64_t org, struct arena *arena,
                            struct buf *answer, struct why *why)
{
    char text[TOKENS_KEY_TEXT + 1];
    struct api_key key;
    struct refusal refusal = {.fields = 0};
    struct actor actor = admin_actor(request, org);
    bool administrator = admin_text(request, "administrator").n > 0;
    enum err e = find_user(a, org, administrator, arena, &actor.user, why);
    if (e) return e;
    e = auth_keys_create(a->opts.auth, &actor, BYTES("command line"),
                         BYTES("given back at its end"), clock_wall_ns(a->opts.clock) + NS_PER_DAY,
                         arena, &key, text, &refusal);
    if (e) return admin_refuse(e, &refusal, why);
    lock_take(&a->lock);
    json_write_member_text(answer, "url", a->url);
    lock_release(&a->lock);
    json_write_member_text(answer, "key", text);
    json_write_member_i64(answer, "keyId", key.id);
    json_write_member_i64(answer, "userId", actor.user);
    json_write_member_i64(answer, "organizationId", org);
    return ERR_OK;
}

static enum err find_first_org(struct admin *a, int64_t *ret, struct why *why)
{
    struct sql_tx *tx = NULL;
    enum err e = sql_begin(a->opts.db, SQL_READ, &tx);
    if (!e) e = catalog_organizations_first(tx, ret);
    sql_rollback(tx);
    return e ? why_say(why, e, "the catalog: %s", err_sentence(e)) : ERR_OK;
}

enum err admin_client_url(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    (void)request;
    (void)why;
    struct admin *a = ctx;
    lock_take(&a->lock);
    json_write_member_text(answer, "url", a->url);
    lock_release(&a->lock);
    return ERR_OK;
}

enum err admin_client_open(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    struct admin *a = ctx;
    if (!a->opts.serving)
        return why_say(
            why, ERR_CLOSED,
            "no server runs on this data directory: start one, or name one with --url and "
            "--token");
    struct arena arena;
    int64_t org = 0;
    enum err e = admin_text(request, "administrator").n ? find_first_org(a, &org, why)
                                                        : admin_find_org(a, request, &org, why);
    if (e) return e;
    arena_init(&arena, ADMIN_ARENA_MAX);
    e = open_client(a, request, org, &arena, answer, why);
    arena_done(&arena);
    return e;
}

static int64_t number_of(const cJSON *request, const char *name)
{
    int64_t n = 0;
    return bytes_to_i64(admin_text(request, name), &n) ? n : 0;
}

enum err admin_client_close(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    (void)answer;
    struct admin *a = ctx;
    struct refusal refusal = {.fields = 0};
    struct actor actor = admin_actor(request, number_of(request, "organizationId"));
    actor.user = number_of(request, "userId");
    enum err e = auth_keys_revoke(a->opts.auth, &actor, number_of(request, "keyId"), &refusal);
    return e ? admin_refuse(e, &refusal, why) : ERR_OK;
}
