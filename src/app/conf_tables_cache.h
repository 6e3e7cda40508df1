#pragma once
/* app/conf_tables_cache.h -- keys of the caches.   Threads: immutable. */
#include "conf/conf.h"

enum { CONF_TABLES_CACHE = 11 };
extern const struct conf_entry conf_tables_cache[CONF_TABLES_CACHE];
