/* Tokens from outside. The first byte picks the road: the whole token as given, or the bytes
 * signed with the true secret as header (1) or as claims (2), so that the parsers behind the
 * signature are reached. Whatever is accepted must keep the promises of jwt.h. */
#include "base/err.h"
#include "codec/base64.h"
#include "security/jwt.h"

#include <sodium.h>

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
static const char claims[] =
    "{\"sub\":\"a\",\"userId\":1,\"organizationId\":1,\"roles\":[],\"tokenType\":\"access\","
    "\"iss\":\"sensorvision\",\"iat\":1,\"exp\":9000000000,\"sid\":\"s\"}";

static struct bytes forge(struct bytes head, struct bytes body, char *to)
{
    size_t n = base64_url_encode(head, to);
    to[n++] = '.';
    n += base64_url_encode(body, to + n);
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256(mac, (const uint8_t *)to, n, (const uint8_t *)secret);
    to[n++] = '.';
    n += base64_url_encode(bytes_of(mac, sizeof mac), to + n);
    return bytes_of(to, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[8192];
    if (size < 1 || size > 2048) return 0;
    struct bytes rest = bytes_of(data + 1, size - 1), token = rest;
    if (data[0] == 1) token = forge(rest, bytes_of(claims, sizeof claims - 1), text);
    if (data[0] == 2) token = forge(bytes_of(header, sizeof header - 1), rest, text);
    struct jwt_keys keys = {.current = {.n = 0}};
    bug_if(jwt_secret_set(&keys.current, bytes_of(secret, sizeof secret - 1)));
    struct jwt_claims c;
    struct why why;
    for (int kind = JWT_ACCESS; kind <= JWT_REFRESH; kind++) {
        if (jwt_verify(&keys, token, (enum jwt_kind)kind, 1800000000, &c, &why)) continue;
        bug_if(c.kind != (enum jwt_kind)kind || c.user < 1 || c.org < 1);
        bug_if(c.exp_s <= 1800000000 || c.iat_s > 1800000060 || c.nbf_s > 1800000000);
        bug_if(!c.sub[0] || !c.session[0] || strlen(c.sub) > JWT_SUBJECT_MAX);
    }
    return 0;
}
