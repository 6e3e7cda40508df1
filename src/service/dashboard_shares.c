/* Links to dashboards made, revoked, opened, seen (see dashboard_shares.h). */
#include "service/dashboard_shares.h"

#include "service/auth_secrets.h"
#include "service/dashboard_state.h"
#include "service/event_types.h"
#include "store/catalog_dashboards.h"
#include "store/catalog_shares.h"

#define TICKET_LIFE_NS (12 * NS_PER_HOUR)

_Static_assert((int)CATALOG_SHARES_HASH == (int)TOKENS_HASH, "a token's hash is what is stored");

static enum err note(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                     const struct dashboard_share *share, const char *type, const char *title)
{
    char id[24];
    const struct event_note n = {
        .type = type,
        .severity = actor->user ? EVENT_INFO : EVENT_WARNING,
        .entity_type = "DASHBOARD_SHARE",
        .entity_id = dashboard_state_id(share->id, id),
        .title = title,
        .description = share->name,
        .org = share->org,
    };
    return dashboard_state_event(s, tx, actor, &n);
}

/* --- owners ----------------------------------------------------------------------------------- */

static size_t count_chars(struct bytes s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void check(const struct share_request *r, int64_t now_ns, struct refusal *refusal)
{
    dashboard_state_text(r->name, DASHBOARD_NAME_MAX, "name", refusal);
    if (r->expires_ns && r->expires_ns <= now_ns)
        refusal_field(refusal, "expiresAt", "must be in the future");
    if (!r->password.p) return;
    if (count_chars(r->password) < DASHBOARD_SHARES_PASSWORD_MIN ||
        r->password.n > PASSWORD_MAX_BYTES)
        refusal_field(refusal, "password", "must have 8 characters to 1024 bytes");
}

/* Argon2 runs before the transaction, which is held for as short as can be. */
static enum err hash_password(struct dashboard_service *s, struct bytes password,
                              struct arena *arena, struct bytes *ret)
{
    char hash[PASSWORD_TEXT_MAX];
    if (!password.p) return ERR_OK;
    enum err e = auth_secrets_hash(s->auth, password, hash);
    if (!e) *ret = arena_copy(arena, bytes_str(hash));
    return e ? e : ret->p ? ERR_OK : ERR_NOMEM;
}

static enum err insert(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                       struct dashboard_share *share, const uint8_t *hash, struct refusal *refusal)
{
    int64_t used = 0;
    enum err e = catalog_shares_drop_ended(tx, share->org, share->dashboard, share->created_ns);
    if (!e) e = catalog_shares_count(tx, share->org, share->dashboard, &used);
    if (e) return e;
    if (used >= DASHBOARD_SHARES)
        return refusal_limit(refusal, "shares-per-dashboard", DASHBOARD_SHARES, used);
    e = catalog_shares_insert(tx, share, hash);
    return e ? e : note(s, tx, actor, share, EVENT_DASHBOARD_SHARED, "Dashboard shared by link");
}

enum err dashboard_shares_create(struct dashboard_service *s, const struct actor *actor,
                                 int64_t dashboard, const struct share_request *given,
                                 struct arena *arena, struct dashboard_share *ret,
                                 char ret_token[TOKENS_RANDOM_TEXT + 1], struct refusal *refusal)
{
    uint8_t hash[TOKENS_HASH];
    struct sql_tx *tx;
    struct dashboard d;
    struct dashboard_share share = {.org = actor->org,
                                    .dashboard = dashboard,
                                    .name = given->name,
                                    .expires_ns = given->expires_ns,
                                    .created_by = actor->user,
                                    .created_ns = clock_wall_ns(s->clock)};
    check(given, share.created_ns, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = hash_password(s, given->password, arena, &share.password_hash);
    if (e) return e;
    tokens_make_random(s->rnd, ret_token);
    tokens_hash(bytes_str(ret_token), hash);
    e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_dashboards_find(tx, actor->org, dashboard, arena, &d);
    if (!e) e = insert(s, tx, actor, &share, hash, refusal);
    e = sql_end(tx, e);
    if (!e) *ret = share;
    return e;
}

enum err dashboard_shares_list(struct dashboard_service *s, int64_t org, int64_t dashboard,
                               struct arena *arena, struct dashboard_share **ret, size_t *ret_n)
{
    struct sql_tx *tx;
    struct dashboard d;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_dashboards_find(tx, org, dashboard, arena, &d);
    if (!e) e = catalog_shares_list(tx, org, dashboard, arena, ret, ret_n);
    return sql_end(tx, e);
}

static enum err revoke_in(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                          int64_t dashboard, int64_t id, struct arena *arena,
                          struct refusal *refusal)
{
    struct dashboard d;
    struct dashboard_share share;
    enum err e = catalog_dashboards_find(tx, actor->org, dashboard, arena, &d);
    if (e == ERR_NOTFOUND) refusal->missing = "dashboard";
    if (!e) e = catalog_shares_find(tx, actor->org, dashboard, id, arena, &share);
    if (!e) e = catalog_shares_delete(tx, actor->org, dashboard, id);
    return e ? e
             : note(s, tx, actor, &share, EVENT_DASHBOARD_SHARE_REVOKED,
                    "Link to a dashboard revoked");
}

enum err dashboard_shares_revoke(struct dashboard_service *s, const struct actor *actor,
                                 int64_t dashboard, int64_t share, struct arena *arena,
                                 struct refusal *refusal)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, revoke_in(s, tx, actor, dashboard, share, arena, refusal));
}

/* --- visitors --------------------------------------------------------------------------------- */

/* What a ticket's proof hangs on: the link and its password. */
struct seal {
    char bytes[TOKENS_HASH + PASSWORD_TEXT_MAX];
    size_t n;
};

static struct seal seal_of(const struct dashboard_share *share, const uint8_t hash[TOKENS_HASH])
{
    struct seal seal = {.n = TOKENS_HASH};
    size_t n = share->password_hash.n < PASSWORD_TEXT_MAX ? share->password_hash.n
                                                          : (size_t)PASSWORD_TEXT_MAX;
    memcpy(seal.bytes, hash, TOKENS_HASH);
    if (n) memcpy(seal.bytes + TOKENS_HASH, share->password_hash.p, n);
    seal.n += n;
    return seal;
}

static enum err find_token(struct dashboard_service *s, struct sql_tx *tx, struct bytes token,
                           struct arena *arena, uint8_t hash[TOKENS_HASH],
                           struct dashboard_share *ret)
{
    if (token.n != TOKENS_RANDOM_TEXT) return ERR_NOTFOUND;
    tokens_hash(token, hash);
    return catalog_shares_find_token(tx, hash, clock_wall_ns(s->clock), arena, ret);
}

static enum err tell_refused(struct dashboard_service *s, const struct actor *actor,
                             const struct dashboard_share *share)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, note(s, tx, actor, share, EVENT_DASHBOARD_SHARE_REFUSED,
                            "Wrong password for a link to a dashboard"));
}

static void make_ticket(struct dashboard_service *s, const struct dashboard_share *share,
                        const uint8_t hash[TOKENS_HASH], struct share_ticket *ret)
{
    const struct seal seal = seal_of(share, hash);
    int64_t end_ns = clock_add(clock_wall_ns(s->clock), TICKET_LIFE_NS);
    if (share->expires_ns && share->expires_ns < end_ns) end_ns = share->expires_ns;
    ret->expires_ns = end_ns / NS_PER_S * NS_PER_S;
    ticket_make(bytes_of(seal.bytes, seal.n), share->id, end_ns / NS_PER_S, ret->text);
}

enum err dashboard_shares_open(struct dashboard_service *s, struct bytes token,
                               struct bytes password, const struct actor *actor,
                               struct arena *arena, struct share_ticket *ret,
                               struct refusal *refusal)
{
    uint8_t hash[TOKENS_HASH];
    struct sql_tx *tx;
    struct dashboard_share share;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, find_token(s, tx, token, arena, hash, &share));
    *ret = (struct share_ticket){.text = ""};
    if (e || !share.password_hash.n) return e;
    e = auth_secrets_verify(s->auth, token, actor->address, password, share.password_hash, refusal);
    if (!e) make_ticket(s, &share, hash, ret);
    if (e != ERR_UNAUTHENTICATED) return e;
    e = tell_refused(s, actor, &share); /* keeps Y3 */
    return e ? e : why_say(&refusal->why, ERR_UNAUTHENTICATED, "Invalid password");
}

static enum err view_in(struct dashboard_service *s, struct sql_tx *tx, struct bytes token,
                        struct bytes ticket, struct arena *arena, struct dashboard *ret,
                        struct dashboard_share *share)
{
    uint8_t hash[TOKENS_HASH];
    enum err e = find_token(s, tx, token, arena, hash, share);
    if (e) return e;
    if (share->password_hash.n) {
        const struct seal seal = seal_of(share, hash);
        int64_t now_s = clock_wall_ns(s->clock) / NS_PER_S;
        if (!ticket_check(ticket, bytes_of(seal.bytes, seal.n), share->id, now_s))
            return ERR_UNAUTHENTICATED;
    }
    return dashboard_state_find(tx, share->org, share->dashboard, arena, ret);
}

enum err dashboard_shares_view(struct dashboard_service *s, struct bytes token, struct bytes ticket,
                               struct arena *arena, struct dashboard *ret,
                               struct dashboard_share *ret_share, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct dashboard d;
    struct dashboard_share share;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, view_in(s, tx, token, ticket, arena, &d, &share));
    if (e == ERR_UNAUTHENTICATED)
        return why_say(&refusal->why, e,
                       "This dashboard has a password: send it to .../open and the ticket you get "
                       "as X-Share-Ticket");
    if (e) return e;
    *ret = d;
    *ret_share = share;
    return ERR_OK;
}
