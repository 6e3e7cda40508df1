/* Tokens that must be taken and, mostly, tokens that must not: a table each for headers, claims,
 * signatures and times. Forged tokens are signed with the true secret unless the row says
 * otherwise, so a refusal is never for the wrong reason. */
#include "base/mem.h"
#include "codec/base64.h"
#include "security/jwt.h"
#include "security/roles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <sodium.h>

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const char older[] = "an older secret that signed before, 40 c";
static const char foreign[] = "somebody else's secret of enough length";
enum { NOW = 1800000000 };

static struct jwt_keys keys_make(const char *current, const char *previous)
{
    struct jwt_keys keys = {.current = {.n = 0}};
    assert_int_equal(jwt_secret_set(&keys.current, bytes_str(current)), ERR_OK);
    if (previous) assert_int_equal(jwt_secret_set(&keys.previous, bytes_str(previous)), ERR_OK);
    return keys;
}

static struct jwt_claims claims_make(enum jwt_kind kind)
{
    struct jwt_claims c = {.user = 7, .org = 3, .roles = ROLE_ORG_ADMIN | ROLE_USER, .kind = kind};
    memcpy(c.sub, "ada", 4);
    memcpy(c.session, "family-1", 9);
    memcpy(c.id, "one", 4);
    c.iat_s = NOW - 10;
    c.exp_s = NOW + 100;
    return c;
}

static size_t encode(const char *text, char *to)
{
    size_t n = base64_url_encode(bytes_str(text), to);
    to[n] = '\0';
    return n;
}

/* header.claims.HMAC(key) */
static struct bytes forge(const char *header, const char *claims, const char *key, char *to)
{
    size_t n = encode(header, to);
    to[n++] = '.';
    n += encode(claims, to + n);
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state h;
    crypto_auth_hmacsha256_init(&h, (const uint8_t *)key, strlen(key));
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)to, n);
    crypto_auth_hmacsha256_final(&h, mac);
    to[n++] = '.';
    n += base64_url_encode(bytes_of(mac, sizeof mac), to + n);
    to[n] = '\0';
    return bytes_of(to, n);
}

static bool accepted_by(const struct jwt_keys *keys, struct bytes token, enum jwt_kind kind)
{
    struct jwt_claims c;
    struct why why = {""};
    enum err e = jwt_verify(keys, token, kind, NOW, &c, &why);
    if (e) {
        assert_int_equal(e, ERR_UNAUTHENTICATED);
        assert_true(why.text[0] != '\0');
    }
    return e == ERR_OK;
}

static bool accepted(struct bytes token)
{
    struct jwt_keys keys = keys_make(secret, NULL);
    return accepted_by(&keys, token, JWT_ACCESS);
}

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS                                                                                     \
    "{\"sub\":\"ada\",\"userId\":7,\"organizationId\":3,\"roles\":[\"ROLE_USER\"],"                \
    "\"tokenType\":\"access\",\"iss\":\"sensorvision\",\"iat\":1799999990,\"exp\":1800000100,"     \
    "\"sid\":\"s\"}"

static void what_is_signed_is_read_back(void **state)
{
    (void)state;
    struct jwt_keys keys = keys_make(secret, NULL);
    for (int kind = JWT_ACCESS; kind <= JWT_REFRESH; kind++) {
        struct jwt_claims in = claims_make((enum jwt_kind)kind), out;
        char text[JWT_TEXT_MAX];
        size_t n = 0;
        int64_t blocks = 0;
        assert_int_equal(jwt_sign(&keys, &in, text, &n), ERR_OK);
        assert_int_equal(strlen(text), n);
        assert_true(jwt_is_shape(bytes_str(text)));
        blocks = mem_blocks();
        mem_fail_at(1); /* verification of our own tokens asks for no memory */
        assert_int_equal(jwt_verify(&keys, bytes_str(text), (enum jwt_kind)kind, NOW, &out, NULL),
                         ERR_OK);
        assert_false(mem_fail_fired());
        mem_fail_at(0);
        assert_int_equal(mem_blocks(), blocks);
        assert_string_equal(out.sub, in.sub);
        assert_string_equal(out.session, in.session);
        assert_string_equal(out.id, in.id);
        assert_int_equal(out.user, in.user);
        assert_int_equal(out.org, in.org);
        assert_int_equal(out.roles, in.roles);
        assert_int_equal(out.iat_s, in.iat_s);
        assert_int_equal(out.exp_s, in.exp_s);
    }
}

static void largest_claims_fit_and_longer_ones_are_refused(void **state)
{
    (void)state;
    struct jwt_keys keys = keys_make(secret, NULL);
    struct jwt_claims c = claims_make(JWT_ACCESS), out;
    char text[JWT_TEXT_MAX];
    size_t n = 0;
    memset(c.sub, 'x', JWT_SUBJECT_MAX);
    memset(c.session, 'y', JWT_SESSION_MAX);
    c.roles = (1u << ROLES_COUNT) - 1;
    assert_int_equal(jwt_sign(&keys, &c, text, &n), ERR_OK);
    assert_int_equal(jwt_verify(&keys, bytes_str(text), JWT_ACCESS, NOW, &out, NULL), ERR_OK);
    memset(c.sub, 1, JWT_SUBJECT_MAX); /* six bytes of JSON each */
    assert_int_equal(jwt_sign(&keys, &c, text, &n), ERR_TOOLARGE);
}

static void secrets_have_a_least_and_a_greatest_length(void **state)
{
    (void)state;
    struct jwt_secret s = {.n = 0};
    char text[300];
    memset(text, 'k', sizeof text);
    assert_int_equal(jwt_secret_set(&s, bytes_of(text, 31)), ERR_INVALID);
    assert_int_equal(jwt_secret_set(&s, bytes_of(text, 257)), ERR_INVALID);
    assert_int_equal(s.n, 0);
    assert_int_equal(jwt_secret_set(&s, bytes_of(text, 32)), ERR_OK);
    assert_int_equal(jwt_secret_set(&s, bytes_of(text, 256)), ERR_OK);
}

struct header_row {
    const char *header;
    bool ok;
};
static const struct header_row headers[] = {
    {HEADER, true},
    {"{\"alg\":\"HS256\"}", true},
    {"{\"typ\":\"JWT\",\"alg\":\"HS256\"}", true},
    {"{\"alg\":\"none\"}", false},
    {"{\"alg\":\"None\"}", false},
    {"{\"alg\":\"NONE\"}", false},
    {"{\"alg\":\"nOnE\",\"typ\":\"JWT\"}", false},
    {"{\"alg\":\"\"}", false},
    {"{\"alg\":null}", false},
    {"{\"alg\":true}", false},
    {"{\"alg\":[\"HS256\"]}", false},
    {"{\"alg\":{\"HS256\":1}}", false},
    {"{\"alg\":\"hs256\"}", false},
    {"{\"alg\":\"HS256 \"}", false},
    {"{\"alg\":\"HS384\"}", false},
    {"{\"alg\":\"HS512\"}", false},
    {"{\"alg\":\"RS256\"}", false},
    {"{\"alg\":\"ES256\"}", false},
    {"{\"alg\":\"PS256\"}", false},
    {"{\"alg\":\"EdDSA\"}", false},
    {"{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", false},
    {"{\"typ\":\"JWT\"}", false},
    {"{}", false},
    {"", false},
    {"[]", false},
    {"\"HS256\"", false},
    {"{\"alg\":\"HS256\",\"typ\":\"JWE\"}", false},
    {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", false},
    {"{\"alg\":\"HS256\",\"typ\":null}", false},
    {"{\"alg\":\"HS256\",\"kid\":\"1\"}", false},
    {"{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", false},
    {"{\"alg\":\"HS256\",\"kid\":\"' UNION SELECT 'k\"}", false},
    {"{\"alg\":\"HS256\",\"jku\":\"https://evil.example/keys\"}", false},
    {"{\"alg\":\"HS256\",\"x5u\":\"https://evil.example/cert\"}", false},
    {"{\"alg\":\"HS256\",\"x5c\":[\"MIIB\"]}", false},
    {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", false},
    {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", false},
    {"{\"alg\":\"HS256\",\"zip\":\"DEF\"}", false},
    {"{\"alg\":\"HS256\",\"b64\":false}", false},
    {"{\"alg\":\"HS256\",\"alg\":\"none\"}", false},
    {"{\"alg\":\"none\",\"alg\":\"HS256\"}", false},
    {"{\"ALG\":\"HS256\"}", false},
    {"{\"alg\":\"HS256\"", false},
    {"{\"alg\":\"HS256\"}{}", false},
    {"{\"alg\":\"HS\\u0032\\u00356\"}", false},
};

static void only_our_own_headers_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char text[2048];
        bool taken = accepted(forge(headers[i].header, CLAIMS, secret, text));
        if (taken != headers[i].ok) fail_msg("header %s: taken %d", headers[i].header, taken);
    }
}

struct claim_row {
    const char *name;  /* whose value in CLAIMS is replaced */
    const char *value; /* NULL: the claim is left out; else raw JSON, perhaps with more members */
    bool ok;
};
static const struct claim_row claims[] = {
    {"sub", NULL, false},
    {"sub", "null", false},
    {"sub", "7", false},
    {"sub", "\"\"", false},
    {"sub", "[\"ada\"]", false},
    {"sub", "\"a\\u0000b\"", false},
    {"sub", "\"\\u00fcnal\"", true},
    {"sub", "\"ada\",\"sub\":\"eve\"", false},
    {"userId", NULL, false},
    {"userId", "null", false},
    {"userId", "0", false},
    {"userId", "-7", false},
    {"userId", "\"7\"", false},
    {"userId", "7.0", false},
    {"userId", "7e0", false},
    {"userId", "9007199254740991", true},
    {"userId", "9007199254740992", false},
    {"userId", "18446744073709551623", false},
    {"userId", "7,\"userId\":1", false},
    {"userId", "true", false},
    {"organizationId", NULL, false},
    {"organizationId", "0", false},
    {"organizationId", "\"3\"", false},
    {"organizationId", "3,\"organizationId\":1", false},
    {"organizationId", "{\"id\":3}", false},
    {"roles", NULL, false},
    {"roles", "null", false},
    {"roles", "\"ROLE_USER\"", false},
    {"roles", "[]", true},
    {"roles", "[\"ROLE_ROOT\"]", false},
    {"roles", "[\"role_user\"]", false},
    {"roles", "[\"ROLE_USER\",\"ROLE_USER\"]", false},
    {"roles", "[[\"ROLE_USER\"]]", false},
    {"roles", "[8]", false},
    {"roles", "{\"ROLE_ADMIN\":true}", false},
    {"roles", "[\"ROLE_USER\"],\"roles\":[\"ROLE_ADMIN\"]", false},
    {"tokenType", NULL, false},
    {"tokenType", "\"refresh\"", false},
    {"tokenType", "\"Access\"", false},
    {"tokenType", "\"\"", false},
    {"tokenType", "null", false},
    {"tokenType", "[\"access\",\"refresh\"]", false},
    {"tokenType", "\"access\",\"tokenType\":\"refresh\"", false},
    {"iss", NULL, false},
    {"iss", "\"evil\"", false},
    {"iss", "\"SensorVision\"", false},
    {"iss", "[\"sensorvision\"]", false},
    {"iss", "null", false},
    {"iat", NULL, false},
    {"iat", "null", false},
    {"iat", "\"1799999990\"", false},
    {"iat", "1799999990.5", false},
    {"iat", "-1", false},
    {"iat", "0", true},
    {"exp", NULL, false},
    {"exp", "null", false},
    {"exp", "\"1800000100\"", false},
    {"exp", "1.8e99", false},
    {"exp", "1e400", false},
    {"exp", "-1", false},
    {"exp", "0", false},
    {"exp", "1800000100,\"exp\":9000000000", false},
    {"sid", NULL, false},
    {"sid", "\"\"", false},
    {"sid", "5", false},
    {"sid", "\"0123456789012345678901234567890123456789012\"", true},
    {"sid", "\"01234567890123456789012345678901234567890123\"", false},
    {"sid", "\"s\",\"jti\":\"x\"", true},
    {"sid", "\"s\",\"jti\":5", false},
    {"sid", "\"s\",\"nbf\":1800000000", true},
    {"sid", "\"s\",\"nbf\":1800000001", false},
    {"sid", "\"s\",\"nbf\":\"soon\"", false},
    {"sid", "\"s\",\"aud\":[\"x\",{\"y\":1}]", true},
    {"sid", "\"s\",\"extra\":{\"deep\":{\"er\":{\"still\":{\"more\":1}}}}", false},
};

/* Copies CLAIMS with one value replaced or one member left out. */
static void claims_with(const struct claim_row *row, char *to, size_t size)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\":", row->name);
    const char *from = strstr(CLAIMS, key), *value = from + strlen(key), *end = value;
    for (int depth = 0; depth > 0 || (*end != ',' && *end != '}'); end++) {
        if (*end == '[') depth++;
        if (*end == ']') depth--;
    }
    if (row->value) {
        snprintf(to, size, "%.*s%s%s", (int)(value - CLAIMS), CLAIMS, row->value, end);
    } else if (*end == ',') {
        snprintf(to, size, "%.*s%s", (int)(from - CLAIMS), CLAIMS, end + 1);
    } else {
        snprintf(to, size, "%.*s%s", (int)(from - CLAIMS) - 1, CLAIMS, end);
    }
}

static void each_claim_must_be_there_once_and_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        char json[1024], text[2048];
        claims_with(&claims[i], json, sizeof json);
        bool taken = accepted(forge(HEADER, json, secret, text));
        if (taken != claims[i].ok) fail_msg("claims %s: taken %d", json, taken);
    }
}

static void a_body_that_is_not_one_object_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {"",        "null",        "[]",       "\"x\"",
                                         "{",       "{}",          CLAIMS "x", "7",
                                         "{\"a\"}", CLAIMS CLAIMS, "\xff\xfe"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char text[2048];
        if (accepted(forge(HEADER, bodies[i], secret, text))) fail_msg("body %s", bodies[i]);
    }
}

static void every_change_to_the_signature_is_seen(void **state)
{
    (void)state;
    char good[2048], bad[2048];
    struct bytes token = forge(HEADER, CLAIMS, secret, good);
    assert_true(accepted(token));
    size_t signature = (size_t)(strrchr(good, '.') - good) + 1;
    assert_false(accepted(bytes_of(good, signature)));     /* empty */
    assert_false(accepted(bytes_of(good, signature - 1))); /* and no dot */
    for (size_t n = 0; n < token.n; n++) assert_false(accepted(bytes_of(good, n)));
    for (size_t i = 0; i < token.n; i++) {
        memcpy(bad, good, token.n + 1);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        if (accepted(bytes_of(bad, token.n))) fail_msg("letter %zu changed, still taken", i);
    }
    static const char *const tails[] = {"A", "=", "==", ".", ".x", " ", "\n", "%00"};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        int n = snprintf(bad, sizeof bad, "%s%s", good, tails[i]);
        if (accepted(bytes_of(bad, (size_t)n))) fail_msg("tail '%s' taken", tails[i]);
    }
    memcpy(bad, good, token.n + 1);
    bad[token.n] = '\0';
    assert_false(accepted(bytes_of(bad, token.n + 1))); /* a NUL behind it */
    assert_false(accepted(forge(HEADER, CLAIMS, foreign, bad)));
    assert_false(accepted(forge(HEADER, CLAIMS, "", bad)));
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       ".",       "..",   "...", "a.b",
                                        "a.b.c",  "a..",     "..c",  ".b.", "Bearer a.b.c",
                                        " a.b.c", "a.b.c.d", "null", "{}",  "a\n.b.c"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (accepted(bytes_str(texts[i]))) fail_msg("'%s' taken", texts[i]);
    }
    static char longest[JWT_TEXT_MAX * 2];
    memset(longest, 'a', sizeof longest);
    longest[10] = longest[20] = '.';
    assert_false(accepted(bytes_of(longest, sizeof longest)));
    assert_false(accepted(bytes_of(longest, JWT_TEXT_MAX - 1)));
    assert_true(jwt_is_shape(BYTES("a.b.")));
    assert_false(jwt_is_shape(BYTES("550e8400-e29b-41d4-a716-446655440000")));
}

struct time_row {
    int64_t iat, exp, nbf; /* relative to NOW */
    bool ok;
};
static const struct time_row times[] = {
    {-10, 1, 0, true},      {-10, 0, 0, false},       {-10, -1, 0, false},
    {0, 1, 0, true},        {60, 100, 0, true},       {61, 100, 0, false},
    {-10, 100, -NOW, true}, {-10, 100, -1, true},     {-10, 100, 1, false},
    {5, 5, 0, false},       {6, 5, 0, false},         {-1000000, 1, 0, true},
    {3600, 7200, 0, false}, {-7200, -3600, 0, false}, {-10, 100000000, 0, true},
};

static void time_counts_to_the_second(void **state)
{
    (void)state;
    struct jwt_keys keys = keys_make(secret, NULL);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct jwt_claims c = claims_make(JWT_ACCESS);
        char text[JWT_TEXT_MAX];
        size_t n = 0;
        c.iat_s = NOW + times[i].iat;
        c.exp_s = NOW + times[i].exp;
        c.nbf_s = times[i].nbf ? NOW + times[i].nbf : 0;
        assert_int_equal(jwt_sign(&keys, &c, text, &n), ERR_OK);
        if (accepted(bytes_of(text, n)) != times[i].ok) fail_msg("time row %zu", i);
    }
}

static void a_refresh_token_is_no_access_token_nor_the_other_way_round(void **state)
{
    (void)state;
    struct jwt_keys keys = keys_make(secret, NULL);
    for (int kind = JWT_ACCESS; kind <= JWT_REFRESH; kind++) {
        struct jwt_claims c = claims_make((enum jwt_kind)kind);
        char text[JWT_TEXT_MAX];
        size_t n = 0;
        assert_int_equal(jwt_sign(&keys, &c, text, &n), ERR_OK);
        assert_true(accepted_by(&keys, bytes_of(text, n), (enum jwt_kind)kind));
        assert_false(accepted_by(&keys, bytes_of(text, n), (enum jwt_kind) !kind));
    }
}

static void rotation_keeps_the_previous_secret_and_no_older_one(void **state)
{
    (void)state;
    struct jwt_keys now = keys_make(secret, older), alone = keys_make(secret, NULL);
    char text[2048];
    struct bytes by_older = forge(HEADER, CLAIMS, older, text);
    assert_true(accepted_by(&now, by_older, JWT_ACCESS));
    assert_false(accepted_by(&alone, by_older, JWT_ACCESS));
    assert_true(accepted_by(&now, forge(HEADER, CLAIMS, secret, text), JWT_ACCESS));
    assert_false(accepted_by(&now, forge(HEADER, CLAIMS, foreign, text), JWT_ACCESS));
}

static void there_are_over_a_hundred_rows(void **state)
{
    (void)state;
    size_t rows = sizeof headers / sizeof *headers + sizeof claims / sizeof *claims +
                  sizeof times / sizeof *times;
    assert_true(rows >= 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_is_read_back),
        cmocka_unit_test(largest_claims_fit_and_longer_ones_are_refused),
        cmocka_unit_test(secrets_have_a_least_and_a_greatest_length),
        cmocka_unit_test(only_our_own_headers_are_taken),
        cmocka_unit_test(each_claim_must_be_there_once_and_right),
        cmocka_unit_test(a_body_that_is_not_one_object_is_refused),
        cmocka_unit_test(every_change_to_the_signature_is_seen),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(time_counts_to_the_second),
        cmocka_unit_test(a_refresh_token_is_no_access_token_nor_the_other_way_round),
        cmocka_unit_test(rotation_keeps_the_previous_secret_and_no_older_one),
        cmocka_unit_test(there_are_over_a_hundred_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
