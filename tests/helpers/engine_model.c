/* A store one can see through (see engine_model.h). */
#include "engine_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_PER_HOUR ((int)(NS_PER_HOUR / MODEL_STEP_NS))
#define HOURS          (MODEL_SLOTS / SLOTS_PER_HOUR)

void engine_model_init(struct engine_model *m)
{
    memset(m, 0, sizeof *m);
    for (int i = 0; i < 3; i++) m->raw_cutoff_ns[i] = m->rollup_cutoff_ns[i] = INT64_MIN;
}

int64_t engine_model_time(int slot)
{
    return MODEL_START_NS + slot * MODEL_STEP_NS;
}

int64_t engine_model_device(int64_t series)
{
    return (series - 1) / 4 + 1;
}

int64_t engine_model_org(int64_t device)
{
    return device < 3 ? 1 : 2;
}

static double random_value(struct rnd *rnd)
{
    if (rnd_below(rnd, 4)) return (double)((int64_t)rnd_below(rnd, 200000) - 100000) / 100;
    return (rnd_unit(rnd) - 0.5) * pow(10, (double)rnd_below(rnd, 8));
}

void engine_model_group(struct model_group *g, struct rnd *rnd, int slot_from, int slots)
{
    size_t records = 1 + rnd_below(rnd, 64), points = 0;
    int64_t device = 1 + (int64_t)rnd_below(rnd, MODEL_DEVICES);
    int slot = slot_from + (int)rnd_below(rnd, (uint64_t)slots);
    for (size_t i = 0; i < records; i++) {
        if (!rnd_below(rnd, 8)) device = 1 + (int64_t)rnd_below(rnd, MODEL_DEVICES);
        slot = rnd_below(rnd, 8) ? slot + 1 : slot_from + (int)rnd_below(rnd, (uint64_t)slots);
        if (slot >= MODEL_SLOTS) slot = slot_from;
        struct record *r = &g->records[i];
        *r = (struct record){engine_model_org(device), device, engine_model_time(slot),
                             (uint32_t)points, 0};
        for (int64_t k = 0; k < 4; k++)
            if (rnd_below(rnd, 5)) {
                g->points[points++] = (struct point){(device - 1) * 4 + 1 + k, random_value(rnd)};
                r->count++;
            }
    }
    g->set = (struct record_set){g->records, records, g->points, points};
}

void engine_model_apply(struct engine_model *m, const struct record_set *set)
{
    for (size_t i = 0; i < set->record_count; i++) {
        const struct record *r = &set->records[i];
        if (r->ts_ns < m->raw_cutoff_ns[r->org]) continue;
        for (uint32_t k = 0; k < r->count; k++) {
            const struct point *p = &set->points[r->first + k];
            int64_t slot = (r->ts_ns - MODEL_START_NS) / MODEL_STEP_NS;
            m->cells[p->series - 1][slot].known = true;
            m->cells[p->series - 1][slot].value = p->value;
        }
    }
}

static void raise(int64_t *cutoff, int64_t to)
{
    int64_t hour = to == INT64_MIN ? to : to - to % NS_PER_HOUR;
    if (hour > *cutoff) *cutoff = hour;
}

void engine_model_retain(struct engine_model *m, int64_t org, int64_t raw_cutoff_ns,
                         int64_t rollup_cutoff_ns)
{
    raise(&m->raw_cutoff_ns[org], raw_cutoff_ns);
    raise(&m->rollup_cutoff_ns[org], rollup_cutoff_ns);
}

void engine_model_purge(struct engine_model *m, int64_t org, int64_t device)
{
    if (engine_model_org(device) != org) return;
    for (int64_t s = (device - 1) * 4; s < device * 4; s++)
        memset(m->cells[s], 0, sizeof m->cells[s]);
}

static _Thread_local bool is_quiet;

void engine_model_be_quiet(bool quiet)
{
    is_quiet = quiet;
}

static bool differ(const struct scan_range *r, const char *what, int64_t ts_ns)
{
    if (is_quiet) return false;
    fprintf(stderr, "series %lld [%lld, %lld)%s: %s at slot %lld\n", (long long)r->series,
            (long long)((r->from_ns - MODEL_START_NS) / MODEL_STEP_NS),
            (long long)((r->to_ns - MODEL_START_NS) / MODEL_STEP_NS),
            r->descending ? " descending" : "", what,
            (long long)((ts_ns - MODEL_START_NS) / MODEL_STEP_NS));
    return false;
}

/* The next slot of the range that the model shows, from *slot on in the range's direction. */
static bool next_slot(const struct engine_model *m, const struct scan_range *r, int *slot)
{
    for (; *slot >= 0 && *slot < MODEL_SLOTS; *slot += r->descending ? -1 : 1) {
        int64_t ts = engine_model_time(*slot);
        if (ts < r->from_ns || ts >= r->to_ns || ts < m->raw_cutoff_ns[r->org]) continue;
        if (m->cells[r->series - 1][*slot].known) return true;
    }
    return false;
}

static bool scan_agrees(const struct engine_model *m, struct telemetry *t,
                        const struct scan_range *r, enum err *ret_err)
{
    struct scan_cursor *c = NULL;
    const struct sample *samples;
    size_t n;
    int slot = r->descending ? MODEL_SLOTS - 1 : 0;
    bool same = true;
    enum err e = telemetry_scan_open(t, r, &c);
    while (same && !e && !(e = telemetry_scan_next(c, &samples, &n)))
        for (size_t i = 0; i < n && same; i++, slot += r->descending ? -1 : 1) {
            if (!next_slot(m, r, &slot))
                same = differ(r, "a sample too many", samples[i].ts_ns);
            else if (samples[i].ts_ns != engine_model_time(slot))
                same = differ(r, "a sample is missing", engine_model_time(slot));
            else if (memcmp(&samples[i].value, &m->cells[r->series - 1][slot].value, 8) != 0)
                same = differ(r, "another value", samples[i].ts_ns);
        }
    telemetry_scan_close(c);
    if (same && e == ERR_END && next_slot(m, r, &slot))
        same = differ(r, "ends before", engine_model_time(slot));
    *ret_err = e == ERR_END ? ERR_OK : e;
    return same;
}

static bool latest_agrees(const struct engine_model *m, struct telemetry *t,
                          const struct scan_range *r, enum err *ret_err)
{
    struct scan_range all = *r;
    struct sample got;
    int slot = MODEL_SLOTS - 1;
    all.from_ns = INT64_MIN;
    all.to_ns = INT64_MAX;
    all.descending = true;
    *ret_err = telemetry_latest(t, r->org, &r->series, 1, &got);
    if (*ret_err) return true;
    if (!next_slot(m, &all, &slot))
        return got.ts_ns == INT64_MIN || differ(&all, "latest of nothing", got.ts_ns);
    if (got.ts_ns != engine_model_time(slot) ||
        memcmp(&got.value, &m->cells[r->series - 1][slot].value, 8) != 0)
        return differ(&all, "another latest", engine_model_time(slot));
    return true;
}

static bool model_rollup(const struct engine_model *m, int64_t series, int hour, struct rollup *ret)
{
    struct rollup r = {.hour_ns = engine_model_time(hour * SLOTS_PER_HOUR)};
    double mean = 0;
    for (int s = hour * SLOTS_PER_HOUR; s < (hour + 1) * SLOTS_PER_HOUR; s++) {
        if (!m->cells[series - 1][s].known) continue;
        double v = m->cells[series - 1][s].value, off = v - mean;
        if (!r.count || v < r.min) r.min = v;
        if (!r.count || v > r.max) r.max = v;
        if (!r.count) {
            r.first = v;
            r.first_ns = engine_model_time(s);
        }
        r.last = v;
        r.last_ns = engine_model_time(s);
        r.count++;
        r.sum += v;
        mean += off / (double)r.count;
        r.m2 += off * (v - mean);
    }
    *ret = r;
    return r.count != 0;
}

static bool is_near(double a, double b, double reach)
{
    return fabs(a - b) <= 1e-12 * reach;
}

static bool rollup_agrees(const struct rollup *a, const struct rollup *b)
{
    double n = (double)b->count, reach = fmax(fabs(b->min), fabs(b->max));
    return a->hour_ns == b->hour_ns && a->count == b->count && a->min == b->min &&
           a->max == b->max && a->first == b->first && a->last == b->last &&
           a->first_ns == b->first_ns && a->last_ns == b->last_ns &&
           is_near(a->sum, b->sum, n * reach) && is_near(a->m2, b->m2, n * reach * reach);
}

static bool rollups_agree(const struct engine_model *m, struct telemetry *t,
                          const struct scan_range *r, enum err *ret_err)
{
    struct rollup got[HOURS + 2], want;
    size_t n = 0, at = 0;
    *ret_err = telemetry_rollups(t, r, got, HOURS + 2, &n);
    if (*ret_err) return true;
    for (int hour = 0; hour < HOURS; hour++) {
        int64_t start = engine_model_time(hour * SLOTS_PER_HOUR);
        if (start < r->from_ns || start + NS_PER_HOUR > r->to_ns) continue;
        if (start < m->rollup_cutoff_ns[r->org] || !model_rollup(m, r->series, hour, &want))
            continue;
        if (at >= n || !rollup_agrees(&got[at++], &want)) return differ(r, "another rollup", start);
    }
    return at == n || differ(r, "a rollup too many", got[at].hour_ns);
}

static bool agrees(const struct engine_model *m, struct telemetry *t, struct scan_range *r,
                   enum err *ret_err)
{
    bool same = scan_agrees(m, t, r, ret_err);
    r->descending = true;
    if (same && !*ret_err) same = scan_agrees(m, t, r, ret_err);
    if (same && !*ret_err) same = latest_agrees(m, t, r, ret_err);
    r->descending = false;
    if (same && !*ret_err) same = rollups_agree(m, t, r, ret_err);
    return same;
}

bool engine_model_agrees(const struct engine_model *m, struct telemetry *t, int64_t series,
                         struct rnd *rnd, enum err *ret_err)
{
    int a = (int)rnd_below(rnd, MODEL_SLOTS + 1), b = (int)rnd_below(rnd, MODEL_SLOTS + 1);
    int64_t device = engine_model_device(series);
    struct scan_range r = {
        engine_model_org(device),         device, series, engine_model_time(a < b ? a : b),
        engine_model_time(a < b ? b : a), false};
    return agrees(m, t, &r, ret_err);
}

bool engine_model_agrees_all(const struct engine_model *m, struct telemetry *t, enum err *ret_err)
{
    *ret_err = ERR_OK;
    for (int64_t series = 1; series <= MODEL_SERIES; series++) {
        int64_t device = engine_model_device(series);
        struct scan_range r = {
            engine_model_org(device), device, series, INT64_MIN, INT64_MAX, false};
        if (!agrees(m, t, &r, ret_err)) return false;
        if (*ret_err) return true;
    }
    return true;
}
