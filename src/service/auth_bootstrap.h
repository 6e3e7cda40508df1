#pragma once
/* service/auth_bootstrap.h -- the first start: an installation without users gets its first
 * organisation and its administrator.   Threads: at start, once.   Memory: values. */
#include "model/user.h"
#include "service/auth_service.h"

#define AUTH_BOOTSTRAP_ORGANIZATION "SensorVision"

enum { AUTH_BOOTSTRAP_PASSWORD = 20 };

struct auth_bootstrap {
    bool created;                               /* false: there are users already */
    char username[USER_NAME_MAX + 1];           /* the local part of the address */
    char password[AUTH_BOOTSTRAP_PASSWORD + 1]; /* a generated one, to be shown once; else "" */
    bool password_is_short;                     /* from the environment: taken, warn loudly */
    int64_t org, user;
};
/* email, password: ADMIN_EMAIL and ADMIN_PASSWORD, may be empty (then admin@localhost, generated).
 */
enum err auth_bootstrap_run(struct auth_service *s, struct bytes email, struct bytes password,
                            struct auth_bootstrap *ret, struct why *why) MUST_CHECK;
