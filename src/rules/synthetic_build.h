#pragma once
/* rules/synthetic_build.h -- a group's expressions, inputs and windows: what is shared between its
 * members is there once. Used by synthetic_group.c.   Threads, memory: as synthetic_group.h. */
#include "rules/synthetic_group.h"

/* Looks inputs up that had no variable yet. */
void synthetic_build_resolve(struct synthetic_group *g);
/* All windows anew, empty. One that the budget has no room for is broken, which is no error. */
enum err synthetic_build_views(struct synthetic_group *g) MUST_CHECK;
