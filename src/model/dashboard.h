#pragma once
/* model/dashboard.h -- what people look at: dashboards, their widgets, and links that show one to
 * somebody without an account. layout and config are JSON objects as text, kept as they were sent.
 * Threads: values.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "base/bytes.h"

enum {
    DASHBOARDS_PER_ORG = 200,
    DASHBOARD_WIDGETS = 100,
    DASHBOARD_SHARES = 20,
    DASHBOARD_NAME_MAX = 255, /* characters, as the rest of the texts */
    DASHBOARD_DESCRIPTION_MAX = 2000,
    DASHBOARD_VARIABLE_MAX = 100,
    DASHBOARD_LAYOUT_BYTES = 64 * 1024, /* without blanks between its tokens */
    DASHBOARD_CONFIG_BYTES = 16 * 1024,
    DASHBOARD_JSON_DEPTH = 16,
    DASHBOARD_PLACE_MAX = 100000,    /* positionX, positionY */
    DASHBOARD_EXTENT_MAX = 1000,     /* width, height */
    DASHBOARD_MINUTES_MAX = 5256000, /* timeRangeMinutes: ten years */
};

enum widget_type {
    WIDGET_LINE_CHART,
    WIDGET_BAR_CHART,
    WIDGET_GAUGE,
    WIDGET_INDICATOR,
    WIDGET_TABLE,
    WIDGET_MAP,
    WIDGET_CONTROL_BUTTON,
    WIDGET_METRIC_CARD,
    WIDGET_PIE_CHART,
    WIDGET_AREA_CHART,
    WIDGET_SCATTER_CHART,
    WIDGET_TYPES
};
const char *dashboard_type_name(enum widget_type type); /* "LINE_CHART" */
bool dashboard_parse_type(struct bytes name, enum widget_type *ret);

struct widget {
    int64_t id, org, dashboard;
    struct bytes name;
    enum widget_type type;
    int64_t x, y, width, height;
    struct bytes device, second_device; /* external ids */
    struct bytes variable, second_variable;
    struct bytes label, second_label; /* how the devices are called here */
    struct bytes aggregation;         /* "NONE" or one of query/aggregate.h, upper case */
    int64_t minutes;                  /* how far back it looks; 0 = not said */
    struct bytes config;
    int64_t version; /* rises with every change */
    int64_t created_ns, updated_ns;
};

struct dashboard {
    int64_t id, org;
    struct bytes name, description;
    bool is_default;             /* one of an organisation at most */
    struct bytes default_device; /* external id */
    struct bytes layout;
    int64_t version; /* rises with every change of it or of a widget */
    int64_t created_ns, updated_ns;
    struct widget *widgets; /* in order of creation; not read by a list of dashboards */
    size_t widget_count;
};

/* A link. Its token is shown once; only a hash is kept. */
struct dashboard_share {
    int64_t id, org, dashboard;
    struct bytes name;
    struct bytes password_hash; /* Argon2id text; empty: no password */
    int64_t expires_ns;         /* 0 = never */
    int64_t created_by, created_ns;
};
