#pragma once
/* model/session.h -- one login: the family of refresh tokens that replace each other. Only hashes
 * of tokens are kept.   Threads: a value.   Memory: none of its own. */
#include <stdbool.h>
#include <stdint.h>

enum { SESSION_ID_MAX = 43, SESSION_HASH = 32 };

struct session {
    char id[SESSION_ID_MAX + 1]; /* random text; principal.session */
    int64_t org, user;
    uint8_t current[SESSION_HASH];  /* of the one refresh token that is good */
    uint8_t previous[SESSION_HASH]; /* of the one it replaced */
    bool has_previous;
    bool remember; /* "remember me" at login */
    int64_t created_ns, rotated_ns, expires_ns;
    int64_t revoked_ns; /* 0 = good */
};
