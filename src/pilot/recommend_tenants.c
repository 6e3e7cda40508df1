/* What organisations and their devices do: one that takes most, clocks, series, one by one. */
#include "pilot/recommend_internal.h"

#define BUSY_REQUESTS   6000.0 /* of one organisation in the window */
#define BUSY_POINTS     60000.0
#define NOISY_SHARE     0.5
#define NOISY_TIMES     10.0 /* as much as the mean of all others that do something */
#define WRONG_CLOCK     10.0 /* records of one device refused for their time */
#define EXPLOSION_NEW   500.0
#define EXPLOSION_SHARE 0.8
#define SINGLES_PER_S   5.0
#define SINGLES_A_BATCH 10.0 /* aggregates that one dashboard asks for */

static void say_noisy(struct report *r, const struct evidence *e,
                      const struct evidence_organization *o, bool points)
{
    double all = 0, others = 0, mine = points ? o->points : o->requests;
    for (size_t i = 0; i < e->organization_count; i++) {
        double one = points ? e->organizations[i].points : e->organizations[i].requests;
        all += one;
        if (e->organizations[i].id != o->id && one > 0) others++;
    }
    if (!(mine >= (points ? BUSY_POINTS : BUSY_REQUESTS)) || others < 1) return;
    if (!(mine >= NOISY_SHARE * all) || !(mine >= NOISY_TIMES * (all - mine) / others)) return;
    const char *what = points ? "points" : "requests";
    struct recommendation *rec =
        recommend_add(r, recommend_text(r, "noisy-organization:%lld:%s", (long long)o->id, what));
    if (!rec) return;
    rec->category = "tenants";
    rec->priority = RECOMMEND_MEDIUM;
    rec->title = recommend_text(r, "%.*s makes most of the %s", (int)o->name.n, o->name.p, what);
    rec->description =
        recommend_text(r, "%.0f of %.0f %s in %.0f s were its own; the %.0f others had %.0f each.",
                       mine, all, what, e->window_s, others, (all - mine) / others);
    rec->gain = (mine - NOISY_TIMES * (all - mine) / others) / e->window_s;
    rec->gain_unit = points ? "points/s" : "requests/s";
    rec->impact = recommend_text(r, "with a limit of ten times the others', %.3g %s a second fewer",
                                 rec->gain, what);
    rec->effort = "low";
    recommend_figure(rec, points ? "points" : "requests", mine);
    recommend_figure(rec, "sharePercent", mine / all * 100);
    recommend_figure(rec, "others", others);
    recommend_figure(rec, "p95Ms", o->p95_ms);
}

void recommend_tenants_noisy(struct report *r, const struct evidence *e)
{
    for (size_t i = 0; i < e->organization_count; i++) {
        say_noisy(r, e, &e->organizations[i], false);
        say_noisy(r, e, &e->organizations[i], true);
    }
}

static struct bytes name_device(struct report *r, const char *what, const struct evidence_device *d)
{
    return recommend_text(r, "%s:%.*s/%.*s", what, (int)d->organization.n, d->organization.p,
                          (int)d->external_id.n, d->external_id.p);
}

static void say_clock(struct report *r, const struct evidence *e, const struct evidence_device *d)
{
    if (!(d->refused >= WRONG_CLOCK)) return;
    struct recommendation *rec = recommend_add(r, name_device(r, "wrong-clock", d));
    if (!rec) return;
    rec->category = "devices";
    rec->priority = RECOMMEND_HIGH; /* what it says is lost */
    rec->title =
        recommend_text(r, "The clock of %.*s is wrong", (int)d->external_id.n, d->external_id.p);
    rec->description = recommend_text(
        r,
        "%.0f of its records were refused in %.0f s because their times lie in the future or "
        "before what is kept.",
        d->refused, e->window_s);
    rec->gain = d->refused / e->window_s;
    rec->gain_unit = "records/s";
    rec->impact = recommend_text(r, "%.3g records a second are not lost", rec->gain);
    rec->effort = "low";
    recommend_figure(rec, "refusedRecords", d->refused);
}

void recommend_tenants_clock(struct report *r, const struct evidence *e)
{
    for (size_t i = 0; i < e->device_count; i++) say_clock(r, e, &e->devices[i]);
}

static void say_explosion(struct report *r, const struct evidence *e,
                          const struct evidence_device *d)
{
    double most = e->variables_per_device_max;
    if (!(d->new_variables >= EXPLOSION_NEW) && !(d->variables >= EXPLOSION_SHARE * most)) return;
    struct recommendation *rec = recommend_add(r, name_device(r, "series-explosion", d));
    if (!rec) return;
    rec->category = "devices";
    rec->priority = d->variables >= EXPLOSION_SHARE * most ? RECOMMEND_HIGH : RECOMMEND_MEDIUM;
    rec->title =
        recommend_text(r, "%.*s makes ever new variables", (int)d->external_id.n, d->external_id.p);
    rec->description = recommend_text(
        r,
        "It has %.0f of at most %.0f, %.0f of them came in the last %.0f s: perhaps a time or an "
        "id is part of their names.",
        d->variables, most, d->new_variables, e->window_s);
    rec->gain = d->new_variables / e->window_s * 86400;
    rec->gain_unit = "series/day";
    rec->impact = recommend_text(r, "%.3g series a day fewer", rec->gain);
    rec->effort = "medium";
    recommend_figure(rec, "variables", d->variables);
    recommend_figure(rec, "newVariables", d->new_variables);
    recommend_figure(rec, "variablesMax", most);
}

void recommend_tenants_explosion(struct report *r, const struct evidence *e)
{
    for (size_t i = 0; i < e->device_count; i++) say_explosion(r, e, &e->devices[i]);
}

/* Dashboards that ask for one number at a time pay a request for each. */
void recommend_tenants_one_by_one(struct report *r, const struct evidence *e)
{
    double per_s = e->single_aggregates / e->window_s;
    if (!(per_s >= SINGLES_PER_S)) return;
    if (!(e->single_aggregates >= SINGLES_A_BATCH * e->batched_aggregates)) return;
    struct recommendation *rec = recommend_add(r, BYTES("dashboards-one-by-one"));
    if (!rec) return;
    rec->category = "clients";
    rec->priority = RECOMMEND_MEDIUM;
    rec->title = BYTES("Dashboards ask for one number at a time");
    rec->description = recommend_text(
        r,
        "%.0f aggregates were asked for one by one, %.0f requests asked for many at once (POST "
        "/api/v1/dashboards/{id}/data).",
        e->single_aggregates, e->batched_aggregates);
    rec->gain = per_s * (1 - 1 / SINGLES_A_BATCH);
    rec->gain_unit = "requests/s";
    rec->impact =
        recommend_text(r, "with ten in one request, %.3g requests a second fewer", rec->gain);
    rec->effort = "medium";
    recommend_figure(rec, "singleAggregates", e->single_aggregates);
    recommend_figure(rec, "batchedRequests", e->batched_aggregates);
    recommend_figure(rec, "singleMeanMs", e->single_aggregate_ms);
}
