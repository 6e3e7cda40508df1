/* Making, hashing and showing the secrets of programs. */
#include "security/tokens.h"

#include "codec/base64.h"
#include "model/uuid.h"

#include <sodium.h>

#define KEY_PREFIX "svk_"

void tokens_make_device(struct rnd *rnd, char ret[TOKENS_DEVICE_TEXT + 1])
{
    struct uuid u = uuid_random(rnd);
    uuid_format(&u, ret);
}

void tokens_make_random(struct rnd *rnd, char ret[TOKENS_RANDOM_TEXT + 1])
{
    uint8_t noise[32];
    char text[(sizeof noise + 2) / 3 * 4];
    rnd_fill(rnd, noise, sizeof noise);
    size_t n = base64_url_encode(bytes_of(noise, sizeof noise), text);
    bug_if(n != TOKENS_RANDOM_TEXT);
    memcpy(ret, text, n);
    ret[n] = '\0';
    sodium_memzero(noise, sizeof noise);
}

void tokens_make_key(struct rnd *rnd, char ret[TOKENS_KEY_TEXT + 1])
{
    memcpy(ret, KEY_PREFIX, sizeof KEY_PREFIX - 1);
    tokens_make_random(rnd, ret + sizeof KEY_PREFIX - 1);
}

void tokens_hash(struct bytes token, uint8_t ret[TOKENS_HASH])
{
    crypto_generichash(ret, TOKENS_HASH, (const uint8_t *)token.p, token.n, NULL, 0);
}

void tokens_display(struct bytes token, char ret[TOKENS_DISPLAY_TEXT + 1])
{
    bug_if(token.n < 12);
    memcpy(ret, token.p, 8);
    memcpy(ret + 8, "...", 3);
    memcpy(ret + 11, token.p + token.n - 4, 4);
    ret[TOKENS_DISPLAY_TEXT] = '\0';
}

/* As uuid_format() writes it, lower case only: one token, one hash. Asked for with each reading. */
bool tokens_is_device(struct bytes token)
{
    if (token.n != UUID_TEXT) return false;
    for (size_t i = 0; i < UUID_TEXT; i++) {
        char c = token.p[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !digit) return false;
    }
    return true;
}

bool tokens_is_key(struct bytes token)
{
    uint8_t noise[32];
    size_t n = 0;
    if (token.n != TOKENS_KEY_TEXT || !bytes_starts(token, BYTES(KEY_PREFIX))) return false;
    struct bytes rest = bytes_of(token.p + 4, token.n - 4);
    return base64_url_decode(rest, noise, sizeof noise, &n) == ERR_OK && n == sizeof noise;
}

bool tokens_hash_equal(const uint8_t a[TOKENS_HASH], const uint8_t b[TOKENS_HASH])
{
    return sodium_memcmp(a, b, TOKENS_HASH) == 0;
}
