/* API keys of a user (see auth_keys.h). */
#include "service/auth_keys.h"

#include "service/auth_rules.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_keys.h"

#include <stdio.h>

enum { ID_TEXT = 24, DESCRIPTION_MAX = 500 };

static enum err key_event(struct auth_service *s, struct sql_tx *tx, const struct actor *actor,
                          const char *type, const char *title, int64_t key)
{
    char id[ID_TEXT];
    const struct event_note note = {.type = type,
                                    .entity_type = "API_KEY",
                                    .entity_id = auth_state_id(key, id),
                                    .title = title};
    return event_service_append(tx, auth_state_now(s), actor, &note);
}

static enum err check_login(const struct actor *actor, struct refusal *refusal)
{
    if (!actor->by_key) return ERR_OK;
    return why_say(&refusal->why, ERR_FORBIDDEN,
                   "Keys are managed after a login, not with another key");
}

enum err auth_keys_list(struct auth_service *s, const struct actor *actor, struct arena *arena,
                        struct api_key **ret, size_t *ret_n)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_keys_list(tx, actor->org, actor->user, auth_state_now(s), arena, ret, ret_n);
    return sql_end(tx, e);
}

/* Fills hash, ends and times; the text goes to the caller only. */
static enum err key_make(struct auth_service *s, struct api_key *k, struct arena *arena,
                         char ret_key[TOKENS_KEY_TEXT + 1])
{
    tokens_make_key(s->opts.rnd, ret_key);
    tokens_hash(bytes_of(ret_key, TOKENS_KEY_TEXT), k->hash);
    k->display_prefix = arena_copy(arena, bytes_of(ret_key, 8));
    k->display_suffix = arena_copy(arena, bytes_of(ret_key + TOKENS_KEY_TEXT - 4, 4));
    k->created_ns = auth_state_now(s);
    return k->display_prefix.p && k->display_suffix.p ? ERR_OK : ERR_NOMEM;
}

/* Row and memory; the caller takes it out of memory again when the commit fails. */
static enum err key_insert(struct auth_service *s, struct sql_tx *tx, struct api_key *k)
{
    enum err e = catalog_keys_insert(tx, k);
    return e ? e : identity_put_key(s->identity, k);
}

static enum err create_in(struct auth_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct api_key *k, struct refusal *refusal)
{
    int64_t used = 0;
    enum err e = catalog_keys_count(tx, k->org, k->user, &used);
    if (e) return e;
    if (used >= AUTH_KEYS_PER_USER) {
        return refusal_limit(refusal, "api-keys-per-user", AUTH_KEYS_PER_USER, used);
    }
    e = key_insert(s, tx, k);
    return e ? e : key_event(s, tx, actor, EVENT_API_KEY_CREATED, "API key created", k->id);
}

enum err auth_keys_create(struct auth_service *s, const struct actor *actor, struct bytes name,
                          struct bytes description, int64_t expires_ns, struct arena *arena,
                          struct api_key *ret, char ret_key[TOKENS_KEY_TEXT + 1],
                          struct refusal *refusal)
{
    struct sql_tx *tx;
    struct api_key k = {.org = actor->org, .user = actor->user, .expires_ns = expires_ns};
    enum err e = check_login(actor, refusal);
    if (e) return e;
    k.name = bytes_trim(name);
    k.description = description;
    if (!k.name.n || !auth_rules_is_text(k.name, API_KEY_NAME_MAX)) {
        refusal_field(refusal, "name", "must have 1 to 100 printable characters");
    }
    if (description.n && !auth_rules_is_text(description, DESCRIPTION_MAX)) {
        refusal_field(refusal, "description", "may have 500 printable characters at most");
    }
    if (expires_ns && expires_ns <= auth_state_now(s)) {
        refusal_field(refusal, "expiresAt", "must be in the future");
    }
    e = refusal_fields(refusal);
    if (!e) e = key_make(s, &k, arena, ret_key);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, create_in(s, tx, actor, &k, refusal));
    if (e && k.id) identity_remove_key(s->identity, k.id);
    if (!e) *ret = k;
    return e;
}

/* The old key keeps its row and its hash; it only gets an end. */
static enum err rotate_in(struct auth_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct api_key *old, struct api_key *k, int64_t until_ns)
{
    if (!old->expires_ns || old->expires_ns > until_ns) old->expires_ns = until_ns;
    enum err e = catalog_keys_set_expiry(tx, old->org, old->user, old->id, old->expires_ns);
    if (!e) e = key_insert(s, tx, k);
    if (!e) e = key_event(s, tx, actor, EVENT_API_KEY_ROTATED, "API key rotated", old->id);
    if (!e) e = identity_put_key(s->identity, old); /* keeps I1: refused no later than promised */
    return e;
}

static enum err rotate_run(struct auth_service *s, struct sql_tx *tx, const struct actor *actor,
                           int64_t key, int64_t grace_ns, struct arena *arena, struct api_key *k)
{
    struct api_key old;
    int64_t now = auth_state_now(s);
    enum err e = catalog_keys_find(tx, actor->org, actor->user, key, now, arena, &old);
    if (e) return e;
    k->name = old.name;
    k->description = old.description;
    k->expires_ns = old.expires_ns;
    return rotate_in(s, tx, actor, &old, k, now + grace_ns);
}

enum err auth_keys_rotate(struct auth_service *s, const struct actor *actor, int64_t key,
                          int64_t grace_ns, struct arena *arena, struct api_key *ret,
                          char ret_key[TOKENS_KEY_TEXT + 1], struct refusal *refusal)
{
    struct sql_tx *tx;
    struct api_key k = {.org = actor->org, .user = actor->user};
    enum err e = check_login(actor, refusal);
    if (!e) e = key_make(s, &k, arena, ret_key);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, rotate_run(s, tx, actor, key, grace_ns, arena, &k));
    if (e && k.id) identity_remove_key(s->identity, k.id);
    if (!e) *ret = k;
    return e;
}

enum err auth_keys_revoke(struct auth_service *s, const struct actor *actor, int64_t key,
                          struct refusal *refusal)
{
    struct sql_tx *tx;
    struct api_key k;
    struct arena a;
    int64_t now = auth_state_now(s);
    enum err e = check_login(actor, refusal);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&a, AUTH_ARENA_BYTES);
    e = catalog_keys_find(tx, actor->org, actor->user, key, now, &a, &k);
    if (!e) e = catalog_keys_revoke(tx, actor->org, actor->user, key, now);
    if (!e) e = key_event(s, tx, actor, EVENT_API_KEY_REVOKED, "API key revoked", key);
    arena_done(&a);
    e = sql_end(tx, e);
    if (!e) identity_remove_key(s->identity, key);
    return e;
}
