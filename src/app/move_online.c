/* Passes beside a running server (see move_online.h). An embedded store is copied by its server,
 * which is asked through its socket; a database is read from here, beside its server. */
#include "app/move_online.h"

#include "app/ask.h"
#include "app/control.h"
#include "app/move_job.h"
#include "codec/json_write.h"
#include "store/migrations.h"

#include <inttypes.h>
#include <time.h>

#define LOOK_NS  (100 * NS_PER_MS)
#define PAUSE_NS (2 * NS_PER_S) /* between passes over a database */

enum { ANSWER_MAX = 1 << 16 };

struct online {
    struct cli *cli;
    struct store_side *from, *to;
    struct why *why;
    struct cli_progress progress;
    bool told; /* the person knows that it is time to stop the server */
};

static void wait_ns(int64_t ns)
{
    const struct timespec t = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    (void)nanosleep(&t, NULL);
}

static void tell(struct online *o, uint64_t points, double seconds)
{
    if (o->told) return;
    o->told = true;
    cli_progress_end(&o->progress);
    cli_say(o->cli,
            "caught up: the last pass found %" PRIu64 " points in %.1f s. Stop the server of the "
            "source when it suits; the rest follows by itself",
            points, seconds);
}

/* Is somebody working on the source? ERR_LOCKED: yes. */
static enum err try_source(struct online *o)
{
    struct store_side side = *o->from;
    struct why why = {""};
    side.dir.lock = FILE_CLOSED;
    enum err e = ERR_OK;
    if (side.place.remote)
        e = store_side_open(&side, false, &why);
    else
        e = data_dir_open(&side.dir, fs_real(), side.place.dir, DATA_DIR_EXISTING, &why);
    store_side_close(&side);
    if (e && e != ERR_LOCKED) *o->why = why;
    return e;
}

/* --- an embedded source ----------------------------------------------------------------------- */

static enum err ask(struct online *o, const char *verb, const char *to, cJSON **ret, bool *ret_runs)
{
    struct buf request, answer;
    buf_init(&request, ANSWER_MAX);
    buf_init(&answer, ANSWER_MAX);
    json_write_open(&request, '{');
    json_write_member_text(&request, "do", verb);
    if (to) json_write_member_text(&request, "to", to);
    json_write_member_text(&request, "who", "cli:move");
    json_write_close(&request, '}');
    o->why->text[0] = 0;
    enum err e = control_call(o->from->place.dir, buf_bytes(&request), &answer, ret_runs, o->why);
    *ret = e ? NULL : cJSON_ParseWithLength(answer.p, answer.n);
    buf_done(&request);
    buf_done(&answer);
    return e;
}

/* ERR_END: the server is going, or has gone. */
static enum err look(struct online *o)
{
    cJSON *status = NULL;
    bool runs = false;
    enum err e = ask(o, "move.status", NULL, &status, &runs);
    if (!runs || e == ERR_IO || e == ERR_CLOSED) return ERR_END;
    if (e) return e;
    const char *state = ask_text(status, "state");
    if (strcmp(state, "failed") == 0)
        e = why_say(o->why, ERR_IO, "the server: %.200s", ask_text(status, "error"));
    if (strcmp(state, "following") == 0) {
        const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(status, "seconds");
        tell(o, (uint64_t)ask_integer(status, "points"),
             cJSON_IsNumber(seconds) ? seconds->valuedouble : 0);
    }
    if (!o->told) cli_progress_show(&o->progress, (uint64_t)ask_integer(status, "devices"));
    cJSON_Delete(status);
    return e;
}

static enum err follow_embedded(struct online *o)
{
    cJSON *answer = NULL;
    bool runs = false;
    enum err e = ask(o, "move.start", o->to->settings.store_url, &answer, &runs);
    cJSON_Delete(answer);
    if (!runs) return ERR_OK; /* it holds the lock, but is just starting or ending */
    cli_progress_start(&o->progress, o->cli, "devices copied", 0);
    while (!e && !(e = look(o))) wait_ns(LOOK_NS);
    cli_progress_end(&o->progress);
    return e == ERR_END ? ERR_OK : e;
}

/* --- a database ------------------------------------------------------------------------------- */

static void show(void *ctx, uint64_t devices)
{
    struct online *o = ctx;
    if (!o->told) cli_progress_show(&o->progress, devices);
}

static void count_pending(void *ctx, const struct migrate_line *line)
{
    *(size_t *)ctx += line->state != MIGRATE_APPLIED;
}

/* The catalog as it is, and the readings, without being the server of it. */
static enum err open_beside(struct online *o, struct store_side *beside)
{
    size_t pending = 0;
    *beside = *o->from;
    beside->dir.lock = beside->store_dir.lock = FILE_CLOSED;
    enum err e = store_open_parts(&beside->store, STORE_RAW, &beside->place, &beside->settings,
                                  clock_real(), o->why);
    if (!e)
        e = migrate_status(beside->store.db, migrations_catalog, migrations_catalog_count,
                           count_pending, &pending, o->why);
    if (!e && pending)
        e = why_say(o->why, ERR_VERSION,
                    "the source's server is of another version than this program");
    return e ? e
             : store_open_parts(&beside->store, STORE_TELEMETRY, &beside->place, &beside->settings,
                                clock_real(), o->why);
}

static enum err pass(struct online *o, struct move_job *m)
{
    int64_t start_ns = clock_mono_ns(clock_real());
    enum err e = move_job_catch_up(m);
    double seconds = (double)(clock_mono_ns(clock_real()) - start_ns) / (double)NS_PER_S;
    if (!e) tell(o, atomic_load(&m->points), seconds);
    return e;
}

static enum err copy_beside(struct online *o, struct store_side *beside)
{
    char source[TAKEOVER_SOURCE_MAX + 1] = "";
    struct move_job m = {.catalog = beside->store.db,
                         .from = beside->store.telemetry,
                         .to = o->to,
                         .shown = show,
                         .ctx = o};
    enum err e = store_side_identity(beside, source, sizeof source, o->why);
    if (!e) e = store_side_open(o->to, true, o->why);
    if (!e) e = move_job_begin(&m, source);
    if (!e) e = move_job_copy(&m);
    while (!e) {
        e = pass(o, &m);
        if (e) break;
        enum err busy = try_source(o);
        if (busy != ERR_LOCKED) e = busy ? busy : ERR_END;
        if (!e) wait_ns(PAUSE_NS);
    }
    if (e && e != ERR_END && m.why.text[0]) *o->why = m.why;
    store_side_close(o->to);
    return e == ERR_END ? ERR_OK : e;
}

static enum err follow_database(struct online *o)
{
    struct store_side beside;
    cli_progress_start(&o->progress, o->cli, "devices copied", 0);
    enum err e = open_beside(o, &beside);
    if (!e) e = copy_beside(o, &beside);
    store_side_close(&beside);
    cli_progress_end(&o->progress);
    return e;
}

enum err move_online_run(struct cli *cli, struct store_side *from, struct store_side *to,
                         struct why *why)
{
    struct online o = {.cli = cli, .from = from, .to = to, .why = why};
    enum err e;
    while ((e = try_source(&o)) == ERR_LOCKED) {
        e = from->place.remote ? follow_database(&o) : follow_embedded(&o);
        if (e) return e;
        wait_ns(LOOK_NS); /* it is ending */
    }
    why->text[0] = 0;
    return e;
}
