/* Rules as followers (see rule_followers.h). */
#include "rules/rule_followers.h"

#include "base/mem.h"
#include "rules/rule_message.h"
#include "rules/rule_state.h"
#include "store/catalog_alerts.h"
#include "store/catalog_rules.h"

enum { STEPS_MAX = 1024, STEPS_ENOUGH = 256, LOAD_AT_ONCE = 500, SAVE_AT_ONCE = 500 };
enum { CACHE_LINE = 64 };
#define SETTLE_NS   (50 * NS_PER_MS)
#define BATCH_BYTES ((size_t)16 << 20)
#define LOAD_BYTES  ((size_t)8 << 20)

struct rule_follower {
    struct follower follower; /* first */
    struct rule_condition condition;
    struct rule_state state;
    uint64_t id; /* key of the map */
    int64_t epoch;
    int64_t alert;           /* newest, committed */
    struct event_time saved; /* what the catalog has */
    struct rule_followers *owner;
    void *block;         /* of memory, in which this one lies at a cache line's beginning */
    bool aside;          /* R2, R3: raises nothing until it is loaded anew */
    uint32_t generation; /* of the load that saw it last */

    /* while a batch is being committed */
    size_t last_step;                 /* the batch's last one of this rule */
    const struct rule_loaded *loaded; /* the arena's; NULL: not looked at yet */
    bool stale;
    int64_t working_alert;
    bool closed; /* working_alert is resolved, though the state says FIRING */
};

struct step {
    struct rule_follower *rule;
    enum rule_step step;
    int64_t ts_ns, at_ns;
    double value;
};

struct done {
    struct alert alert;
    enum alert_change change;
};

struct rule_followers {
    struct rule_followers_opts opts;
    unsigned client;
    struct map rules; /* id -> struct rule_follower */
    uint32_t generation;
    struct step steps[STEPS_MAX];
    size_t step_count;
    int64_t first_step_ns; /* monotonic */
    struct done *done;     /* of the batch being committed, the arena's */
    size_t done_count;
    struct arena arena;
};

/* --- judging ---------------------------------------------------------------------------------- */

/* After every change of the state or the condition. */
static void note_quiet(struct rule_follower *rf)
{
    rule_state_quiet(&rf->state, &rf->condition, &rf->follower.quiet_above,
                     &rf->follower.quiet_below);
}

static void judge(struct follower *f, int64_t ts_ns, int64_t at_ns, double value)
{
    struct rule_follower *rf = (struct rule_follower *)f;
    struct rule_followers *r = rf->owner;
    enum rule_step step = rule_state_step(&rf->state, &rf->condition, at_ns, value);
    note_quiet(rf);
    if (step == RULE_STEP_NONE || rf->aside) return;
    f->share->credit -= FOLLOWER_SHARES_STEP;
    if (!r->step_count) r->first_step_ns = clock_mono_ns(r->opts.clock);
    rf->last_step = r->step_count;
    r->steps[r->step_count++] = (struct step){rf, step, ts_ns, at_ns, value};
    if (r->step_count == STEPS_MAX && !followers_settle(r->opts.followers)) r->step_count = 0;
}

/* --- committing a batch ----------------------------------------------------------------------- */

static void note_done(struct rule_followers *r, const struct alert *alert, enum alert_change change)
{
    r->done[r->done_count++] = (struct done){*alert, change};
}

/* Once for each rule of a batch: is it still what we know? (R2) */
static enum err look_at(struct rule_followers *r, struct sql_tx *tx, struct rule_follower *rf)
{
    struct rule_loaded *l = arena_alloc(&r->arena, sizeof *l);
    if (!l) return ERR_NOMEM;
    enum err e = catalog_rules_load_one(tx, rf->follower.org, (int64_t)rf->id, &r->arena, l);
    if (e && e != ERR_NOTFOUND) return e;
    rf->stale = e || l->progress.epoch != rf->epoch;
    rf->loaded = l;
    rf->working_alert = rf->alert;
    rf->closed = false;
    return ERR_OK;
}

static enum err raise_in(struct rule_followers *r, struct sql_tx *tx, const struct step *s)
{
    struct rule_follower *rf = s->rule;
    const struct rule *rule = &rf->loaded->rule;
    bool is_new;
    struct alert alert = {
        .org = rule->org,
        .uuid = uuid_random(r->opts.rnd),
        .source = ALERT_OF_RULE,
        .rule = rule->id,
        .rule_uuid = rule->uuid,
        .rule_name = rule->name,
        .device = rule->device,
        .device_external_id = rule->device_external_id,
        .device_name = rule->device_name,
        .variable = rule->variable,
        .message = rule_message(&r->arena, rule, s->value),
        .severity = alerts_severity(s->value, rule->threshold),
        .triggered_value = s->value,
        .raised_ns = s->ts_ns,
    };
    if (!alert.message.p) return ERR_NOMEM;
    enum err e = alerts_raise(r->opts.alerts, tx, &alert, &is_new);
    if (e) return e;
    rf->working_alert = alert.id;
    rf->closed = alert.resolved_ns != 0;
    if (is_new) note_done(r, &alert, ALERT_RAISED);
    return ERR_OK;
}

static enum err resolve_in(struct rule_followers *r, struct sql_tx *tx, const struct step *s)
{
    struct alert alert;
    bool changed = false;
    if (!s->rule->working_alert) return ERR_OK;
    enum err e =
        catalog_alerts_find(tx, s->rule->follower.org, s->rule->working_alert, &r->arena, &alert);
    if (e == ERR_NOTFOUND) return ERR_OK; /* pruned meanwhile */
    if (!e) e = alerts_resolve(r->opts.alerts, tx, &alert, s->at_ns, NULL, &changed);
    if (!e && changed) note_done(r, &alert, ALERT_RESOLVED);
    return e;
}

static struct rule_progress progress_of(const struct rule_follower *rf, int64_t alert)
{
    return (struct rule_progress){
        .phase = rf->state.phase,
        .since_ns = rf->state.since_ns,
        .raised_ns = rf->state.raised_ns,
        .position_ns = rf->follower.time.position_ns,
        .ahead_from_ns = rf->follower.time.ahead_from_ns,
        .ahead_to_ns = rf->follower.time.ahead_to_ns,
        .alert = alert,
        .epoch = rf->epoch,
    };
}

static enum err step_in(struct rule_followers *r, struct sql_tx *tx, size_t i)
{
    const struct step *s = &r->steps[i];
    struct rule_follower *rf = s->rule;
    enum err e = rf->loaded ? ERR_OK : look_at(r, tx, rf);
    if (e || rf->stale) return e;
    e = s->step == RULE_STEP_RAISE ? raise_in(r, tx, s) : resolve_in(r, tx, s);
    if (e || i != rf->last_step) return e;
    const struct rule_progress p = progress_of(rf, rf->working_alert);
    return catalog_rules_save_progress(tx, rf->follower.org, (int64_t)rf->id, &p);
}

/* The steps of `only`, or all of them, in one transaction (R1). */
static enum err commit(struct rule_followers *r, const struct rule_follower *only)
{
    struct sql_tx *tx;
    arena_reset(&r->arena);
    r->done_count = 0;
    r->done = arena_array(&r->arena, r->step_count, sizeof *r->done);
    if (!r->done) return ERR_NOMEM;
    for (size_t i = 0; i < r->step_count; i++) r->steps[i].rule->loaded = NULL;
    enum err e = sql_begin(r->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    for (size_t i = 0; i < r->step_count && !e; i++)
        if (!only || r->steps[i].rule == only) e = step_in(r, tx, i);
    return sql_end(tx, e);
}

/* After a commit: memory follows what is durable, and whoever hangs on alerts is told. */
static void conclude(struct rule_followers *r, const struct rule_follower *only)
{
    for (size_t i = 0; i < r->step_count; i++) {
        struct rule_follower *rf = r->steps[i].rule;
        if ((only && rf != only) || i != rf->last_step) continue;
        rf->aside = rf->stale;
        if (rf->stale) continue;
        rf->alert = rf->working_alert;
        rf->saved = rf->follower.time;
        if (rf->closed) rule_state_resolved(&rf->state);
        note_quiet(rf);
    }
    for (size_t i = 0; i < r->done_count; i++)
        alerts_committed(r->opts.alerts, &r->done[i].alert, r->done[i].change);
}

/* Will the same transaction fail again, however often it is tried? */
static bool is_final(enum err e)
{
    return e == ERR_INVALID || e == ERR_EXISTS || e == ERR_TOOLARGE || e == ERR_LIMIT ||
           e == ERR_CORRUPT || e == ERR_STALE;
}

/* R3: rule by rule, so that one that is refused stands alone; what is done leaves the batch. */
static enum err commit_apart(struct rule_followers *r)
{
    while (r->step_count) {
        struct rule_follower *rf = r->steps[0].rule;
        enum err e = commit(r, rf);
        if (e && !is_final(e)) return e;
        if (e)
            rf->aside = true;
        else
            conclude(r, rf);
        size_t left = 0;
        for (size_t i = 0; i < r->step_count; i++) {
            if (r->steps[i].rule == rf) continue;
            r->steps[i].rule->last_step = left;
            r->steps[left++] = r->steps[i];
        }
        r->step_count = left;
    }
    return ERR_OK;
}

static enum err settle(void *ctx, bool now)
{
    struct rule_followers *r = ctx;
    if (!r->step_count) return ERR_OK;
    int64_t waited_ns = clock_mono_ns(r->opts.clock) - r->first_step_ns;
    if (!now && r->step_count < STEPS_ENOUGH && waited_ns < SETTLE_NS) return ERR_OK;
    enum err e = commit(r, NULL);
    if (!e) conclude(r, NULL);
    if (e && is_final(e)) e = commit_apart(r);
    if (!e) r->step_count = 0;
    return e;
}

/* --- saving positions ------------------------------------------------------------------------- */

static enum err save_some(struct rule_followers *r, struct rule_follower *const *some, size_t n)
{
    struct sql_tx *tx;
    enum err e = sql_begin(r->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    for (size_t i = 0; i < n && !e; i++) {
        const struct rule_progress p = progress_of(some[i], some[i]->alert);
        e = catalog_rules_save_progress(tx, some[i]->follower.org, (int64_t)some[i]->id, &p);
        if (e == ERR_STALE) e = ERR_OK; /* changed meanwhile: what it says is newer */
    }
    e = sql_end(tx, e);
    for (size_t i = 0; i < n && !e; i++) some[i]->saved = some[i]->follower.time;
    return e;
}

static bool moved(const struct event_time *saved, const struct event_time *now)
{
    return saved->position_ns != now->position_ns || saved->ahead_to_ns != now->ahead_to_ns;
}

static enum err save(void *ctx)
{
    struct rule_followers *r = ctx;
    struct rule_follower *some[SAVE_AT_ONCE];
    struct map_slot *slot;
    size_t at = 0, n = 0;
    enum err e = ERR_OK;
    while (!e && (slot = map_next(&r->rules, &at))) {
        struct rule_follower *rf = slot->value;
        if (rf->aside || !moved(&rf->saved, &rf->follower.time)) continue;
        some[n++] = rf;
        if (n < SAVE_AT_ONCE) continue;
        e = save_some(r, some, n);
        n = 0;
    }
    return e || !n ? e : save_some(r, some, n);
}

/* --- which rules there are -------------------------------------------------------------------- */

static struct rule_follower *find(const struct rule_followers *r, int64_t id)
{
    uint64_t key = (uint64_t)id;
    return map_get(&r->rules, map_u64(&key));
}

static void drop(struct rule_followers *r, struct rule_follower *rf)
{
    followers_remove(r->opts.followers, &rf->follower);
    map_remove(&r->rules, map_u64(&rf->id));
    mem_free(rf->block);
}

static struct rule_follower *make(struct rule_followers *r, const struct rule_loaded *l)
{
    static const struct follower_kind kind = {judge};
    const struct rule *rule = &l->rule;
    const struct rule_progress *p = &l->progress;
    void *block = mem_zalloc(sizeof(struct rule_follower) + rule->variable.n + CACHE_LINE);
    if (!block) return NULL;
    uintptr_t at = ((uintptr_t)block + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
    struct rule_follower *rf = (struct rule_follower *)at;
    rf->block = block;
    char *variable = (char *)(rf + 1);
    memcpy(variable, rule->variable.p, rule->variable.n);
    rf->follower = (struct follower){
        .kind = &kind,
        .time = {p->position_ns, p->ahead_from_ns, p->ahead_to_ns},
        .org = rule->org,
        .device = rule->device,
        .variable = bytes_of(variable, rule->variable.n),
    };
    rf->condition = rule_state_condition(rule);
    rf->state = (struct rule_state){p->phase, p->since_ns, p->raised_ns};
    if (l->resolved || !p->alert) rule_state_resolved(&rf->state);
    note_quiet(rf);
    rf->id = (uint64_t)rule->id;
    rf->epoch = p->epoch;
    rf->alert = p->alert;
    rf->saved = rf->follower.time;
    rf->owner = r;
    rf->generation = r->generation;
    return rf;
}

static enum err add(struct rule_followers *r, const struct rule_loaded *l)
{
    struct rule_follower *rf = make(r, l);
    if (!rf) return ERR_NOMEM;
    enum err e = map_put(&r->rules, map_u64(&rf->id), rf);
    if (!e) e = followers_add(r->opts.followers, &rf->follower);
    if (!e) return ERR_OK;
    map_remove(&r->rules, map_u64(&rf->id));
    mem_free(rf->block);
    return e;
}

/* What the catalog says of a rule, now. A change that did not touch where it stands (its name, its
 * cooldown) leaves the state in memory, which is newer. */
static enum err take(struct rule_followers *r, const struct rule_loaded *l)
{
    struct rule_follower *rf = find(r, l->rule.id);
    if (!rf) return add(r, l);
    rf->generation = r->generation;
    if (rf->epoch != l->progress.epoch || rf->aside) {
        drop(r, rf);
        return add(r, l);
    }
    rf->condition = rule_state_condition(&l->rule);
    if (l->resolved) rule_state_resolved(&rf->state);
    note_quiet(rf);
    return ERR_OK;
}

static void forget(void *ctx)
{
    struct rule_followers *r = ctx;
    struct map_slot *slot;
    size_t at = 0;
    r->step_count = 0;
    while ((slot = map_next(&r->rules, &at))) {
        drop(r, slot->value);
        at = 0; /* the map has shifted */
    }
}

static enum err load_some(struct rule_followers *r, struct arena *a, int64_t *after, size_t *ret_n)
{
    struct sql_tx *tx;
    struct rule_loaded *some = NULL;
    enum err e = sql_begin(r->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_rules_load(tx, *after, LOAD_AT_ONCE, a, &some, ret_n);
    e = sql_end(tx, e);
    for (size_t i = 0; i < *ret_n && !e; i++) {
        *after = some[i].rule.id;
        e = take(r, &some[i]);
    }
    return e;
}

static void drop_unseen(struct rule_followers *r)
{
    struct map_slot *slot;
    size_t at = 0;
    while ((slot = map_next(&r->rules, &at))) {
        struct rule_follower *rf = slot->value;
        if (rf->generation == r->generation) continue;
        drop(r, rf);
        at = 0; /* the map has shifted */
    }
}

static enum err load(void *ctx)
{
    struct rule_followers *r = ctx;
    struct arena a;
    int64_t after = 0;
    size_t n = LOAD_AT_ONCE;
    enum err e = ERR_OK;
    r->generation++;
    arena_init(&a, LOAD_BYTES);
    while (n == LOAD_AT_ONCE && !e) {
        n = 0;
        e = load_some(r, &a, &after, &n);
        arena_reset(&a);
    }
    arena_done(&a);
    if (!e) drop_unseen(r);
    return e;
}

static enum err changed(void *ctx, int64_t org, int64_t id)
{
    struct rule_followers *r = ctx;
    struct rule_loaded l;
    struct sql_tx *tx;
    struct arena a;
    enum err e = sql_begin(r->opts.db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&a, LOAD_BYTES);
    e = sql_end(tx, catalog_rules_load_one(tx, org, id, &a, &l));
    struct rule_follower *rf = find(r, id);
    if (e == ERR_NOTFOUND) {
        if (rf) drop(r, rf);
        e = ERR_OK;
    } else if (!e) {
        e = take(r, &l);
    }
    arena_done(&a);
    return e;
}

void rule_followers_changed(struct rule_followers *r, int64_t org, int64_t rule)
{
    followers_changed(r->opts.followers, r->client, org, rule);
}

static void on_alert(void *ctx, const struct alert *alert, enum alert_change change)
{
    if (change == ALERT_RESOLVED && alert->source == ALERT_OF_RULE && alert->resolved_by)
        rule_followers_changed(ctx, alert->org, alert->rule);
}

struct alerts_hook rule_followers_hook(struct rule_followers *r)
{
    return (struct alerts_hook){.ctx = r, .committed = on_alert};
}

enum err rule_followers_new(struct rule_followers **ret, const struct rule_followers_opts *opts)
{
    struct rule_followers *r = mem_zalloc(sizeof *r);
    if (!r) return ERR_NOMEM;
    r->opts = *opts;
    map_init(&r->rules, rnd_u64(opts->rnd));
    arena_init(&r->arena, BATCH_BYTES);
    const struct followers_client client = {r, load, changed, settle, save, forget};
    r->client = followers_add_client(opts->followers, &client);
    *ret = r;
    return ERR_OK;
}

void rule_followers_free(struct rule_followers *r)
{
    if (!r) return;
    struct map_slot *slot;
    size_t at = 0;
    while ((slot = map_next(&r->rules, &at)))
        mem_free(((struct rule_follower *)slot->value)->block);
    map_done(&r->rules);
    arena_done(&r->arena);
    mem_free(r);
}
