/* Signatures of requests we send (see signature.h). */
#include "security/signature.h"

#include "security/tokens.h"

#include <sodium.h>
#include <stdio.h>

void signature_make(struct bytes secret, int64_t unix_s, struct bytes body,
                    char ret[SIGNATURE_HEX + 1])
{
    crypto_auth_hmacsha256_state h;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char time[24];
    snprintf(time, sizeof time, "%lld.", (long long)unix_s);
    crypto_auth_hmacsha256_init(&h, (const uint8_t *)secret.p, secret.n);
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)time, strlen(time));
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)body.p, body.n);
    crypto_auth_hmacsha256_final(&h, mac);
    sodium_bin2hex(ret, SIGNATURE_HEX + 1, mac, sizeof mac);
    sodium_memzero(&h, sizeof h);
}

void signature_make_secret(struct rnd *rnd, char ret[SIGNATURE_SECRET_TEXT + 1])
{
    memcpy(ret, "whsec_", 6);
    tokens_make_random(rnd, ret + 6);
}
