#pragma once
/* service/dashboard_widgets.h -- the widgets of a dashboard; part of the family of
 * dashboard_service.h, whose invariants hold here. A widget of another dashboard is ERR_NOTFOUND
 * like a missing one; refusal.missing is "dashboard" when that is what is not there.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "service/dashboard_service.h"

struct widget_change {
    struct dashboard_text name, device, second_device, variable, second_variable;
    struct dashboard_text label, second_label;
    bool type_set;
    enum widget_type type;
    struct dashboard_number x, y, width, height, minutes; /* minutes 0: not said */
    struct bytes aggregation; /* any case; p == NULL: stays; empty: NONE */
    struct bytes config;      /* a checked JSON object; p == NULL: stays */
};

enum err dashboard_widgets_list(struct dashboard_service *s, int64_t org, int64_t dashboard,
                                struct arena *arena, struct widget **ret, size_t *ret_n) MUST_CHECK;
enum err dashboard_widgets_find(struct dashboard_service *s, int64_t org, int64_t dashboard,
                                int64_t id, struct arena *arena, struct widget *ret,
                                struct refusal *refusal) MUST_CHECK;
/* ERR_LIMIT at DASHBOARD_WIDGETS. */
enum err dashboard_widgets_create(struct dashboard_service *s, const struct actor *actor,
                                  int64_t dashboard, const struct widget_change *given,
                                  struct arena *arena, struct widget *ret,
                                  struct refusal *refusal) MUST_CHECK;
enum err dashboard_widgets_update(struct dashboard_service *s, const struct actor *actor,
                                  int64_t dashboard, int64_t id, const struct if_match *match,
                                  const struct widget_change *change, struct arena *arena,
                                  struct widget *ret, struct refusal *refusal) MUST_CHECK;
enum err dashboard_widgets_delete(struct dashboard_service *s, const struct actor *actor,
                                  int64_t dashboard, int64_t id, const struct if_match *match,
                                  struct arena *arena, struct refusal *refusal) MUST_CHECK;
