/* Rows without a part behind them yet (see conf_tables_planned.h). They keep their types and
 * ranges, so that a wrong value is found today and not on the day the part arrives. */
#include "app/conf_tables_planned.h"

enum { PLANNED = CONF_PLANNED };

#define ROW(key, unit, absent, min, max, doc)                                                      \
    {                                                                                              \
        key, CONF_NOWHERE, unit, absent, min, max, PLANNED, doc, NULL                              \
    }

static const struct conf_entry stores_table[] = {
    ROW("spring.jpa.properties.hibernate.jdbc.batch_size", CONF_COUNT, "25", 1, 10000,
        "PostgreSQL: rows in one statement of a relational batch write."),
};

const struct conf_section conf_tables_planned_stores = {
    .title = "Planned: more of PostgreSQL",
    .text = "Accepted and named at start; these parts are not built yet.",
    CONF_SECTION_ROWS(stores_table),
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
