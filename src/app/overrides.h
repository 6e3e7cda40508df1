#pragma once
/* app/overrides.h -- configuration overrides kept in the store: rows "conf." + key of the settings.
 * Threads: any, one at a time per struct conf.   Memory: conf copies what it keeps. */
#include "base/clock.h"
#include "conf/conf.h"
#include "model/actor.h"
#include "store/sql.h"

/* Puts every stored override into `conf` (the layer above all others); conf_fill() or conf_apply()
 * follows. One that is no key any more or no value is passed over and told to `report` (NULL:
 * not). */
typedef void overrides_report(void *ctx, const char *key, const char *why);
enum err overrides_load(struct conf *conf, struct sql_db *db, overrides_report *report, void *ctx,
                        struct why *why) MUST_CHECK;

/* Stores one after conf_check(), or takes it away (value NULL; ERR_NOTFOUND when there was none);
 * `conf` follows. The change is an event of the installation (organisation 0). */
enum err overrides_set(struct conf *conf, struct sql_db *db, const struct clock *clock,
                       const char *key, const char *value, const struct actor *actor,
                       struct why *why) MUST_CHECK;

/* Another server has stored or taken away the override of this row: `conf` follows. */
bool overrides_is_row(struct bytes setting);
enum err overrides_follow(struct conf *conf, struct sql_db *db, struct bytes setting,
                          struct why *why) MUST_CHECK;

/* Appends "overrides":[{key,value,who,at}…], secrets hidden. */
enum err overrides_write(const struct conf *conf, struct sql_db *db, struct buf *out,
                         struct why *why) MUST_CHECK;
