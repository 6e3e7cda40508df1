#pragma once
/* api/app.h -- what the handlers may use: one struct that boot.c fills and that does not change
 * while requests run, but for the LIVE settings, which are atomics.
 * Threads: immutable after boot, except as said.   Memory: everything is borrowed from boot.c. */
#include "api/api.h"
#include "ingest/admit.h"
#include "ingest/batch.h"
#include "ingest/tap.h"
#include "sys/executor.h"

struct alert_service;
struct alerts;
struct analytics;
struct auth_service;
struct cache;
struct command_polls;
struct command_service;
struct dashboard_service;
struct device_service;
struct event_service;
struct fleet_rule_service;
struct limits;
struct ledger;
struct live_hub;
struct mqtt_api;
struct mqtt_bridge_ingest;
struct nodes;
struct notify_service;
struct advice;
struct performance;
struct performance_service;
struct thresholds;
struct trends;
struct watch;
struct onboarding;
struct pilot_plans;
struct quota;
struct rates;
struct route_table;
struct rule_service;
struct synthetic_service;

/* Settings that may change while the server runs. */
struct live_settings {
    _Atomic bool ack_durable;
    _Atomic size_t max_data_points;
    _Atomic int64_t query_timeout_ns, aggregation_timeout_ns;
    _Atomic bool registration_enabled;
    const char *_Atomic support_email; /* "" = none */
};

struct app {
    const struct clock *clock;
    struct rnd *rnd;
    struct sql_db *db;
    struct nodes *nodes; /* who shares the store; NULL: nobody */
    struct registry *registry;
    struct telemetry *telemetry; /* through the caches */
    struct cache *cache;
    const struct limits *limits;
    struct pilot_plans *plans;
    struct onboarding *onboarding;
    struct analytics *numbers; /* that are ready: store/analytics.h */
    struct quota *quota;
    struct rates *rates;
    struct ledger *ledger; /* of what limits refused */
    struct retention *retention;
    struct admit *admit;
    struct batch_pipeline *batch;
    struct tap *tap;
    struct auth_service *auth;
    struct device_service *devices;
    struct dashboard_service *dashboards;
    struct fleet_rule_service *fleet_rules;
    struct event_service *events;
    struct alerts *alerts;
    struct alert_service *alert_service;
    struct rule_service *rules;
    struct synthetic_service *synthetics;
    struct command_service *commands;
    struct command_polls *polls; /* devices that wait for a command */
    struct notify_service *notify;
    struct performance *performance;
    struct performance_service *performance_service;
    struct thresholds *thresholds;
    struct trends *trends;
    struct watch *watch;
    struct advice *advice;
    struct live_hub *hub;
    struct route_table *routes;
    struct executor *async, *telemetry_pool, *analytics;
    struct mqtt_api *_Atomic mqtt;             /* NULL until its port is bound, or without MQTT */
    struct mqtt_bridge_ingest *_Atomic bridge; /* NULL without another broker */
    struct http_server *_Atomic server; /* NULL until the port is bound: requests may come before */
    struct live_settings live;

    const char *const *cors_origins;   /* NULL-terminated */
    const struct bytes *property_tags; /* influx.property-tags */
    size_t property_tag_count;
    int64_t ws_max_sessions, ws_idle_timeout_ns;
    struct buf security_lines; /* headers of every answer, see dispatch_prepare() */
    int64_t started_wall_ns, started_mono_ns;
    struct ingest_metrics *ingest_metrics; /* api/ingest_api.c */
    char unhealthy_why[128];               /* "" = fine; set once by boot */
};
