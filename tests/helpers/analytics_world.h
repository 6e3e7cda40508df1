#pragma once
/* tests/helpers/analytics_world.h -- an embedded store and PostgreSQL with the same organisations,
 * users, devices and variables in their catalogs (also their ids), and who counts in each: both
 * kinds of store/analytics.h. Their clock stands at ANALYTICS_NOW_NS until it is moved.
 * Threads: one test.   Memory: the test owns the struct. */
#include "fault_fs.h"
#include "postgres_server.h"
#include "store/analytics_rollups.h"
#include "store/registry.h"
#include "store/telemetry.h"
#include "temp_dir.h"

#define ANALYTICS_NOW_NS (INT64_C(1795523640) * NS_PER_S) /* 2026-11-24T12:34:00Z */

enum { ANALYTICS_ORGS = 3, ANALYTICS_DEVICES = 4, ANALYTICS_VARIABLES = 3 };

/* A store of either kind with its catalog and who counts in it. */
struct analytics_side {
    struct sql_db *db;
    struct registry *registry;
    struct telemetry *telemetry;
    struct analytics *rollups, *views; /* views: PostgreSQL only */
};
struct analytics_world {
    struct postgres_server server; /* started by the program, before all tests */
    struct postgres_pool *pool;
    struct temp_dir dir;
    struct fault_fs fault;
    struct clock_fake fake;
    struct analytics_side embedded, postgres;
};
void analytics_world_open(struct analytics_world *w); /* fails the test when it cannot */
void analytics_world_close(struct analytics_world *w);
/* Devices of an organisation are 0 to ANALYTICS_DEVICES - 1. */
struct reg_device *analytics_world_device(struct analytics_side *side, int64_t org, int number);
