#pragma once
/* app/conf_tables.h -- every key there is, in the order docs/CONFIG.md lists them: contract,
 * section 2. Threads: immutable. */
#include "app/conf_section.h"
#include "app/settings.h"
#include "conf/conf.h"

extern const struct conf_section *const conf_tables_sections[];
extern const size_t conf_tables_section_count;

/* All sections as one table, made at the first call (main thread, before any other starts). */
const struct conf_entry *conf_tables_all(size_t *ret_n);

/* Reads the configuration as every command does. file and sets as in struct conf_opts. Also fills
 * `ret_settings`. On failure nothing is left behind. */
enum err conf_tables_load(struct conf **ret, struct settings *ret_settings, const char *file,
                          const char *const *sets, size_t set_count, struct why *why) MUST_CHECK;
