#pragma once
/* service/refusal.h -- why a service said no, with everything an answer has to name: the sentence,
 * the fields that are wrong, the limit that was hit, how long to wait. Zero it, hand it in, look
 * only when the call failed.   Threads: a value.   Memory: names are literals. */
#include "base/bytes.h"
#include "base/err.h"
#include "store/limits.h"

struct refusal {
    struct why why;
    const char *limit;   /* ERR_LIMIT, ERR_RATE: its name ("pilot.max-devices-per-org") */
    int64_t max, used;   /* ERR_LIMIT, ERR_RATE */
    int64_t remaining;   /* ERR_RATE: what would still fit */
    int64_t amount;      /* how many were asked for; 0: one */
    int64_t retry_ns;    /* ERR_RATE: wait this long */
    const char *missing; /* ERR_NOTFOUND: what, when it is not what the call was about */
    /* Called for each wrong field before ERR_INVALID is returned; may be NULL. */
    void (*field)(void *ctx, const char *name, const char *why);
    void *field_ctx;
    unsigned fields; /* how many were wrong */
};

/* A field is wrong; all of them are named, not only the first. */
void refusal_field(struct refusal *r, const char *name, const char *why);
/* ERR_INVALID when a field was wrong. */
enum err refusal_fields(const struct refusal *r) MUST_CHECK;
/* Returns ERR_NOTFOUND for something that the request names beside what it asks for. */
enum err refusal_missing(struct refusal *r, const char *what) MUST_CHECK;
/* Returns ERR_LIMIT with all that belongs to it. */
enum err refusal_limit(struct refusal *r, const char *name, int64_t max, int64_t used) MUST_CHECK;
/* ERR_LIMIT, with all that belongs to it, when the organisation has no room for one more. */
enum err refusal_room(struct refusal *r, const struct limits *limits, struct sql_tx *tx,
                      int64_t org, enum limit what) MUST_CHECK;
