/* Keys of the JVM (see conf_tables_planned.h). */
#include "app/conf_tables_planned.h"

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
