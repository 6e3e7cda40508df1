/* Daily limits of requests (see quota_call.h). */
#include "api/quota_call.h"

#include "api/service_call.h"

#define PILOT "/api/v1/pilot/"

bool quota_call_counts(const struct api_call *c)
{
    switch (c->route->who) {
    case WHO_ANYONE:
    case WHO_LIVE:
    case WHO_SENDER:
    case WHO_SENDER_P:
        return false;
    default:
        return c->who.org != 0;
    }
}

void quota_call_refuse(struct api_call *c, enum err e, enum limit what, int64_t n,
                       const struct quota_state *s)
{
    struct refusal r = {
        .limit = limit_key(what),
        .max = s->max,
        .used = s->max - s->remaining,
        .remaining = s->remaining,
        .retry_ns = s->reset_ns,
    };
    if (e == ERR_TOOLARGE)
        (void)why_say(&r.why, e,
                      "%lld in one request are more than %s allows in a whole day (%lld); send "
                      "them in parts",
                      (long long)n, r.limit, (long long)s->max);
    else
        (void)why_say(&r.why, e,
                      "the limit %s of %lld is used up but for %lld; it begins anew at 00:00 UTC",
                      r.limit, (long long)s->max, (long long)s->remaining);
    service_call_refuse(c, NULL, e, &r, NULL);
}

/* A store that does not answer refuses what has to be written; what is read goes on. */
enum err quota_call_take(struct api_call *c, bool may_block)
{
    struct quota_state s;
    enum err e = quota_take(c->app->quota, c->who.org, LIMIT_API_CALLS, 1, may_block, &s);
    if (e == ERR_RATE && bytes_starts(bytes_str(c->route->path), BYTES(PILOT))) return ERR_OK;
    if (e == ERR_RATE) quota_call_refuse(c, e, LIMIT_API_CALLS, 1, &s);
    return e == ERR_RATE || e == ERR_MORE ? e : ERR_OK;
}
