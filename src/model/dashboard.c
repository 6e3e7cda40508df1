/* Names of the types of widgets (see dashboard.h). */
#include "model/dashboard.h"

static const char *const names[WIDGET_TYPES] = {
    [WIDGET_LINE_CHART] = "LINE_CHART",
    [WIDGET_BAR_CHART] = "BAR_CHART",
    [WIDGET_GAUGE] = "GAUGE",
    [WIDGET_INDICATOR] = "INDICATOR",
    [WIDGET_TABLE] = "TABLE",
    [WIDGET_MAP] = "MAP",
    [WIDGET_CONTROL_BUTTON] = "CONTROL_BUTTON",
    [WIDGET_METRIC_CARD] = "METRIC_CARD",
    [WIDGET_PIE_CHART] = "PIE_CHART",
    [WIDGET_AREA_CHART] = "AREA_CHART",
    [WIDGET_SCATTER_CHART] = "SCATTER_CHART",
};

const char *dashboard_type_name(enum widget_type type)
{
    return names[type];
}

bool dashboard_parse_type(struct bytes name, enum widget_type *ret)
{
    for (int i = 0; i < WIDGET_TYPES; i++) {
        if (!bytes_is(name, names[i])) continue;
        *ret = (enum widget_type)i;
        return true;
    }
    return false;
}
