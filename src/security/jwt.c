/* Signing and strict verification. The signature is HMAC-SHA256 (RFC 2104) over the text of header
 * and claims, so the order here is: shape, signature, header, claims, time. */
#include "security/jwt.h"

#include "codec/base64.h"
#include "security/jwt_claims.h"

#include <sodium.h>

enum { MAC = crypto_auth_hmacsha256_BYTES, MAC_TEXT = 43, HEADER_MAX = 128 };

/* {"alg":"HS256","typ":"JWT"} */
static const struct bytes header_text = BYTES("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");

enum err jwt_secret_set(struct jwt_secret *s, struct bytes text)
{
    if (text.n < JWT_SECRET_MIN || text.n > JWT_SECRET_MAX) return ERR_INVALID;
    memcpy(s->bytes, text.p, text.n);
    s->n = text.n;
    return ERR_OK;
}

static void mac_of(const struct jwt_secret *s, struct bytes text, uint8_t ret[MAC])
{
    crypto_auth_hmacsha256_state h;
    crypto_auth_hmacsha256_init(&h, s->bytes, s->n);
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)text.p, text.n);
    crypto_auth_hmacsha256_final(&h, ret);
    sodium_memzero(&h, sizeof h);
}

enum err jwt_sign(const struct jwt_keys *keys, const struct jwt_claims *claims,
                  char ret[JWT_TEXT_MAX], size_t *ret_n)
{
    bug_if(keys->current.n < JWT_SECRET_MIN);
    struct buf json;
    buf_init(&json, JWT_TEXT_MAX / 4 * 3 - 128);
    jwt_claims_write(&json, claims);
    enum err e = json.err;
    if (!e) {
        char *at = ret;
        memcpy(at, header_text.p, header_text.n);
        at += header_text.n;
        *at++ = '.';
        at += base64_url_encode(buf_bytes(&json), at);
        uint8_t mac[MAC];
        mac_of(&keys->current, bytes_of(ret, (size_t)(at - ret)), mac);
        *at++ = '.';
        /* 32 bytes encode to 43 letters; the encoder asks for room of 44 */
        at += base64_url_encode(bytes_of(mac, sizeof mac), at);
        *at = '\0';
        *ret_n = (size_t)(at - ret);
    }
    buf_done(&json);
    return e;
}

struct parts {
    struct bytes header, claims, signature, signed_text;
};

/* Two dots, nothing empty but perhaps the signature, which the MAC's length refuses later. */
static bool split(struct bytes token, struct parts *ret)
{
    struct bytes rest = bytes_cut(token, '.', &ret->header);
    if (!rest.p) return false;
    ret->signature = bytes_cut(rest, '.', &ret->claims);
    if (!ret->signature.p || memchr(ret->signature.p, '.', ret->signature.n)) return false;
    ret->signed_text = bytes_of(token.p, ret->header.n + 1 + ret->claims.n);
    return ret->header.n > 0 && ret->claims.n > 0;
}

bool jwt_is_shape(struct bytes token)
{
    struct parts parts;
    return split(token, &parts);
}

/* Both secrets are always tried, so the time does not tell which one fits. */
static bool signature_is_good(const struct jwt_keys *keys, const struct parts *parts)
{
    uint8_t given[MAC], made[MAC];
    size_t n = 0;
    if (parts->signature.n != MAC_TEXT) return false;
    if (base64_url_decode(parts->signature, given, sizeof given, &n) || n != MAC) return false;
    mac_of(&keys->current, parts->signed_text, made);
    int wrong = crypto_verify_32(given, made);
    if (keys->previous.n) {
        mac_of(&keys->previous, parts->signed_text, made);
        wrong &= crypto_verify_32(given, made);
    }
    return wrong == 0;
}

/* Keeps J2: alg once and exactly HS256, typ at most once and exactly JWT, nothing else. */
static bool header_is_good(struct bytes encoded)
{
    if (bytes_equal(encoded, header_text)) return true;
    char text[HEADER_MAX];
    size_t n = 0;
    if (base64_url_decode(encoded, text, sizeof text, &n)) return false;
    static const struct bytes plain[] = {
        BYTES("{\"alg\":\"HS256\"}"),
        BYTES("{\"typ\":\"JWT\",\"alg\":\"HS256\"}"),
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (bytes_equal(bytes_of(text, n), plain[i])) return true;
    }
    return false;
}

static enum err times_check(const struct jwt_claims *c, int64_t now_s, struct why *why)
{
    const enum err no = ERR_UNAUTHENTICATED;
    if (c->exp_s <= c->iat_s) return why_say(why, no, "the token ends before it begins");
    if (now_s >= c->exp_s) return why_say(why, no, "the token has ended");
    if (now_s < c->iat_s - JWT_IAT_LEEWAY_S) return why_say(why, no, "issued in the future");
    if (c->nbf_s && now_s < c->nbf_s) return why_say(why, no, "the token is not valid yet");
    return ERR_OK;
}

enum err jwt_verify(const struct jwt_keys *keys, struct bytes token, enum jwt_kind kind,
                    int64_t now_s, struct jwt_claims *ret, struct why *why)
{
    const enum err no = ERR_UNAUTHENTICATED;
    struct parts parts;
    if (token.n >= JWT_TEXT_MAX || !split(token, &parts)) return why_say(why, no, "not a token");
    if (!header_is_good(parts.header)) return why_say(why, no, "a header that we never write");
    if (!signature_is_good(keys, &parts)) return why_say(why, no, "a wrong signature"); /* J1 */
    char json[JWT_TEXT_MAX];
    size_t n = 0;
    if (base64_url_decode(parts.claims, json, sizeof json, &n)) {
        return why_say(why, no, "claims that are not base64url");
    }
    struct jwt_claims claims = {.user = 0};
    enum err e = jwt_claims_read(bytes_of(json, n), &claims, why);
    if (e) return e;
    if (claims.kind != kind) return why_say(why, no, "a token of the other kind"); /* J3 */
    e = times_check(&claims, now_s, why);                                          /* J4 */
    if (!e) *ret = claims;
    return e;
}
