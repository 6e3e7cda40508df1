/* The first administrator (see auth_bootstrap.h). */
#include "service/auth_bootstrap.h"

#include "service/auth_rules.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_organizations.h"
#include "store/catalog_users.h"

#define DEFAULT_EMAIL "admin@localhost"

/* Letters and digits that cannot be taken for each other: 54 of them, 20 drawn: 115 bits. */
static void password_make(struct rnd *rnd, char ret[AUTH_BOOTSTRAP_PASSWORD + 1])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    for (int i = 0; i < AUTH_BOOTSTRAP_PASSWORD; i++) {
        ret[i] = letters[rnd_below(rnd, sizeof letters - 1)];
    }
    ret[AUTH_BOOTSTRAP_PASSWORD] = '\0';
}

static enum err users_exist(struct auth_service *s, bool *ret)
{
    struct sql_tx *tx;
    int64_t count = 0;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, catalog_users_count_all(tx, &count));
    if (!e) *ret = count > 0;
    return e;
}

static enum err create_in(struct auth_service *s, struct sql_tx *tx, struct user *u)
{
    char id[24];
    const struct actor system = {.name = BYTES("system")};
    struct organization o = {.name = BYTES(AUTH_BOOTSTRAP_ORGANIZATION),
                             .created_ns = u->created_ns};
    enum err e = catalog_organizations_insert(tx, &o);
    if (e) return e;
    u->org = o.id;
    e = catalog_users_insert(tx, u);
    if (e) return e;
    const struct event_note note = {.type = EVENT_USER_REGISTERED,
                                    .entity_type = "USER",
                                    .entity_id = auth_state_id(u->id, id),
                                    .title = "First administrator created",
                                    .description = u->username,
                                    .org = o.id,
                                    .user = u->id};
    e = event_service_append(tx, u->created_ns, &system, &note);
    return e ? e : identity_put_user(s->identity, u);
}

enum err auth_bootstrap_run(struct auth_service *s, struct bytes email, struct bytes password,
                            struct auth_bootstrap *ret, struct why *why)
{
    struct auth_bootstrap b = {.created = true};
    struct refusal refusal = {.fields = 0};
    char hash[PASSWORD_TEXT_MAX];
    struct sql_tx *tx;
    bool exist = false;
    enum err e = users_exist(s, &exist);
    if (e) return e;
    if (exist) {
        *ret = (struct auth_bootstrap){.created = false};
        return ERR_OK;
    }
    if (!email.n) email = BYTES(DEFAULT_EMAIL);
    if (!auth_rules_is_email(email)) {
        return why_say(why, ERR_INVALID, "ADMIN_EMAIL is not an e-mail address: %.*s", (int)email.n,
                       email.p);
    }
    if (!password.n) {
        password_make(s->opts.rnd, b.password);
        password = bytes_str(b.password);
    }
    auth_rules_password(password, auth_service_limits(s).password_min_chars, "password", &refusal);
    b.password_is_short = refusal.fields > 0;
    e = password_hash(s->gate, password, hash);
    if (e) return why_say(why, e, "ADMIN_PASSWORD cannot be used: %s", err_sentence(e));
    struct bytes username;
    bytes_cut(email, '@', &username);
    memcpy(b.username, username.p, username.n);
    int64_t now = auth_state_now(s);
    struct user u = {.username = username,
                     .email = email,
                     .password_hash = bytes_str(hash),
                     .roles = ROLE_ADMIN | ROLE_ORG_ADMIN,
                     .enabled = true,
                     .password_changed_ns = now,
                     .created_ns = now,
                     .updated_ns = now};
    e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, create_in(s, tx, &u));
    if (e && u.id) identity_remove_user(s->identity, u.id);
    if (e) return e;
    b.org = u.org;
    b.user = u.id;
    *ret = b;
    return ERR_OK;
}
