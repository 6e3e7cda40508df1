#pragma once
/* security/tokens.h -- secrets that programs carry: device tokens (lower-case version 4 UUIDs) and
 * users' API keys ("svk_" and 43 letters of base64url). Both hold more than 120 random bits, so a
 * plain BLAKE2b-256 is enough to keep and to look them up by; the text itself is shown once and
 * forgotten. Threads: any.   Memory: the caller's. */
#include "base/bytes.h"
#include "base/rnd.h"

enum {
    TOKENS_HASH = 32,
    TOKENS_DEVICE_TEXT = 36,
    TOKENS_KEY_TEXT = 47,
    TOKENS_DISPLAY_TEXT = 15,
    TOKENS_RANDOM_TEXT = 43
};

void tokens_make_device(struct rnd *rnd, char ret[TOKENS_DEVICE_TEXT + 1]);
void tokens_make_key(struct rnd *rnd, char ret[TOKENS_KEY_TEXT + 1]);
/* 32 random bytes as base64url: session ids, reset tokens. */
void tokens_make_random(struct rnd *rnd, char ret[TOKENS_RANDOM_TEXT + 1]);
void tokens_hash(struct bytes token, uint8_t ret[TOKENS_HASH]);
/* "550e8400...0000": first 8 and last 4. The token has 12 bytes at least. */
void tokens_display(struct bytes token, char ret[TOKENS_DISPLAY_TEXT + 1]);
/* The shape only; whether it exists is another question. */
bool tokens_is_device(struct bytes token);
bool tokens_is_key(struct bytes token);
/* In constant time. */
bool tokens_hash_equal(const uint8_t a[TOKENS_HASH], const uint8_t b[TOKENS_HASH]);
