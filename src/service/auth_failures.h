#pragma once
/* service/auth_failures.h -- failed logins on their way into the audit trail. They are written
 * later, by auth_service_maintain(): a commit on the request's own time would take longer for
 * accounts that exist than for those that do not, and so tell them apart.
 * Bounded: 256 accounts at once, one entry each with its count; what does not fit is only counted.
 * Threads: any.   Memory: 64 KiB, fixed. */
#include "model/actor.h"
#include "model/user.h"
#include "store/sql.h"

struct auth_failures;
enum err auth_failures_new(struct auth_failures **ret) MUST_CHECK;
void auth_failures_free(struct auth_failures *f);
/* u == NULL: an account that does not exist; costs the same and is not written. */
void auth_failures_note(struct auth_failures *f, const struct user *u, const struct actor *actor,
                        int64_t now_ns);
uint64_t auth_failures_dropped(struct auth_failures *f);
/* Writes and forgets what is there; on failure it stays for the next call. */
enum err auth_failures_write(struct auth_failures *f, struct sql_db *db) MUST_CHECK;
/* All that were noted since the start. */
uint64_t auth_failures_total(void);
