/* One figure against one limit, with hold time and hysteresis (see threshold.h). */
#include "pilot/threshold.h"

#include <math.h>

const char *threshold_phase_name(enum threshold_phase p)
{
    static const char *const names[] = {"OK", "PENDING", "RAISED", "CLEARING"};
    return (unsigned)p < THRESHOLD_PHASES ? names[p] : "OK";
}

double threshold_clear(const struct threshold_limits *l)
{
    if (!l->below) return l->limit * 0.9;
    double tenth = l->limit * 1.1, half = l->limit + (1 - l->limit) / 2;
    return tenth < half ? tenth : half;
}

static bool is_beyond(const struct threshold_limits *l, double value, double edge)
{
    if (isnan(value)) return false;
    return l->below ? value < edge : value > edge;
}

static void enter(struct threshold *t, enum threshold_phase phase, int64_t now_ns)
{
    t->phase = phase;
    t->since_ns = now_ns;
}

/* Has the phase lasted? A clock that went back begins it again. */
static bool lasted(struct threshold *t, int64_t ns, int64_t now_ns)
{
    if (now_ns < t->since_ns) t->since_ns = now_ns;
    return now_ns - t->since_ns >= ns;
}

static enum threshold_change judge_good(struct threshold *t, const struct threshold_limits *l,
                                        bool bad, int64_t now_ns)
{
    if (!bad) {
        if (t->phase == THRESHOLD_PENDING || !t->since_ns) enter(t, THRESHOLD_OK, now_ns);
        return THRESHOLD_NOTHING;
    }
    if (t->phase == THRESHOLD_OK) enter(t, THRESHOLD_PENDING, now_ns);
    if (!lasted(t, l->hold_ns, now_ns)) return THRESHOLD_NOTHING;
    enter(t, THRESHOLD_RAISED, now_ns);
    return THRESHOLD_BEGINS;
}

static enum threshold_change judge_bad(struct threshold *t, const struct threshold_limits *l,
                                       bool bad, int64_t now_ns)
{
    if (bad) {
        if (t->phase == THRESHOLD_CLEARING) enter(t, THRESHOLD_RAISED, now_ns);
        return THRESHOLD_NOTHING;
    }
    if (t->phase == THRESHOLD_RAISED) enter(t, THRESHOLD_CLEARING, now_ns);
    if (!lasted(t, l->clear_ns, now_ns)) return THRESHOLD_NOTHING;
    enter(t, THRESHOLD_OK, now_ns);
    return THRESHOLD_ENDS;
}

enum threshold_change threshold_judge(struct threshold *t, const struct threshold_limits *l,
                                      double value, int64_t now_ns)
{
    t->value = value;
    bool told = t->phase == THRESHOLD_RAISED || t->phase == THRESHOLD_CLEARING;
    return told ? judge_bad(t, l, is_beyond(l, value, threshold_clear(l)), now_ns)
                : judge_good(t, l, is_beyond(l, value, l->limit), now_ns);
}
