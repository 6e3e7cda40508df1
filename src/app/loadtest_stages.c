/* See loadtest_stages.h. */
#include "app/loadtest_stages.h"

#include "base/mem.h"
#include "codec/json_write.h"
#include "perf/mann_whitney.h"
#include "pilot/mann_kendall.h"

#include <math.h>
#include <stdio.h>

enum { SAMPLES_MAX = 1200 };
#define LEAST_GROWTH 0.2

/* Requests that people and devices wait for. */
static bool is_waited_for(enum loadtest_kind k)
{
    return k != LOADTEST_LOGIN && k != LOADTEST_LIVE && k != LOADTEST_LATE && k != LOADTEST_NOISY;
}

static size_t stage_of(const struct loadtest *t, size_t interval)
{
    int64_t width = t->figures->interval_ns;
    int64_t middle = t->start_ns + (int64_t)interval * width + width / 2;
    return loadtest_scenario_stage(t, middle);
}

/* The median of a kind's p99 over the intervals of a stage. */
static double p99_of(const struct loadtest *t, size_t stage, enum loadtest_kind k)
{
    double values[SAMPLES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < t->figures->intervals && n < SAMPLES_MAX; i++) {
        const struct loadtest_sample *s = &t->figures->samples[k][i];
        if (s->count && stage_of(t, i) == stage) values[n++] = (double)s->p99_ns / 1e6;
    }
    return mann_whitney_median(values, n, values);
}

static void add_sample(const struct loadtest *t, struct loadtest_stage *stage, size_t i)
{
    for (size_t k = 0; k < LOADTEST_KINDS; k++) {
        const struct loadtest_sample *s = &t->figures->samples[k][i];
        stage->errors += s->errors;
        if (is_waited_for((enum loadtest_kind)k) || k == LOADTEST_LOGIN)
            stage->requests += s->count;
    }
    stage->seconds += (double)t->figures->interval_ns / (double)NS_PER_S;
}

size_t loadtest_stages_read(const struct loadtest *t,
                            struct loadtest_stage ret[LOADTEST_STAGES_MAX])
{
    size_t n = loadtest_scenario_stages(t);
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct loadtest_stage){.factor = loadtest_scenario_factor(t, i)};
    for (size_t i = 0; i < t->figures->intervals; i++) add_sample(t, &ret[stage_of(t, i)], i);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < LOADTEST_KINDS; k++) {
            double p99 =
                is_waited_for((enum loadtest_kind)k) ? p99_of(t, i, (enum loadtest_kind)k) : 0;
            if (p99 <= ret[i].worst_p99_ms) continue;
            ret[i].worst_p99_ms = p99;
            ret[i].worst = (enum loadtest_kind)k;
        }
    return n;
}

static bool grows(const struct loadtest *t, enum loadtest_kind k, double *scratch,
                  struct loadtest_growth *ret)
{
    double values[MANN_KENDALL_MAX];
    size_t n = t->figures->intervals < MANN_KENDALL_MAX ? t->figures->intervals : MANN_KENDALL_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct loadtest_sample *s = &t->figures->samples[k][i];
        values[i] = s->count ? (double)s->p99_ns / 1e6 : (double)NAN;
    }
    struct trend_result r = mann_kendall_run(values, n, LEAST_GROWTH, scratch);
    *ret = (struct loadtest_growth){k, r.median, r.change};
    return r.direction == TREND_UP;
}

size_t loadtest_stages_growth(const struct loadtest *t, struct loadtest_growth ret[LOADTEST_KINDS])
{
    size_t n = 0;
    if (t->opts.scenario != LOADTEST_ENDURANCE) return 0;
    double *scratch = mem_array(MANN_KENDALL_SCRATCH((size_t)MANN_KENDALL_MAX), sizeof *scratch);
    for (size_t k = 0; scratch && k < LOADTEST_KINDS; k++)
        if (is_waited_for((enum loadtest_kind)k) &&
            grows(t, (enum loadtest_kind)k, scratch, &ret[n]))
            n++;
    mem_free(scratch);
    return n;
}

/* The last stage before errors begin or an answer in a hundred takes half a second. */
static double held(const struct loadtest_stage *stages, size_t n)
{
    double factor = 0;
    for (size_t i = 0; i < n && stages[i].requests && !stages[i].errors; i++) {
        if (stages[i].worst_p99_ms > 500) break;
        factor = stages[i].factor;
    }
    return factor;
}

void loadtest_stages_text(const struct loadtest *t, struct buf *out)
{
    struct loadtest_stage stages[LOADTEST_STAGES_MAX];
    struct loadtest_growth growth[LOADTEST_KINDS];
    size_t n = loadtest_stages_read(t, stages), grown = loadtest_stages_growth(t, growth);
    for (size_t i = 0; n > 1 && i < n; i++)
        buf_printf(out,
                   "at %2.0f times the pace: %6.1f requests/s, %llu errors, largest p99 %.2f ms "
                   "(%s)\n",
                   stages[i].factor,
                   stages[i].seconds > 0 ? (double)stages[i].requests / stages[i].seconds : 0,
                   (unsigned long long)stages[i].errors, stages[i].worst_p99_ms,
                   loadtest_kind_name(stages[i].worst));
    if (t->opts.scenario == LOADTEST_STRESS)
        buf_printf(out, "holds up to %.0f times the pace (no errors, p99 up to 500 ms)\n",
                   held(stages, n));
    for (size_t i = 0; i < grown; i++)
        buf_printf(out, "GROWS: p99 of %s by %.0f %% of its median of %.2f ms over the run\n",
                   loadtest_kind_name(growth[i].kind), growth[i].change * 100, growth[i].median_ms);
    if (t->opts.scenario == LOADTEST_ENDURANCE && !grown)
        buf_add_str(out, "no p99 grows over the run\n");
}

void loadtest_stages_json(const struct loadtest *t, struct buf *out)
{
    struct loadtest_stage stages[LOADTEST_STAGES_MAX];
    struct loadtest_growth growth[LOADTEST_KINDS];
    size_t n = loadtest_stages_read(t, stages), grown = loadtest_stages_growth(t, growth);
    json_write_key(out, "stages");
    json_write_open(out, '[');
    for (size_t i = 0; i < n; i++) {
        json_write_open(out, '{');
        json_write_member_number(out, "factor", stages[i].factor);
        json_write_member_number(out, "seconds", stages[i].seconds);
        json_write_member_u64(out, "requests", stages[i].requests);
        json_write_member_u64(out, "errors", stages[i].errors);
        json_write_member_number(out, "largestP99Ms", stages[i].worst_p99_ms);
        json_write_member_text(out, "ofKind", loadtest_kind_name(stages[i].worst));
        json_write_close(out, '}');
    }
    json_write_close(out, ']');
    if (t->opts.scenario == LOADTEST_STRESS)
        json_write_member_number(out, "holdsUpTo", held(stages, n));
    json_write_key(out, "growing");
    json_write_open(out, '[');
    for (size_t i = 0; i < grown; i++)
        json_write_string(out, bytes_str(loadtest_kind_name(growth[i].kind)));
    json_write_close(out, ']');
}
