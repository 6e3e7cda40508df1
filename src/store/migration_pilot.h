#pragma once
/* store/migration_pilot.h -- the step of the schema that holds what organisations may use, what
 * they used, what was refused to them and what they say of the program.   Threads: immutable. */
extern const char migration_pilot_sql[];
