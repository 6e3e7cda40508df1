/* Passes of a move (see move_job.h). */
#include "app/move_job.h"

#include "store/copy_tables.h"

#include <stdio.h>

enum err move_job_begin(struct move_job *m, const char *source)
{
    struct sql_tx *tx;
    enum err e = sql_begin(m->to->store.db, SQL_WRITE, &tx);
    if (e) return e;
    e = takeover_read(tx, &m->mark);
    if (!e && !m->mark.kind[0]) {
        e = copy_tables_check_empty(tx, &m->why);
        m->mark = (struct takeover){.kind = "move", .ts_ns = INT64_MIN};
        snprintf(m->mark.source, sizeof m->mark.source, "%s", source);
        if (!e) e = takeover_write(tx, &m->mark, clock_wall_ns(clock_real()));
    } else if (!e && (strcmp(m->mark.kind, "move") != 0 || strcmp(m->mark.source, source) != 0)) {
        e = why_say(&m->why, ERR_CONFLICT,
                    "the target is being filled from another source; name a new one, or run that "
                    "command to its end");
    } else if (!e) {
        m->resumed = true;
    }
    return sql_end(tx, e);
}

static enum err save(void *ctx, const struct copy_job *j)
{
    struct move_job *m = ctx;
    m->mark.org = j->at.org;
    m->mark.device = j->at.device;
    m->mark.group = j->at.group;
    m->mark.ts_ns = j->at.ts_ns;
    m->mark.points = j->points;
    return takeover_save(m->to->store.db, &m->mark, clock_wall_ns(clock_real()));
}

static bool show(void *ctx, const struct copy_job *j)
{
    struct move_job *m = ctx;
    atomic_store(&m->devices, j->devices);
    atomic_store(&m->points, j->points);
    if (m->shown) m->shown(m->ctx, j->devices);
    return !atomic_load(&m->stop);
}

struct copy_job move_job_make(struct move_job *m)
{
    return (struct copy_job){.from = m->from,
                             .to = m->to->store.telemetry,
                             .catalog = m->catalog,
                             .shown = show,
                             .ctx = m};
}

enum err move_job_copy(struct move_job *m)
{
    struct copy_job j = move_job_make(m);
    if (m->mark.org == INT64_MAX) return ERR_OK;
    uint64_t before = m->mark.points;
    j.saved = save;
    j.at = (struct copy_position){m->mark.org, m->mark.device, m->mark.group, m->mark.ts_ns};
    j.points = before;
    enum err e = copy_points_run(&j, &m->why);
    if (!e) {
        j.at.org = INT64_MAX;
        e = save(m, &j);
    }
    atomic_store(&m->points, j.points - before);
    return e;
}

enum err move_job_catch_up(struct move_job *m)
{
    struct copy_job j = move_job_make(m);
    enum err e = copy_points_catch_up(&j, &m->why);
    atomic_store(&m->points, j.points);
    return e;
}
