#pragma once
/* api/widget_data.h -- the data of all widgets of a dashboard in one pass. What two widgets ask
 * alike is read once. A widget that cannot be shown says why in its place; the others are shown.
 * The answer's shape is in docs/dashboards.md.
 * Threads: an executor's: it scans.   Memory: the call's arena. */
#include "api/app.h"
#include "api/widget_plan.h"

enum {
    WIDGET_DATA_POINTS = 200000,      /* of all lines together */
    WIDGET_DATA_POINTS_UNASKED = 800, /* of a line: a screen's width, four to a column */
    WIDGET_DATA_LINE_POINTS = 20000,  /* of a line, at most */
    WIDGET_DATA_READS = 400,      /* series that are scanned; of more it says so in their place */
    WIDGET_DATA_POSITIONS = 1000, /* of a map */
};

struct widget_data_request {
    const struct dashboard *dashboard;
    struct widget_plan_window window;
    bool visitor; /* who came by a link sees no ids of devices */
};
/* How many points of each line fit; the request must not ask for more. */
size_t widget_data_fitting(const struct dashboard *d);
/* Writes the array of widgets into the answer. Only what concerns all of them is an error. */
enum err widget_data_write(struct api_call *c, const struct widget_data_request *r) MUST_CHECK;
