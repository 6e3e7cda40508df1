#pragma once
/* app/boot.h -- builds the server from its settings in one order, and takes it down in the reverse.
 * Threads: the main thread builds and takes down.   Memory: struct boot owns every part. */
#include "api/app.h"
#include "app/admin.h"
#include "app/boot_performance.h"
#include "app/boot_pilot.h"
#include "app/boot_rules.h"
#include "app/boot_synthetics.h"
#include "app/boot_watch.h"
#include "app/data_dir.h"
#include "app/notify_parts.h"
#include "app/settings.h"
#include "app/store_open.h"
#include "conf/conf.h"
#include "service/auth_bootstrap.h"
#include "service/command_service.h"
#include "service/dashboard_service.h"
#include "service/device_service.h"

struct analytics_turns;
struct housekeeping;
struct nodes;
struct tls_context;

struct boot {
    struct settings settings;
    struct conf *conf;
    struct data_dir dir, store_dir; /* store_dir: only when store.url names another place */
    struct store_open store;
    struct telemetry *engine; /* of the store, below what caches; borrowed */
    struct app app;
    struct device_service devices;
    struct command_service commands;
    struct dashboard_service dashboards;
    struct boot_pilot pilot;
    struct boot_performance performance;
    struct boot_watch watch;
    struct boot_rules rules;
    struct fleet_turns *fleet_turns;
    struct analytics_turns *analytics_turns;
    struct notify_parts notify;
    struct boot_synthetics synthetics;
    struct bytes *property_tags;
    struct ingest_metrics *ingest_metrics;
    struct tls_context *mqtt_tls;
    struct admin *admin;
    struct control_server *control;
    struct housekeeping *housekeeping;
    struct auth_bootstrap first; /* what the first start made */
    bool logging;
    bool for_command; /* the server of one command: found by nobody else */
};

/* Everything up to the bound port; on failure everything built so far is taken down again. conf:
 * loaded from files; owned by the boot from here on, also on failure. */
enum err boot_start(struct boot *b, struct conf *conf, const char *data_dir,
                    struct why *why) MUST_CHECK;
/* The same for app/local_server.h: only where there is an installation, on a loopback port that the
 * system chooses, without a first administrator, logging errors only. */
enum err boot_start_for_command(struct boot *b, struct conf *conf, const char *data_dir,
                                struct why *why) MUST_CHECK;
/* Drains: no new work, answers what came in, writes every queued record, seals, closes. */
void boot_stop(struct boot *b);
/* SIGHUP: reads the configuration again; LIVE keys take effect. */
void boot_reload(struct boot *b);
