/* What the load test says at its end: a table for people, a document for machines. */
#include "app/loadtest_report.h"

#include "app/loadtest_compare.h"
#include "app/loadtest_stages.h"
#include "codec/json_write.h"

#include <stdio.h>

static double ms_of(int64_t ns)
{
    return (double)ns / (double)NS_PER_MS;
}

static double seconds_of(const struct loadtest *t)
{
    return (double)(t->ended_ns - t->start_ns) / (double)NS_PER_S;
}

static uint64_t points_stored(const struct loadtest *t)
{
    uint64_t n = 0;
    for (size_t i = 0; i < t->opts.devices; i++)
        for (size_t v = 0; v < t->opts.variables; v++) n += t->devices[i].stored[v].points;
    return n - t->history_points;
}

/* Until the last reading was acknowledged: with --max-rate that is when the work was done. */
static double points_per_second(const struct loadtest *t)
{
    int64_t until = t->opts.max_rate && t->last_stored_ns ? t->last_stored_ns : t->ended_ns;
    double seconds = (double)(until - t->start_ns) / (double)NS_PER_S;
    return seconds > 0 ? (double)points_stored(t) / seconds : 0;
}

bool loadtest_report_stored(const struct loadtest *t)
{
    const struct loadtest_verdict *v = &t->verdict;
    return v->done && !v->missing && !v->surplus && !v->altered;
}

/* --- for people ---------------------------- */

static void add_row(const struct loadtest *t, enum loadtest_kind k, struct buf *out)
{
    const struct loadtest_spread *s = &t->figures->all[k];
    if (!s->count && !s->errors) return;
    buf_printf(out, "%-10s %9llu %7llu %9.2f %9.2f %9.2f %9.2f  %s\n", loadtest_kind_name(k),
               (unsigned long long)s->count, (unsigned long long)s->errors,
               ms_of(loadtest_spread_rank(s, 0.5)), ms_of(loadtest_spread_rank(s, 0.95)),
               ms_of(loadtest_spread_rank(s, 0.99)), ms_of(s->max_ns), loadtest_kind_text(k));
}

static void add_verdict(const struct loadtest *t, struct buf *out)
{
    const struct loadtest_verdict *v = &t->verdict;
    if (!v->done)
        buf_add_str(out, "sent = stored: not proved, reading back failed\n");
    else if (loadtest_report_stored(t))
        buf_printf(out,
                   "sent = stored: yes, %llu points in %llu series read back, counts and checksums "
                   "equal\n",
                   (unsigned long long)v->points, (unsigned long long)v->series);
    else
        buf_printf(out,
                   "sent = stored: NO. Of %llu series %llu lack points, %llu have too many, %llu "
                   "hold others; the first: %s\n",
                   (unsigned long long)v->series, (unsigned long long)v->missing,
                   (unsigned long long)v->surplus, (unsigned long long)v->altered, v->first);
}

void loadtest_report_text(const struct loadtest *t, struct buf *out)
{
    const struct loadtest_opts *o = &t->opts;
    buf_printf(
        out,
        "\n%s: %zu users, %zu devices with %zu variables over %s, %zu organisations; %.1f s, "
        "of which %.1f s of logins; seed %llu\n",
        loadtest_scenario_name(o->scenario), o->users, o->devices, o->variables,
        o->mqtt ? "MQTT" : "HTTP", o->orgs, seconds_of(t), (double)t->ramp_ns / (double)NS_PER_S,
        (unsigned long long)o->seed);
    if (t->lifted)
        buf_add_str(out, "pilot.mode=false: the limits of a pilot were lifted for this run\n");
    buf_printf(out,
               "%llu requests, %llu errors; %llu points stored, %.1f a second; %llu frames at "
               "live sockets\n\n",
               (unsigned long long)loadtest_figures_requests(t->figures),
               (unsigned long long)loadtest_figures_errors(t->figures),
               (unsigned long long)points_stored(t), points_per_second(t),
               (unsigned long long)t->frames);
    buf_printf(out, "%-10s %9s %7s %9s %9s %9s %9s\n", "kind", "requests", "errors", "p50 ms",
               "p95 ms", "p99 ms", "max ms");
    for (size_t k = 0; k < LOADTEST_KINDS; k++) add_row(t, (enum loadtest_kind)k, out);
    buf_add_char(out, '\n');
    for (size_t k = 0; k < LOADTEST_KINDS; k++)
        if (t->noted[k][0])
            buf_printf(out, "first failure of %s: %s\n", loadtest_kind_name((enum loadtest_kind)k),
                       t->noted[k]);
    if (o->noisy > 1)
        buf_printf(out, "%llu readings of the noisy organisation were refused by its daily limit\n",
                   (unsigned long long)t->limited);
    loadtest_stages_text(t, out);
    add_verdict(t, out);
}

/* --- for machines ---------------------------- */

static void add_samples(const struct loadtest *t, enum loadtest_kind k, struct buf *out)
{
    const struct loadtest_figures *f = t->figures;
    json_write_key(out, "intervals");
    json_write_open(out, '[');
    for (size_t i = 0; i < f->intervals; i++) {
        const struct loadtest_sample *s = &f->samples[k][i];
        json_write_open(out, '{');
        json_write_member_u64(out, "requests", s->count);
        json_write_member_u64(out, "errors", s->errors);
        json_write_member_number(out, "p50Ms", ms_of(s->p50_ns));
        json_write_member_number(out, "p99Ms", ms_of(s->p99_ns));
        json_write_close(out, '}');
    }
    json_write_close(out, ']');
}

/* [milliseconds, how many] of each bucket that has any: what several runs are pooled by. */
static void add_latencies(const struct loadtest_spread *s, struct buf *out)
{
    json_write_key(out, "latencies");
    json_write_open(out, '[');
    for (size_t i = 0; i < LOADTEST_BUCKETS; i++) {
        if (!s->buckets[i]) continue;
        json_write_open(out, '[');
        json_write_number(out, ms_of(loadtest_spread_value(i)));
        json_write_u64(out, s->buckets[i]);
        json_write_close(out, ']');
    }
    json_write_close(out, ']');
}

static void add_kind(const struct loadtest *t, enum loadtest_kind k, struct buf *out)
{
    const struct loadtest_spread *s = &t->figures->all[k];
    if (!s->count && !s->errors) return;
    json_write_open(out, '{');
    json_write_member_text(out, "kind", loadtest_kind_name(k));
    json_write_member_u64(out, "requests", s->count);
    json_write_member_u64(out, "errors", s->errors);
    json_write_member_number(out, "meanMs", s->count ? s->sum_ns / (double)s->count / 1e6 : 0);
    json_write_member_number(out, "p50Ms", ms_of(loadtest_spread_rank(s, 0.5)));
    json_write_member_number(out, "p95Ms", ms_of(loadtest_spread_rank(s, 0.95)));
    json_write_member_number(out, "p99Ms", ms_of(loadtest_spread_rank(s, 0.99)));
    json_write_member_number(out, "maxMs", ms_of(s->max_ns));
    if (t->noted[k][0]) json_write_member_text(out, "firstFailure", t->noted[k]);
    add_latencies(s, out);
    add_samples(t, k, out);
    json_write_close(out, '}');
}

static void add_opts(const struct loadtest *t, struct buf *out)
{
    const struct loadtest_opts *o = &t->opts;
    json_write_member_text(out, "scenario", loadtest_scenario_name(o->scenario));
    json_write_member_text(out, "transport", o->mqtt ? "mqtt" : "http");
    json_write_member_bool(out, "pilotLimitsLifted", t->lifted);
    json_write_member_u64(out, "users", o->users);
    json_write_member_u64(out, "devices", o->devices);
    json_write_member_u64(out, "organizations", o->orgs);
    json_write_member_u64(out, "variables", o->variables);
    if (o->max_rate)
        json_write_member_null(out, "pointsPerDay");
    else
        json_write_member_number(out, "pointsPerDay", o->points_per_day);
    json_write_member_u64(out, "seed", o->seed);
}

void loadtest_report_json(const struct loadtest *t, const struct loadtest_comparison *c,
                          struct buf *out)
{
    const struct loadtest_verdict *v = &t->verdict;
    json_write_open(out, '{');
    add_opts(t, out);
    json_write_member_time(out, "startedAt", t->start_wall_ns);
    json_write_member_number(out, "seconds", seconds_of(t));
    json_write_member_number(out, "intervalSeconds",
                             (double)t->figures->interval_ns / (double)NS_PER_S);
    json_write_member_u64(out, "requests", loadtest_figures_requests(t->figures));
    json_write_member_u64(out, "errors", loadtest_figures_errors(t->figures));
    json_write_member_u64(out, "pointsWritten", points_stored(t));
    json_write_member_number(out, "pointsPerSecond", points_per_second(t));
    json_write_member_u64(out, "pointsReadBack", v->points);
    json_write_member_u64(out, "historyPoints", t->history_points);
    json_write_member_u64(out, "seriesReadBack", v->series);
    json_write_member_bool(out, "sentEqualsStored", loadtest_report_stored(t));
    if (v->first[0]) json_write_member_text(out, "firstDifference", v->first);
    json_write_member_u64(out, "liveFrames", t->frames);
    if (t->opts.noisy > 1) json_write_member_u64(out, "noisyRefused", t->limited);
    loadtest_stages_json(t, out);
    if (c) {
        json_write_key(out, "comparison");
        loadtest_compare_json(c, out);
    }
    json_write_key(out, "kinds");
    json_write_open(out, '[');
    for (size_t k = 0; k < LOADTEST_KINDS; k++) add_kind(t, (enum loadtest_kind)k, out);
    json_write_close(out, ']');
    json_write_close(out, '}');
    buf_add_char(out, '\n');
}
