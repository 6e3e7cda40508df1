/* Claims are a table: name, whether it must be there, and how its value is taken. */
#include "security/jwt_claims.h"

#include "codec/json_text.h"
#include "codec/json_write.h"
#include "security/roles.h"

enum { ARENA_BYTES = 32 * 1024, DEPTH = 4 };

static const char *kind_name(enum jwt_kind kind)
{
    return kind == JWT_REFRESH ? "refresh" : "access";
}

void jwt_claims_write(struct buf *b, const struct jwt_claims *c)
{
    json_write_open(b, '{');
    json_write_member_text(b, "sub", c->sub);
    json_write_member_i64(b, "userId", c->user);
    json_write_member_i64(b, "organizationId", c->org);
    json_write_key(b, "roles");
    json_write_open(b, '[');
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if (c->roles & (1u << i)) json_write_string(b, bytes_str(roles_name(1u << i)));
    }
    json_write_close(b, ']');
    json_write_member_text(b, "tokenType", kind_name(c->kind));
    json_write_member_text(b, "iss", JWT_ISSUER);
    json_write_member_i64(b, "iat", c->iat_s);
    json_write_member_i64(b, "exp", c->exp_s);
    if (c->nbf_s) json_write_member_i64(b, "nbf", c->nbf_s);
    json_write_member_text(b, "sid", c->session);
    if (c->id[0]) json_write_member_text(b, "jti", c->id);
    json_write_close(b, '}');
}

/* Copies into a fixed field; refuses what is empty or does not fit or holds a NUL. */
static bool take_text(const struct json_token *t, char *to, size_t size)
{
    if (t->kind != JSON_STRING || t->text.n == 0 || t->text.n >= size) return false;
    if (memchr(t->text.p, '\0', t->text.n)) return false;
    memcpy(to, t->text.p, t->text.n);
    to[t->text.n] = '\0';
    return true;
}

/* Whole numbers as plain digits; 1e9 and 1.0 are not what we write. */
static bool take_number(const struct json_token *t, int64_t least, int64_t *ret)
{
    int64_t v = 0;
    if (t->kind != JSON_NUMBER || !bytes_to_i64(t->text, &v)) return false;
    if (v < least || v > INT64_C(9007199254740991)) return false;
    *ret = v;
    return true;
}

static bool take_roles(struct json_reader *r, const struct json_token *first, unsigned *ret)
{
    struct json_token t = *first;
    unsigned roles = 0;
    if (t.kind != JSON_ARRAY) return false;
    for (;;) {
        if (json_text_next(r, &t, NULL)) return false;
        if (t.kind == JSON_ARRAY_END) break;
        unsigned role = t.kind == JSON_STRING ? roles_parse(t.text) : 0;
        if (!role || (roles & role)) return false;
        roles |= role;
    }
    *ret = roles;
    return true;
}

static bool take_kind(const struct json_token *t, enum jwt_kind *ret)
{
    if (t->kind != JSON_STRING) return false;
    for (int k = JWT_ACCESS; k <= JWT_REFRESH; k++) {
        if (!bytes_is(t->text, kind_name((enum jwt_kind)k))) continue;
        *ret = (enum jwt_kind)k;
        return true;
    }
    return false;
}

enum claim { SUB, USER, ORG, ROLES, KIND, ISS, IAT, EXP, SID, NBF, JTI, CLAIMS };
enum { REQUIRED = (1 << NBF) - 1 }; /* all before nbf */
static const char *const claim_names[CLAIMS] = {
    "sub", "userId", "organizationId", "roles", "tokenType", "iss", "iat", "exp", "sid",
    "nbf", "jti"};

static int claim_find(struct bytes name)
{
    for (int i = 0; i < CLAIMS; i++) {
        if (bytes_is(name, claim_names[i])) return i;
    }
    return -1;
}

static bool claim_take(struct json_reader *r, int claim, struct jwt_claims *c)
{
    struct json_token t;
    if (json_text_next(r, &t, NULL)) return false;
    switch (claim) {
    case SUB:
        return take_text(&t, c->sub, sizeof c->sub);
    case USER:
        return take_number(&t, 1, &c->user);
    case ORG:
        return take_number(&t, 1, &c->org);
    case ROLES:
        return take_roles(r, &t, &c->roles);
    case KIND:
        return take_kind(&t, &c->kind);
    case ISS:
        return t.kind == JSON_STRING && bytes_is(t.text, JWT_ISSUER);
    case IAT:
        return take_number(&t, 0, &c->iat_s);
    case EXP:
        return take_number(&t, 0, &c->exp_s);
    case SID:
        return take_text(&t, c->session, sizeof c->session);
    case NBF:
        return take_number(&t, 0, &c->nbf_s);
    case JTI:
        return take_text(&t, c->id, sizeof c->id);
    default:
        return json_text_skip(r, &t, NULL) == ERR_OK;
    }
}

/* "" when all is well, else what is wrong. */
static const char *claims_take(struct json_reader *r, struct jwt_claims *c)
{
    struct json_token t;
    unsigned seen = 0;
    if (json_text_next(r, &t, NULL) || t.kind != JSON_OBJECT) return "an object";
    for (;;) {
        if (json_text_next(r, &t, NULL)) return "JSON";
        if (t.kind == JSON_OBJECT_END) break;
        int claim = claim_find(t.text);
        if (claim >= 0 && (seen & (1u << claim))) return claim_names[claim];
        if (claim >= 0) seen |= 1u << claim;
        if (!claim_take(r, claim, c)) return claim < 0 ? "JSON" : claim_names[claim];
    }
    if (json_text_next(r, &t, NULL) || t.kind != JSON_END) return "JSON";
    return (seen & REQUIRED) == REQUIRED ? "" : "complete";
}

enum err jwt_claims_read(struct bytes json, struct jwt_claims *ret, struct why *why)
{
    struct arena arena; /* only a name with escapes takes memory from it */
    struct json_reader r;
    arena_init(&arena, ARENA_BYTES);
    json_text_init(&r, json, &arena, DEPTH);
    const char *wrong = claims_take(&r, ret);
    arena_done(&arena);
    if (!*wrong) return ERR_OK;
    return why_say(why, ERR_UNAUTHENTICATED, "claims that are not what we write: %s", wrong);
}
