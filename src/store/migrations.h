#pragma once
/* store/migrations.h -- the catalog's schema as a list of steps (see migrate.h). A step that has
 * been released is never edited: the next one changes what it made. Threads: immutable. */
#include "store/migrate.h"

extern const struct migration migrations_catalog[];
extern const size_t migrations_catalog_count;
