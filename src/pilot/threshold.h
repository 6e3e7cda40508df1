#pragma once
/* pilot/threshold.h -- when a figure is too bad for long enough to tell somebody, and when it is
 * over: a pure state machine.
 *
 *            beyond the limit            for hold_ns
 *      OK ────────────────────> PENDING ────────────> RAISED <──────────────┐ beyond clear
 *       ^ <──────────────────────┘ not beyond           │ not beyond clear  │
 *       └───────────────────────────────── CLEARING <───┘───────────────────┘
 *              for clear_ns
 *
 * H1  a value between limit and clear changes nothing while RAISED: no flapping around the limit.
 * H2  a figure that is not known (NAN: no request, no look-up in that time) is not bad.
 * H3  time that goes backwards begins a hold again, it never ends one.
 * Threads: the owner's.   Memory: values. */
#include <stdbool.h>
#include <stdint.h>

struct threshold_limits {
    bool below;       /* bad is below the limit (hit ratios), not above it */
    double limit;     /* beyond it, not at it, is bad */
    int64_t hold_ns;  /* bad for so long: raised */
    int64_t clear_ns; /* good for so long: over */
};

enum threshold_phase {
    THRESHOLD_OK,
    THRESHOLD_PENDING,
    THRESHOLD_RAISED,
    THRESHOLD_CLEARING,
    THRESHOLD_PHASES
};
const char *threshold_phase_name(enum threshold_phase p); /* "OK", "PENDING", … */

struct threshold {
    enum threshold_phase phase;
    int64_t since_ns; /* when the phase began; 0: never judged */
    double value;     /* the newest */
};

enum threshold_change { THRESHOLD_NOTHING, THRESHOLD_BEGINS, THRESHOLD_ENDS };

/* Where it has to come back to: a tenth of the limit away, or half of what is left up to 1 of a
 * ratio that has to stay above its limit. */
double threshold_clear(const struct threshold_limits *l);
/* Judges one value at a time (any clock, in ns). BEGINS and ENDS are told once each. */
enum threshold_change threshold_judge(struct threshold *t, const struct threshold_limits *l,
                                      double value, int64_t now_ns);
