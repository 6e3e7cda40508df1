/* How the load goes over the time of a run: stages, each a part of the duration at a multiple of
 * the usual pace. Plans are made in load time, which passes as many times faster as the stage says,
 * so that a device that sends every two minutes takes part in a peak of twenty seconds.
 *
 *   load time L(t) = t before the stages, then the sum over them of factor * time in it */
#include "app/loadtest.h"

#include <string.h>

struct stage {
    double until; /* of the duration */
    double factor;
};
static const struct scenario {
    const char *name;
    size_t count;
    struct stage stages[LOADTEST_STAGES_MAX];
} scenarios[LOADTEST_SCENARIOS] = {
    {"baseline", 1, {{1, 1}}},
    {"peak", 3, {{1.0 / 3, 1}, {2.0 / 3, 5}, {1, 1}}},
    {"stress", 6, {{1.0 / 6, 1}, {2.0 / 6, 2}, {3.0 / 6, 4}, {4.0 / 6, 8}, {5.0 / 6, 16}, {1, 32}}},
    {"endurance", 1, {{1, 1}}},
};

bool loadtest_scenario_find(const char *name, enum loadtest_scenario *ret)
{
    for (size_t i = 0; i < LOADTEST_SCENARIOS; i++) {
        if (strcmp(scenarios[i].name, name) != 0) continue;
        *ret = (enum loadtest_scenario)i;
        return true;
    }
    return false;
}

const char *loadtest_scenario_name(enum loadtest_scenario s)
{
    return scenarios[s].name;
}

size_t loadtest_scenario_stages(const struct loadtest *t)
{
    return scenarios[t->opts.scenario].count;
}

double loadtest_scenario_factor(const struct loadtest *t, size_t stage)
{
    return scenarios[t->opts.scenario].stages[stage].factor;
}

/* Where the stages begin, and where one ends. */
static int64_t base_of(const struct loadtest *t)
{
    return t->start_ns + t->ramp_ns;
}

static int64_t end_of(const struct loadtest *t, size_t stage)
{
    const struct stage *s = &scenarios[t->opts.scenario].stages[stage];
    return base_of(t) + (int64_t)(s->until * (double)t->opts.duration_ns);
}

size_t loadtest_scenario_stage(const struct loadtest *t, int64_t now_ns)
{
    size_t i = 0, last = loadtest_scenario_stages(t) - 1;
    while (i < last && now_ns >= end_of(t, i)) i++;
    return i;
}

int64_t loadtest_scenario_load(const struct loadtest *t, int64_t now_ns)
{
    int64_t from = base_of(t), load = from;
    if (now_ns <= from) return now_ns;
    for (size_t i = 0, last = loadtest_scenario_stages(t) - 1; i <= last; i++) {
        int64_t to = end_of(t, i);
        if (i == last || now_ns < to) to = now_ns;
        load += (int64_t)((double)(to - from) * loadtest_scenario_factor(t, i));
        if (to == now_ns) break;
        from = to;
    }
    return load;
}

int64_t loadtest_scenario_when(const struct loadtest *t, int64_t load_ns)
{
    int64_t from = base_of(t), load = from;
    if (load_ns <= from) return load_ns;
    for (size_t i = 0, last = loadtest_scenario_stages(t) - 1;; i++) {
        double factor = loadtest_scenario_factor(t, i);
        int64_t to = end_of(t, i), more = (int64_t)((double)(to - from) * factor);
        if (i == last || load_ns < load + more)
            return from + (int64_t)((double)(load_ns - load) / factor);
        load += more;
        from = to;
    }
}

double loadtest_scenario_mean(const struct loadtest_opts *o)
{
    const struct scenario *s = &scenarios[o->scenario];
    double mean = 0, from = 0;
    for (size_t i = 0; i < s->count; i++) {
        mean += (s->stages[i].until - from) * s->stages[i].factor;
        from = s->stages[i].until;
    }
    return mean;
}
