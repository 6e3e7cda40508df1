/* Rows without a part behind them yet (see conf_tables_planned.h). They keep their types and
 * ranges, so that a wrong value is found today and not on the day the part arrives. */
#include "app/conf_tables_planned.h"

enum { PLANNED = CONF_PLANNED };

#define ROW(key, unit, absent, min, max, doc)                                                      \
    {                                                                                              \
        key, CONF_NOWHERE, unit, absent, min, max, PLANNED, doc, NULL                              \
    }

static const struct conf_entry stores_table[] = {
    ROW("store.postgres.citus", CONF_BOOL, "false", 0, 0,
        "PostgreSQL: distribute by device when the server has Citus."),
    ROW("store.postgres.timescaledb", CONF_BOOL, "false", 0, 0,
        "PostgreSQL: compress with TimescaleDB when the server has it."),
    ROW("spring.jpa.properties.hibernate.jdbc.batch_size", CONF_COUNT, "25", 1, 10000,
        "PostgreSQL: rows in one statement of a relational batch write."),
};

const struct conf_section conf_tables_planned_stores = {
    .title = "Planned: more of PostgreSQL",
    .text = "Accepted and named at start; these parts are not built yet.",
    CONF_SECTION_ROWS(stores_table),
};

static const struct conf_entry parts_table[] = {
    ROW("pilot.performance.enabled", CONF_BOOL, "true", 0, 0, "The performance layer."),
    ROW("pilot.performance.metrics-enabled", CONF_BOOL, "true", 0, 0, "Its metrics document."),
    ROW("pilot.performance.slow-query-threshold", CONF_MS, "1000", 1, 3600000,
        "A slower query is listed."),
    ROW("pilot.performance.response-time-threshold", CONF_MS, "500", 1, 3600000,
        "A slower answer lowers health."),
    ROW("pilot.performance.cache-hit-ratio-threshold", CONF_RATIO, "0.8", 0, 1,
        "A lower hit ratio is reported."),
    ROW("pilot.performance.memory-usage-threshold", CONF_RATIO, "0.85", 0, 1,
        "More memory in use is unhealthy."),
    ROW("rate-limiting.enabled", CONF_BOOL, "true", 0, 0, "The limits of the next rows."),
    ROW("rate-limiting.requests-per-minute", CONF_COUNT, "1000", 1, 1e9, "Per user."),
    ROW("rate-limiting.burst", CONF_COUNT, "100", 0, 1e9, "Added to the bucket of the row above."),
    ROW("rate-limiting.reads-per-minute", CONF_COUNT, "6000", 1, 1e9,
        "Per user, reads of telemetry and devices."),
    ROW("rate-limiting.telemetry-per-minute", CONF_COUNT, "1000", 1, 1e9,
        "Requests per device token."),
};

const struct conf_section conf_tables_planned_parts = {
    .title = "Planned: the pilot layer and its limits",
    .text = "Accepted and named at start; these parts are not built yet.",
    CONF_SECTION_ROWS(parts_table),
};

#define JVM(prefix)                                                                                \
    {                                                                                              \
        prefix, CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_JVM, "Ignored.", NULL                      \
    }
static const struct conf_entry jvm_table[] = {
    JVM("spring."),
    JVM("server.tomcat."),
    JVM("server.servlet."),
    JVM("server.compression."),
    JVM("management."),
    JVM("logging."),
    JVM("jvm."),
};

const struct conf_section conf_tables_jvm = {
    .title = "The JVM's",
    .text = "Every other key below these is listed once as ignored.",
    CONF_SECTION_ROWS(jvm_table),
};
