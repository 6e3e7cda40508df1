#pragma once
/* api/widget_plan.h -- from a widget to what it shows: which lines (a device and a variable each),
 * over which range, as samples, buckets, one number or the newest value. Pure: nothing is looked
 * up, so a plan may name what is not there.
 *
 *   type                                     NONE, LAST           another aggregation
 *   LINE_ AREA_ BAR_ SCATTER_CHART           SERIES (thinned)     BUCKETS
 *   GAUGE INDICATOR METRIC_CARD TABLE PIE    LATEST               TOTAL, one number of the range
 *   CONTROL_BUTTON                           LATEST with a variable, else NONE
 *   MAP                                      POSITIONS
 *
 * (LAST is what old clients save for every widget; they drew charts of the samples themselves.)
 * Threads: any.   Memory: the arena, or borrowed from the dashboard. */
#include "base/arena.h"
#include "base/err.h"
#include "model/dashboard.h"
#include "query/aggregate.h"

enum { WIDGET_PLAN_LINES = 100, WIDGET_PLAN_MINUTES = 60 /* unless the widget says how many */ };

enum widget_plan_show {
    WIDGET_PLAN_NONE,
    WIDGET_PLAN_LATEST,
    WIDGET_PLAN_TOTAL,
    WIDGET_PLAN_SERIES,
    WIDGET_PLAN_BUCKETS,
    WIDGET_PLAN_POSITIONS,
};
const char *widget_plan_name(enum widget_plan_show show);

struct widget_plan_line {
    struct bytes device, variable, label; /* label: may be absent */
};

struct widget_plan {
    enum widget_plan_show show;
    enum aggregation aggregation; /* TOTAL, BUCKETS */
    int64_t from_ns, to_ns;
    int64_t interval_ns; /* BUCKETS */
    struct widget_plan_line *lines;
    size_t n;
    bool all;          /* every variable of the one line's device; that line names none */
    bool paired;       /* the second line has its values at the times of the first one */
    const char *error; /* why nothing can be shown; NULL: it can */
};

/* What the request says of all widgets. */
struct widget_plan_window {
    int64_t now_ns;
    int64_t from_ns, to_ns; /* when said */
    bool from_said, to_said;
    size_t max_points; /* of each line; a bucket takes the place of four */
};

enum err widget_plan_make(const struct dashboard *d, const struct widget *w,
                          const struct widget_plan_window *window, struct arena *arena,
                          struct widget_plan *ret) MUST_CHECK;
/* The smallest interval people count in that needs at most max_buckets for the span. */
int64_t widget_plan_interval(int64_t span_ns, size_t max_buckets);
