/* Organisations and the people in them (see legacy.h). Ids stay what they were. */
#include "app/legacy.h"
#include "security/bcrypt.h"
#include "security/roles.h"
#include "security/tokens.h"
#include "service/auth_rules.h"
#include "store/catalog_keys.h"
#include "store/catalog_organizations.h"
#include "store/catalog_users.h"

#include <stdio.h>

enum { KEY_DESCRIPTION_MAX = 500 };

/* --- organisations ---------------------------------------------------------------------------- */

static const struct legacy_field org_fields[] = {
    {"id", "id::bigint"},
    {"name", "name::text"},
    {"description", "description::text"},
    {"enabled", "enabled"},
    {"created_at", LEGACY_TIME("created_at")},
    {"updated_at", LEGACY_TIME("updated_at")},
    {"deleted_at", "(deleted_at IS NOT NULL)::int"},
};

static struct bytes lower_of(struct legacy *l, struct bytes text)
{
    struct bytes copy = arena_copy(&l->arena, text);
    for (size_t i = 0; i < copy.n; i++) {
        char *c = (char *)copy.p + i;
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    }
    return copy;
}

/* The name, or one that nobody has. */
static struct bytes free_name(struct legacy *l, struct map *taken, struct bytes name, int64_t id,
                              enum legacy_kind kind, const char *reason, enum err *e)
{
    if (legacy_claim(l, taken, lower_of(l, name), e) || *e) return name;
    char *other = arena_printf(&l->arena, "%.*s-%lld", (int)(name.n < 80 ? name.n : 80), name.p,
                               (long long)id);
    if (!other) *e = ERR_NOMEM;
    if (*e) return name;
    legacy_report_changed(&l->report, kind, reason, name);
    (void)legacy_claim(l, taken, lower_of(l, bytes_str(other)), e);
    return bytes_str(other);
}

static enum err write_org(struct legacy *l, struct organization *o, int64_t id)
{
    if (!l->tx) return ERR_OK;
    enum err e = legacy_next_id(l, "organizations", id);
    return e ? e : catalog_organizations_insert(l->tx, o);
}

static enum err take_org(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    int64_t id = catalog_rows_int(r);
    struct bytes name = bytes_trim(catalog_rows_text(r));
    struct organization o = {.description = catalog_rows_text(r)};
    bool has_flag = r->row->columns[r->at].type != SQL_TYPE_NULL;
    bool enabled = catalog_rows_int(r) != 0 || !has_flag;
    o.created_ns = catalog_rows_int(r);
    o.updated_ns = catalog_rows_int(r);
    bool deleted = catalog_rows_int(r) != 0;
    enum err e = ERR_OK;
    l->report.found[LEGACY_ORGANIZATIONS]++;
    if (deleted) {
        legacy_report_left(&l->report, LEGACY_ORGANIZATIONS, "deleted there", name);
        return ERR_OK;
    }
    if (!name.n) name = BYTES("Organization");
    name = legacy_text(l, name, ORGANIZATION_NAME_MAX, LEGACY_ORGANIZATIONS,
                       "the name was longer than 100 characters");
    o.name = free_name(l, &l->org_names, name, id, LEGACY_ORGANIZATIONS,
                       "another one has that name: its number was added", &e);
    o.description = legacy_text(l, o.description, ORGANIZATION_DESCRIPTION_MAX,
                                LEGACY_ORGANIZATIONS, "the description was shortened");
    struct legacy_org *kept = arena_alloc(&l->arena, sizeof *kept);
    if (!kept || e) return e ? e : ERR_NOMEM;
    *kept = (struct legacy_org){.id = (uint64_t)id, .enabled = enabled};
    if (!enabled)
        legacy_report_changed(&l->report, LEGACY_ORGANIZATIONS,
                              "disabled there: its users and devices are", o.name);
    e = map_put(&l->orgs, map_u64(&kept->id), kept);
    if (!e) e = write_org(l, &o, id);
    l->report.taken[LEGACY_ORGANIZATIONS] += !e;
    return e;
}

/* --- users ------------------------------------------------------------------------------------ */

static const struct legacy_field user_fields[] = {
    {"id", "users.id::bigint"},
    {"organization_id", "organization_id::bigint"},
    {"username", "username::text"},
    {"email", "email::text"},
    {"password_hash", "password_hash::text"},
    {"first_name", "first_name::text"},
    {"last_name", "last_name::text"},
    {"enabled", "enabled"},
    {"theme_preference", "theme_preference::text"},
    {"created_at", LEGACY_TIME("users.created_at")},
    {"updated_at", LEGACY_TIME("users.updated_at")},
    {"deleted_at", "(deleted_at IS NOT NULL)::int"},
    {"", "(SELECT string_agg(r.name, ',') FROM user_roles ur JOIN roles r ON r.id = ur.role_id "
         "WHERE ur.user_id = users.id)::text"},
};

static unsigned roles_of(struct legacy *l, struct bytes names, struct bytes username)
{
    unsigned roles = 0;
    struct bytes name, rest = names;
    while (rest.n) {
        rest = bytes_cut(rest, ',', &name);
        unsigned role = roles_parse(name);
        if (!role)
            legacy_report_changed(&l->report, LEGACY_USERS, "a role that is not known was dropped",
                                  username);
        roles |= role;
    }
    if (roles) return roles;
    legacy_report_changed(&l->report, LEGACY_USERS, "without a role: became ROLE_USER", username);
    return ROLE_USER;
}

/* Spring writes which algorithm it was in front of it. */
static struct bytes password_of(struct legacy *l, struct bytes hash, struct bytes username)
{
    static const struct bytes prefix = {"{bcrypt}", 8};
    if (bytes_starts(hash, prefix)) hash = bytes_of(hash.p + prefix.n, hash.n - prefix.n);
    if (bcrypt_is(hash)) return hash;
    legacy_report_changed(&l->report, LEGACY_USERS,
                          "the password is not kept as bcrypt: it has to be set anew", username);
    return BYTES("");
}

static struct bytes email_of(struct legacy *l, struct bytes email, int64_t id, enum err *e)
{
    const char *reason = "no e-mail address, or none that is: has one at legacy.invalid";
    if (auth_rules_is_email(email)) {
        if (legacy_claim(l, &l->emails, lower_of(l, email), e) || *e) return email;
        reason = "another user has that e-mail address: has one at legacy.invalid";
    }
    legacy_report_changed(&l->report, LEGACY_USERS, reason, email);
    char *other = arena_printf(&l->arena, "user-%lld@legacy.invalid", (long long)id);
    if (!other) *e = ERR_NOMEM;
    return bytes_str(other);
}

static struct bytes username_of(struct legacy *l, struct bytes name, int64_t id, enum err *e)
{
    char *made = NULL;
    name = bytes_trim(name);
    if (!name.n) {
        made = arena_printf(&l->arena, "user-%lld", (long long)id);
        if (!made) *e = ERR_NOMEM;
        legacy_report_changed(&l->report, LEGACY_USERS, "without a name: got one", bytes_str(made));
        name = bytes_str(made);
    }
    name = legacy_text(l, name, USER_NAME_MAX, LEGACY_USERS,
                       "the name was longer than 100 characters");
    return free_name(l, &l->usernames, name, id, LEGACY_USERS,
                     "another user has that name: the number was added", e);
}

static enum err keep_user(struct legacy *l, const struct user *u, int64_t id)
{
    struct legacy_user *kept = arena_alloc(&l->arena, sizeof *kept);
    if (!kept) return ERR_NOMEM;
    *kept = (struct legacy_user){(uint64_t)id, u->org, arena_copy(&l->arena, u->username)};
    return kept->name.p ? map_put(&l->users, map_u64(&kept->id), kept) : ERR_NOMEM;
}

static enum err write_user(struct legacy *l, struct user *u, int64_t id)
{
    if (!l->tx) return ERR_OK;
    enum err e = legacy_next_id(l, "users", id);
    return e ? e : catalog_users_insert(l->tx, u);
}

static enum err take_user(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    int64_t id = catalog_rows_int(r);
    struct user u = {.org = catalog_rows_int(r), .username = catalog_rows_text(r)};
    u.email = bytes_trim(catalog_rows_text(r));
    u.password_hash = catalog_rows_text(r);
    u.first_name = catalog_rows_text(r);
    u.last_name = catalog_rows_text(r);
    u.enabled = catalog_rows_int(r) != 0;
    u.theme_preference = catalog_rows_text(r);
    u.created_ns = catalog_rows_int(r);
    u.updated_ns = catalog_rows_int(r);
    bool deleted = catalog_rows_int(r) != 0;
    struct bytes roles = catalog_rows_text(r);
    struct legacy_org *org = legacy_find_org(l, u.org);
    enum err e = ERR_OK;
    l->report.found[LEGACY_USERS]++;
    if (deleted || !org) {
        legacy_report_left(&l->report, LEGACY_USERS,
                           deleted ? "deleted there" : "of an organisation that was left out",
                           u.username);
        return ERR_OK;
    }
    u.username = username_of(l, u.username, id, &e);
    if (!e) u.email = email_of(l, u.email, id, &e);
    if (e) return e;
    u.password_hash = password_of(l, u.password_hash, u.username);
    u.roles = roles_of(l, roles, u.username);
    u.enabled = u.enabled && org->enabled;
    u.first_name = legacy_text(l, u.first_name, AUTH_PERSON_NAME_MAX, LEGACY_USERS,
                               "a person's name was shortened");
    u.last_name = legacy_text(l, u.last_name, AUTH_PERSON_NAME_MAX, LEGACY_USERS,
                              "a person's name was shortened");
    u.password_changed_ns = 0; /* no token of this program was issued before */
    e = write_user(l, &u, id);
    if (!e) e = keep_user(l, &u, id);
    l->report.taken[LEGACY_USERS] += !e;
    return e;
}

/* --- API keys --------------------------------------------------------------------------------- */

static const struct legacy_field key_fields[] = {
    {"id", "id::bigint"},
    {"user_id", "user_id::bigint"},
    {"key_value", "key_value::text"},
    {"name", "name::text"},
    {"description", "description::text"},
    {"created_at", LEGACY_TIME("created_at")},
    {"last_used_at", LEGACY_TIME("last_used_at")},
    {"scheduled_revocation_at", LEGACY_TIME("scheduled_revocation_at")},
    {"revoked_at", "(revoked_at IS NOT NULL)::int"},
};

static const char *why_no_key(struct legacy *l, const struct legacy_user *user,
                              const struct api_key *k, struct bytes value, bool revoked)
{
    if (revoked || (k->expires_ns && k->expires_ns <= l->now_ns)) return "revoked there";
    if (!user) return "of a user that was left out";
    if (!value.n) return "kept as a hash there: make a new one";
    return tokens_is_device(value) ? NULL : "it is no UUID: make a new one";
}

/* The platform's keys are UUIDs, of which older installations keep the text. */
static enum err take_key(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    int64_t id = catalog_rows_int(r);
    struct api_key k = {.user = catalog_rows_int(r)};
    struct bytes value = bytes_trim(catalog_rows_text(r));
    k.name = bytes_trim(catalog_rows_text(r));
    k.description = catalog_rows_text(r);
    k.created_ns = catalog_rows_int(r);
    k.last_used_ns = catalog_rows_int(r);
    k.expires_ns = catalog_rows_int(r);
    const struct legacy_user *user = legacy_find_user(l, k.user);
    const char *no = why_no_key(l, user, &k, value, catalog_rows_int(r) != 0);
    l->report.found[LEGACY_KEYS]++;
    if (no) {
        legacy_report_left(&l->report, LEGACY_KEYS, no, k.name);
        return ERR_OK;
    }
    if (!k.name.n) k.name = BYTES("Default Token");
    k.name = legacy_text(l, k.name, API_KEY_NAME_MAX, LEGACY_KEYS, "the name was shortened");
    k.description = legacy_text(l, k.description, KEY_DESCRIPTION_MAX, LEGACY_KEYS,
                                "the description was shortened");
    k.org = user->org;
    tokens_hash(value, k.hash);
    k.display_prefix = bytes_of(value.p, 8);
    k.display_suffix = bytes_of(value.p + value.n - 4, 4);
    enum err e = l->tx ? legacy_next_id(l, "api_keys", id) : ERR_OK;
    if (!e && l->tx) e = catalog_keys_insert(l->tx, &k);
    l->report.taken[LEGACY_KEYS] += !e;
    return e;
}

enum err legacy_people_take(struct legacy *l)
{
    struct legacy_source *s = &l->source;
    enum err e =
        legacy_source_each(s, "organizations", org_fields, sizeof org_fields / sizeof *org_fields,
                           "ORDER BY id", take_org, l);
    if (!e)
        e = legacy_source_each(s, "users", user_fields, sizeof user_fields / sizeof *user_fields,
                               "ORDER BY users.id", take_user, l);
    if (!e)
        e = legacy_source_each(s, "user_api_keys", key_fields,
                               sizeof key_fields / sizeof *key_fields, "ORDER BY id", take_key, l);
    return e;
}
