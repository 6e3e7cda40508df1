#pragma once
/* model/user.h -- a person who logs in.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "base/bytes.h"
#include "model/principal.h"

enum { USER_NAME_MAX = 100, USER_EMAIL_MAX = 254 };

struct user {
    int64_t id, org;
    struct bytes username; /* unique in the installation, ASCII case ignored */
    struct bytes email;    /* likewise */
    struct bytes first_name, last_name;
    struct bytes password_hash; /* Argon2id text; never leaves the server */
    unsigned roles;             /* bits of enum role */
    bool enabled;
    struct bytes theme_preference;
    int64_t avatar_version;                /* 0 = no picture */
    int64_t failed_logins;                 /* since the last success */
    int64_t last_failed_ns, last_login_ns; /* 0 = never */
    int64_t password_changed_ns;           /* tokens issued before are void */
    int64_t created_ns, updated_ns;
    int64_t deleted_ns; /* 0 = alive */
};
