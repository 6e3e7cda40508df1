/* The answers a telemetry store should give (see telemetry_model.h). As plain as can be. */
#include "telemetry_model.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <string.h>

void telemetry_model_init(struct telemetry_model *m)
{
    *m = (struct telemetry_model){0};
    for (int64_t i = 0; i < MODEL_SERIES; i++) {
        int64_t org = 1 + i / (MODEL_DEVICES * MODEL_VARIABLES);
        m->series[i].org = org;
        m->series[i].device = org * 10 + i / MODEL_VARIABLES % MODEL_DEVICES;
        m->series[i].series = i + 1;
    }
    for (int i = 0; i <= MODEL_ORGS; i++) m->raw_cutoff_ns[i] = INT64_MIN;
}

void telemetry_model_done(struct telemetry_model *m)
{
    for (int i = 0; i < MODEL_SERIES; i++) {
        mem_free(m->series[i].samples);
        mem_free(m->series[i].frozen);
    }
}

int64_t telemetry_model_hour(int64_t ts_ns)
{
    int64_t rest = ts_ns % NS_PER_HOUR;
    return ts_ns - (rest < 0 ? rest + NS_PER_HOUR : rest);
}

/* The first sample at or after ts. */
static size_t lower_bound(const struct model_series *s, int64_t ts_ns)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->samples[middle].ts_ns < ts_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void *grown(void *p, size_t *cap, size_t n, size_t size)
{
    if (n < *cap) return p;
    *cap = *cap ? *cap * 2 : 64;
    p = mem_realloc(p, *cap * size);
    bug_if(!p);
    return p;
}

void telemetry_model_write(struct telemetry_model *m, size_t series, struct sample sample)
{
    struct model_series *s = &m->series[series];
    if (sample.ts_ns < m->raw_cutoff_ns[s->org]) return;
    size_t at = lower_bound(s, sample.ts_ns);
    if (at < s->n && s->samples[at].ts_ns == sample.ts_ns) {
        s->samples[at] = sample;
        return;
    }
    s->samples = grown(s->samples, &s->cap, s->n, sizeof *s->samples);
    memmove(s->samples + at + 1, s->samples + at, (s->n - at) * sizeof *s->samples);
    s->samples[at] = sample;
    s->n++;
}

struct rollup telemetry_model_roll(const struct sample *s, size_t n)
{
    struct rollup r = {telemetry_model_hour(s[0].ts_ns),
                       n,
                       0,
                       s[0].value,
                       s[0].value,
                       s[0].value,
                       s[n - 1].value,
                       0,
                       s[0].ts_ns,
                       s[n - 1].ts_ns};
    long double sum = 0, m2 = 0;
    for (size_t i = 0; i < n; i++) {
        sum += s[i].value;
        if (s[i].value < r.min) r.min = s[i].value;
        if (s[i].value > r.max) r.max = s[i].value;
    }
    for (size_t i = 0; i < n; i++) {
        long double d = s[i].value - sum / (long double)n;
        m2 += d * d;
    }
    r.sum = (double)sum;
    r.m2 = (double)m2;
    return r;
}

static size_t hour_end(const struct model_series *s, size_t at)
{
    int64_t hour = telemetry_model_hour(s->samples[at].ts_ns);
    while (at < s->n && s->samples[at].ts_ns - hour < NS_PER_HOUR) at++;
    return at;
}

/* Rolls up what is below the cutoff and forgets the samples; how many. */
static size_t freeze(struct model_series *s, int64_t cutoff_ns)
{
    size_t dead = lower_bound(s, cutoff_ns);
    for (size_t at = 0, end; at < dead; at = end) {
        end = hour_end(s, at);
        s->frozen = grown(s->frozen, &s->frozen_cap, s->frozen_n, sizeof *s->frozen);
        s->frozen[s->frozen_n++] = telemetry_model_roll(s->samples + at, end - at);
    }
    s->n -= dead;
    if (s->n) memmove(s->samples, s->samples + dead, s->n * sizeof *s->samples);
    return dead;
}

uint64_t telemetry_model_retain(struct telemetry_model *m, int64_t org, int64_t raw_cutoff_ns,
                                int64_t rollup_cutoff_ns)
{
    uint64_t dropped = 0;
    int64_t raw = telemetry_model_hour(raw_cutoff_ns);
    int64_t rollups = telemetry_model_hour(rollup_cutoff_ns);
    if (raw > m->raw_cutoff_ns[org]) m->raw_cutoff_ns[org] = raw;
    for (int i = 0; i < MODEL_SERIES; i++) {
        struct model_series *s = &m->series[i];
        if (s->org != org) continue;
        dropped += freeze(s, raw);
        size_t old = 0;
        while (old < s->frozen_n && s->frozen[old].hour_ns < rollups) old++;
        s->frozen_n -= old;
        if (s->frozen_n) memmove(s->frozen, s->frozen + old, s->frozen_n * sizeof *s->frozen);
    }
    return dropped;
}

void telemetry_model_purge(struct telemetry_model *m, int64_t device)
{
    for (int i = 0; i < MODEL_SERIES; i++)
        if (m->series[i].device == device) m->series[i].n = m->series[i].frozen_n = 0;
}

const struct sample *telemetry_model_scan(const struct telemetry_model *m, size_t series,
                                          int64_t from_ns, int64_t to_ns, size_t *ret_n)
{
    const struct model_series *s = &m->series[series];
    size_t first = lower_bound(s, from_ns), last = lower_bound(s, to_ns);
    *ret_n = last > first ? last - first : 0;
    return s->samples + first;
}

size_t telemetry_model_rollups(const struct telemetry_model *m, size_t series, int64_t from_ns,
                               int64_t to_ns, struct rollup *ret, size_t cap)
{
    const struct model_series *s = &m->series[series];
    size_t n = 0;
    for (size_t i = 0; i < s->frozen_n; i++) {
        if (s->frozen[i].hour_ns < from_ns || s->frozen[i].hour_ns >= to_ns) continue;
        if (n < cap) ret[n] = s->frozen[i];
        n++;
    }
    for (size_t at = lower_bound(s, from_ns), end; at < s->n; at = end) {
        if (s->samples[at].ts_ns >= to_ns) break;
        end = hour_end(s, at);
        if (n < cap) ret[n] = telemetry_model_roll(s->samples + at, end - at);
        n++;
    }
    return n;
}
