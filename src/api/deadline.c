/* Deadlines of queries (see deadline.h). */
#include "api/deadline.h"

#include "api/app.h"

static const char *const keys[] = {
    [DEADLINE_ROWS] = "pilot.device.query-timeout",
    [DEADLINE_AGGREGATES] = "pilot.analytics.aggregation-timeout",
};

static int64_t timeout_of(struct api_call *c, enum deadline_kind kind)
{
    return atomic_load(kind == DEADLINE_ROWS ? &c->app->live.query_timeout_ns
                                             : &c->app->live.aggregation_timeout_ns);
}

static bool is_gone(const void *exchange)
{
    return http_client_is_gone(exchange);
}

const struct query_limit *deadline_of(struct api_call *c, enum deadline_kind kind)
{
    if (!c->exchange) return NULL; /* nobody waits at the other end of a socket */
    c->deadline_kind = (int)kind;
    c->limit = (struct query_limit){
        .clock = c->app->clock,
        .deadline_ns = http_started_ns(c->exchange) + timeout_of(c, kind),
        .is_unwanted = is_gone,
        .ctx = c->exchange,
    };
    return &c->limit;
}

void deadline_fail(struct api_call *c, enum err e, const struct why *why)
{
    if (e != ERR_TIMEOUT || !c->limit.deadline_ns) {
        api_fail(c, e, why);
        return;
    }
    enum deadline_kind kind = (enum deadline_kind)c->deadline_kind;
    api_problem(c, 503,
                "This took longer than the %lld ms that %s allows. Ask for a shorter range, a "
                "larger interval or less at once; or try again when the server is less busy.",
                (long long)(timeout_of(c, kind) / NS_PER_MS), keys[kind]);
}
