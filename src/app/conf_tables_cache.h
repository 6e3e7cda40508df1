#pragma once
/* app/conf_tables_cache.h -- keys of the caches.   Threads: immutable. */
#include "app/conf_section.h"

extern const struct conf_section conf_tables_cache;
