/* Daily limits of requests (see quota_call.h). */
#include "api/quota_call.h"

#include "api/service_call.h"
#include "pilot/rates.h"
#include "store/registry.h"

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

static bool is_read(const struct api_call *c)
{
    static const char *const prefixes[] = {"/api/v1/analytics", "/api/v1/data", "/api/v1/devices"};
    struct bytes path = bytes_str(c->route->path);
    if (c->route->method != HTTP1_GET) return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        struct bytes prefix = bytes_str(prefixes[i]);
        if (bytes_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/'))
            return true;
    }
    return false;
}

static void refuse_pace(struct api_call *c, enum rate_kind kind, const struct rate_state *s)
{
    struct refusal r = {
        .limit = rates_key(kind), .max = s->max, .used = s->max, .retry_ns = s->retry_ns};
    enum err e = why_say(&r.why, ERR_RATE,
                         "too many requests within a minute (%s); wait and try "
                         "again",
                         r.limit);
    service_call_refuse(c, NULL, e, &r, NULL);
}

enum err quota_call_pace(struct api_call *c, bool may_block)
{
    struct rate_state s;
    bool device = c->who.kind == PRINCIPAL_DEVICE;
    if (c->route->who == WHO_ANYONE || c->who.kind == PRINCIPAL_NONE) return ERR_OK;
    enum rate_kind kind = device ? RATE_TELEMETRY : is_read(c) ? RATE_READS : RATE_REQUESTS;
    int64_t id = device ? c->who.device->id : c->who.user;
    enum err e = rates_take(c->app->rates, kind, c->who.org, id, may_block, &s);
    if (e == ERR_RATE) refuse_pace(c, kind, &s);
    return e;
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
        .amount = n,
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
