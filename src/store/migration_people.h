#pragma once
/* store/migration_people.h -- the step that adds what people are administered with.
 * Threads: immutable. */

extern const char migration_people_sql[];
