/* Two stores in one command (see store_side.h). */
#include "app/store_side.h"

#include "app/store_url.h"
#include "store/catalog.h"
#include "store/postgres/postgres_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum err store_side_parse(struct store_side *s, const struct settings *settings, const char *url,
                          struct why *why)
{
    *s = (struct store_side){
        .settings = *settings, .dir = {.lock = FILE_CLOSED}, .store_dir = {.lock = FILE_CLOSED}};
    s->settings.store_url = url;
    enum err e = url[0] ? store_open_place(&s->settings, "", &s->place, why) : ERR_INVALID;
    if (!e && (s->place.remote || s->place.dir[0])) return ERR_OK;
    return why_say(why, ERR_INVALID,
                   "it takes embedded:DIR or postgres://USER:PASSWORD@HOST:PORT/DATABASE");
}

/* What was tried on the way to success is no reason for what fails later. */
static enum err settle_why(enum err e, struct why *why)
{
    if (!e) why->text[0] = 0;
    return e && !why->text[0] ? why_say(why, e, "%s", err_sentence(e)) : e;
}

/* A directory without a catalog is no source; opening it would make one. */
static enum err look_for_catalog(const struct store_side *s, struct why *why)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/" CATALOG_FILE, s->place.dir);
    if (access(path, F_OK) == 0) return ERR_OK;
    return why_say(why, ERR_NOTFOUND, "there is no installation in %.150s", s->place.dir);
}

enum err store_side_open(struct store_side *s, bool filling, struct why *why)
{
    enum data_dir_mode mode = filling ? DATA_DIR_CREATE : DATA_DIR_EXISTING;
    enum err e = ERR_OK;
    s->store.filling = filling;
    s->store.role = STORE_ALONE;
    if (!s->place.remote && !filling) e = look_for_catalog(s, why);
    if (!e && !s->place.remote) e = data_dir_open(&s->dir, fs_real(), s->place.dir, mode, why);
    if (!e)
        e = store_open_parts(&s->store, STORE_CATALOG | STORE_TELEMETRY, &s->place, &s->settings,
                             clock_real(), why);
    return settle_why(e, why);
}

enum err store_side_open_data(struct store_side *s, const struct settings *settings,
                              const char *data_dir, struct why *why)
{
    *s = (struct store_side){.settings = *settings,
                             .dir = {.lock = FILE_CLOSED},
                             .store_dir = {.lock = FILE_CLOSED},
                             .store = {.filling = true, .role = STORE_ALONE}};
    enum err e = data_dir_open(&s->dir, fs_real(), data_dir, DATA_DIR_CREATE, why);
    if (!e) e = store_open_place(&s->settings, s->dir.path, &s->place, why);
    if (!e && !s->place.remote && strcmp(s->place.dir, s->dir.path) != 0)
        e = data_dir_open(&s->store_dir, fs_real(), s->place.dir, DATA_DIR_CREATE, why);
    if (!e)
        e = store_open_parts(&s->store, STORE_CATALOG | STORE_TELEMETRY, &s->place, &s->settings,
                             clock_real(), why);
    return settle_why(e, why);
}

void store_side_close(struct store_side *s)
{
    store_open_close(&s->store);
    data_dir_close(&s->store_dir);
    data_dir_close(&s->dir);
}

enum err store_side_identity(struct store_side *s, char *ret, size_t n, struct why *why)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    ret[0] = 0;
    enum err e = sql_begin(s->store.db, SQL_READ, &tx);
    if (!e) {
        e = sql_query(tx, "SELECT id, created_ns FROM organizations ORDER BY id LIMIT 1",
                      SQL_NO_ARGS, &c);
        if (!e) {
            e = sql_next(c, &row);
            if (!e)
                snprintf(ret, n, "%" PRId64 ":%" PRId64, row.columns[0].as.i, row.columns[1].as.i);
            sql_finish(c);
        }
        e = sql_end(tx, e == ERR_END ? ERR_OK : e);
    }
    return e ? why_say(why, e, "the catalog: %s", err_sentence(e)) : ERR_OK;
}

enum err store_side_settle(struct store_side *s, struct why *why)
{
    size_t n = 0;
    enum err e = ERR_OK;
    if (!s->place.remote) return ERR_OK;
    do {
        e = postgres_store_sum_up(s->store.telemetry, &n);
    } while (!e && n);
    return e ? why_say(why, e, "summing hours up: %s", err_sentence(e)) : ERR_OK;
}
