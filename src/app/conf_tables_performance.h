#pragma once
/* app/conf_tables_performance.h -- the rows of the performance layer.   Threads: immutable. */
#include "app/conf_section.h"

extern const struct conf_section conf_tables_performance;
