/* The token of a device (see device_tokens.h). */
#include "service/device_tokens.h"

#include "service/device_state.h"
#include "service/event_types.h"

/* token NULL: takes the token away. Catalog with its event first, then the registry. */
static enum err replace_in(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                           struct device *d, const char *token, struct arena *arena)
{
    uint8_t hash[TOKENS_HASH];
    char display[TOKENS_DISPLAY_TEXT + 1] = "";
    int64_t now = clock_wall_ns(s->clock);
    if (token) tokens_hash(bytes_str(token), hash);
    if (token) tokens_display(bytes_str(token), display);
    d->has_token = token != NULL;
    d->token_display = token ? arena_copy(arena, bytes_str(display)) : bytes_of(NULL, 0);
    d->token_created_ns = token ? now : 0;
    d->token_used_ns = 0;
    if (token && !d->token_display.p) return ERR_NOMEM;
    enum err e = catalog_devices_set_token(tx, d->org, d->id, token ? hash : NULL, d->token_display,
                                           d->token_created_ns);
    if (e) return e;
    return device_state_event(s, tx, actor,
                              token ? EVENT_DEVICE_TOKEN_CREATED : EVENT_DEVICE_TOKEN_REVOKED,
                              token ? "Device token created" : "Device token revoked", d);
}

static enum err publish(struct device_service *s, const struct device *d, const char *token)
{
    uint8_t hash[TOKENS_HASH];
    struct reg_device *r = registry_find_key(s->registry, d->org, d->id);
    if (!r) return ERR_NOTFOUND; /* deleted meanwhile */
    if (token) tokens_hash(bytes_str(token), hash);
    atomic_store_explicit(&r->token_used_ns, 0, memory_order_relaxed); /* of the old one */
    return registry_set_token(s->registry, r, token ? hash : NULL);
}

static enum err replace(struct device_service *s, const struct actor *actor, struct bytes id,
                        const char *token, struct arena *arena, struct device *ret)
{
    struct sql_tx *tx;
    struct device d;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = device_state_find(tx, actor->org, id, arena, &d);
    if (!e) e = replace_in(s, tx, actor, &d, token, arena);
    e = sql_end(tx, e);
    if (!e) e = publish(s, &d, token);
    if (e) return e;
    device_state_live(s, &d);
    *ret = d;
    return ERR_OK;
}

enum err device_tokens_generate(struct device_service *s, const struct actor *actor,
                                struct bytes id, struct arena *arena, struct device *ret,
                                char ret_token[TOKENS_DEVICE_TEXT + 1])
{
    tokens_make_device(s->rnd, ret_token);
    return replace(s, actor, id, ret_token, arena, ret);
}

enum err device_tokens_set(struct device_service *s, const struct actor *actor, struct bytes id,
                           struct bytes token, struct arena *arena, struct device *ret)
{
    char text[TOKENS_DEVICE_TEXT + 1];
    if (!tokens_is_device(token)) return ERR_INVALID;
    memcpy(text, token.p, TOKENS_DEVICE_TEXT);
    text[TOKENS_DEVICE_TEXT] = '\0';
    return replace(s, actor, id, text, arena, ret);
}

enum err device_tokens_revoke(struct device_service *s, const struct actor *actor, struct bytes id,
                              struct arena *arena, struct device *ret)
{
    return replace(s, actor, id, NULL, arena, ret);
}
