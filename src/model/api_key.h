#pragma once
/* model/api_key.h -- a user's key for programs. Only its hash is kept, and enough of its ends to
 * tell one from another.   Threads: a value.   Memory: strings are borrowed from their arena. */
#include "base/bytes.h"

enum { API_KEY_NAME_MAX = 100, API_KEY_HASH = 32 };

struct api_key {
    int64_t id, org, user;
    struct bytes name, description;
    uint8_t hash[API_KEY_HASH];
    struct bytes display_prefix, display_suffix;
    int64_t created_ns;
    int64_t last_used_ns; /* 0 = never */
    int64_t expires_ns;   /* 0 = never; a rotated key gets its end of grace here */
    int64_t revoked_ns;   /* 0 = good */
};
