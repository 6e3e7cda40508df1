/* The four thresholds and their alerts (see thresholds.h). */
#include "pilot/thresholds.h"

#include "model/principal.h"
#include "store/catalog_alerts.h"
#include "store/catalog_users.h"

#include <math.h>
#include <stdio.h>

enum { ARENA_BYTES = 1 << 20, OPEN_MAX = 100, MESSAGE_BYTES = 300 };

const struct threshold_about thresholds_about[THRESHOLD_IDS] = {
    [THRESHOLD_SLOW_QUERY] = {"slowQuery", "Slow query", "ms", "the slowest statement took",
                              "pilot.performance.slow-query-threshold",
                              "pilot.performance.slow-query-hold"},
    [THRESHOLD_CACHE_HITS] = {"cacheHitRatio", "Cache hit ratio", "ratio",
                              "the share of look-ups that found something is",
                              "pilot.performance.cache-hit-ratio-threshold",
                              "pilot.performance.cache-hit-ratio-hold"},
    [THRESHOLD_MEMORY] = {"memoryUsage", "Memory usage", "ratio", "the share of memory in use is",
                          "pilot.performance.memory-usage-threshold",
                          "pilot.performance.memory-usage-hold"},
    [THRESHOLD_RESPONSE] = {"responseTime", "Response time", "ms",
                            "95 of 100 requests were answered within",
                            "pilot.performance.response-time-threshold",
                            "pilot.performance.response-time-hold"},
};

void thresholds_init(struct thresholds *t, struct sql_db *db, struct alerts *alerts,
                     const struct clock *clock, struct rnd *rnd)
{
    *t = (struct thresholds){.db = db, .alerts = alerts, .clock = clock, .rnd = rnd};
    lock_init(&t->lock, LOCK_RANK_TRENDS);
    for (int i = 0; i < THRESHOLD_IDS; i++) t->states[i].value = NAN;
}

void thresholds_done(struct thresholds *t)
{
    lock_done(&t->lock);
}

void thresholds_set_limits(struct thresholds *t, const struct threshold_limits limits[])
{
    lock_take(&t->lock);
    for (int i = 0; i < THRESHOLD_IDS; i++) t->limits[i] = limits[i];
    lock_release(&t->lock);
}

static bool is_told(const struct threshold *t)
{
    return t->phase == THRESHOLD_RAISED || t->phase == THRESHOLD_CLEARING;
}

/* --- at start --------------------------------------------------------------------------------- */

static void take_open(struct thresholds *t, const struct alert *a)
{
    if (a->rule < 1 || a->rule > THRESHOLD_IDS) return;
    int i = (int)a->rule - 1;
    if (!is_told(&t->states[i])) {
        t->states[i] = (struct threshold){
            .phase = THRESHOLD_RAISED, .since_ns = clock_mono_ns(t->clock), .value = NAN};
        t->here[i] = false; /* keeps P3 */
    }
    t->alert[i] = a->uuid;
    t->alert_id[i] = a->id;
    t->alert_org[i] = a->org;
}

enum err thresholds_load(struct thresholds *t)
{
    const struct alert_filter open = {.source = ALERT_OF_THRESHOLD, .open = true, .severity = -1};
    const struct catalog_page page = {.size = OPEN_MAX};
    struct catalog_listing listing = {0};
    struct alert *alerts = NULL;
    struct why why = {""};
    struct sql_tx *tx;
    struct arena a;
    int64_t org;
    enum err e = sql_begin(t->db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&a, ARENA_BYTES);
    e = catalog_users_role_org(tx, ROLE_ADMIN, &org);
    if (!e) e = catalog_alerts_list(tx, org, &open, &page, &a, &alerts, &listing, &why);
    lock_take(&t->lock);
    for (int i = 0; i < THRESHOLD_IDS && !e; i++) t->alert_id[i] = 0;
    for (size_t i = 0; i < listing.count && !e; i++) take_open(t, &alerts[i]);
    lock_release(&t->lock);
    e = sql_end(tx, e == ERR_NOTFOUND ? ERR_OK : e);
    arena_done(&a);
    return e;
}

/* --- raising and resolving -------------------------------------------------------------------- */

static struct bytes message_of(char text[MESSAGE_BYTES], enum threshold_id id, double value,
                               const struct threshold_limits *l)
{
    const struct threshold_about *about = &thresholds_about[id];
    bool ratio = about->unit[0] == 'r';
    int n = snprintf(text, MESSAGE_BYTES, "%s: %s %.4g%s, %s %.4g%s", about->title, about->what,
                     ratio ? value * 100 : value, ratio ? " %" : " ms",
                     l->below ? "less than" : "more than", ratio ? l->limit * 100 : l->limit,
                     ratio ? " %" : " ms");
    return bytes_of(text, n < MESSAGE_BYTES ? (size_t)n : MESSAGE_BYTES - 1);
}

/* The same for ever, so that receivers can tell the four apart. */
static struct uuid rule_uuid_of(enum threshold_id id)
{
    struct uuid u = {{0x73, 0x76, 0x74, 0x68, 0x72, 0x65, 0x48, 0x01, 0x80}};
    u.b[15] = (uint8_t)(id + 1);
    return u;
}

static enum err raise(struct thresholds *t, enum threshold_id id, const struct threshold_limits *l,
                      double value)
{
    char text[MESSAGE_BYTES];
    struct alert alert = {
        .uuid = uuid_random(t->rnd),
        .source = ALERT_OF_THRESHOLD,
        .rule = (int64_t)id + 1,
        .rule_uuid = rule_uuid_of(id),
        .rule_name = bytes_str(thresholds_about[id].title),
        .variable = bytes_str(thresholds_about[id].name),
        .message = message_of(text, id, value, l),
        .severity = l->below ? ALERT_MEDIUM : alerts_severity(value, l->limit),
        .triggered_value = value,
        .raised_ns = clock_wall_ns(t->clock),
    };
    struct sql_tx *tx;
    bool fresh = false;
    enum err e = sql_begin(t->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_users_role_org(tx, ROLE_ADMIN, &alert.org);
    if (!e) e = alerts_raise(t->alerts, tx, &alert, &fresh);
    e = sql_end(tx, e);
    if (e) return e;
    lock_take(&t->lock);
    t->alert[id] = alert.uuid;
    t->alert_id[id] = alert.id;
    t->alert_org[id] = alert.org;
    lock_release(&t->lock);
    if (fresh) alerts_committed(t->alerts, &alert, ALERT_RAISED);
    return ERR_OK;
}

static enum err resolve(struct thresholds *t, enum threshold_id id)
{
    struct alert alert;
    struct sql_tx *tx;
    struct arena a;
    bool changed = false;
    enum err e = sql_begin(t->db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&a, ARENA_BYTES);
    e = catalog_alerts_find(tx, t->alert_org[id], t->alert_id[id], &a, &alert);
    if (!e) e = alerts_resolve(t->alerts, tx, &alert, clock_wall_ns(t->clock), NULL, &changed);
    /* gone with its organisation: then there is nothing left to end */
    e = sql_end(tx, e == ERR_NOTFOUND ? ERR_OK : e);
    if (!e && changed) alerts_committed(t->alerts, &alert, ALERT_RESOLVED);
    lock_take(&t->lock);
    if (!e) t->alert_id[id] = 0;
    lock_release(&t->lock);
    arena_done(&a);
    return e;
}

/* What the state wants and the alert is not yet (keeps P1). */
static enum err follow(struct thresholds *t, enum threshold_id id, const struct threshold *state,
                       const struct threshold_limits *limits)
{
    if (state->phase == THRESHOLD_RAISED && !t->alert_id[id])
        return raise(t, id, limits, state->value);
    return !is_told(state) && t->alert_id[id] ? resolve(t, id) : ERR_OK;
}

/* The catalog is asked without the lock: only one thread judges, readers never wait for it. */
static enum err judge(struct thresholds *t, enum threshold_id id, double value, bool leads)
{
    lock_take(&t->lock);
    const struct threshold_limits limits = t->limits[id];
    struct threshold *s = &t->states[id];
    enum threshold_change change = threshold_judge(s, &limits, value, clock_mono_ns(t->clock));
    if (change == THRESHOLD_BEGINS) t->here[id] = true;
    if (!leads) t->alert_id[id] = 0; /* asked for again by who leads next */
    const struct threshold state = *s;
    lock_release(&t->lock);
    return leads ? follow(t, id, &state, &limits) : ERR_OK;
}

enum err thresholds_judge(struct thresholds *t, const double values[THRESHOLD_IDS], bool leads)
{
    enum err first = ERR_OK;
    for (int i = 0; i < THRESHOLD_IDS; i++) {
        enum err e = judge(t, (enum threshold_id)i, values[i], leads);
        if (e && !first) first = e;
    }
    return first;
}

void thresholds_read(struct thresholds *t, struct threshold_view ret[THRESHOLD_IDS])
{
    lock_take(&t->lock);
    for (int i = 0; i < THRESHOLD_IDS; i++)
        ret[i] = (struct threshold_view){
            .limits = t->limits[i],
            .state = t->states[i],
            .raised = t->alert_id[i] != 0,
            .alert = t->alert[i],
            .beyond = t->here[i] && is_told(&t->states[i]),
        };
    lock_release(&t->lock);
}
