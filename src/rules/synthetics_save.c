/* How far the groups have come, in the catalog (S1 in synthetics.h). */
#include "base/arena.h"
#include "rules/synthetics_state.h"
#include "store/catalog_settings.h"
#include "store/catalog_synthetics.h"

static const char clean_key[] = "synthetics.clean";

/* Everything up to there has been computed. */
static int64_t position_of(const struct synthetics *s, const struct synthetic_group *g)
{
    int64_t open_ns = g->dirty_from_ns < g->ahead_from_ns ? g->dirty_from_ns : g->ahead_from_ns;
    if (s->swept == g && s->sweep_from_ns < open_ns) open_ns = s->sweep_from_ns;
    if (open_ns <= g->position_ns) return clock_add(open_ns, -1);
    return g->position_ns;
}

static void note_candidates(struct synthetics *s)
{
    for (struct synthetic_group *g = s->first; g; g = g->next) g->candidate_ns = position_of(s, g);
}

static enum err write_candidates(struct synthetics *s, struct sql_tx *tx)
{
    enum err e = ERR_OK;
    for (struct synthetic_group *g = s->first; g && !e; g = g->next)
        if (g->candidate_ns != g->saved_ns)
            e = catalog_synthetics_set_position(tx, g->device->org, g->device->id, g->candidate_ns);
    return e;
}

static bool any_changed(const struct synthetics *s)
{
    for (const struct synthetic_group *g = s->first; g; g = g->next)
        if (g->candidate_ns != g->saved_ns) return true;
    return false;
}

static void saved(struct synthetics *s)
{
    for (struct synthetic_group *g = s->first; g; g = g->next) g->saved_ns = g->candidate_ns;
}

static void begin(struct synthetics *s)
{
    synthetic_output_flush(s->output);
    note_candidates(s);
    s->save_seq = synthetic_output_seq(s->output);
    s->save_failed = s->failed;
    s->saving = any_changed(s);
}

void synthetics_save_some(struct synthetics *s)
{
    struct sql_tx *tx;
    int64_t now_ns = clock_mono_ns(s->opts.clock);
    if (!s->saving && now_ns < s->save_due_ns) return;
    if (!s->saving) begin(s);
    s->save_due_ns = clock_add(now_ns, SYNTHETICS_SAVE_NS);
    if (!s->saving || !synthetic_output_settled(s->output, s->save_seq)) return;
    s->saving = false;
    if (s->failed != s->save_failed) return; /* positions go back first */
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, write_candidates(s, tx));
    if (!e) saved(s); /* else it is tried again at its next turn */
}

enum err synthetics_save_clean(struct synthetics *s)
{
    struct sql_tx *tx;
    const struct setting clean = {.key = bytes_str(clean_key),
                                  .value = BYTES("1"),
                                  .who = BYTES("system"),
                                  .when_ns = clock_wall_ns(s->opts.clock)};
    if (!synthetic_output_settled(s->output, synthetic_output_seq(s->output))) return ERR_TIMEOUT;
    note_candidates(s);
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = write_candidates(s, tx);
    if (!e) e = catalog_settings_put(tx, &clean);
    return sql_end(tx, e);
}

enum err synthetics_save_was_clean(struct synthetics *s, bool *ret)
{
    struct sql_tx *tx;
    struct setting clean;
    struct arena arena;
    arena_init(&arena, 16 << 10);
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (!e) {
        e = catalog_settings_get(tx, bytes_str(clean_key), &arena, &clean);
        *ret = !e;
        if (e == ERR_NOTFOUND) e = ERR_OK;
        if (!e && *ret) e = catalog_settings_remove(tx, bytes_str(clean_key));
        e = sql_end(tx, e);
    }
    arena_done(&arena);
    return e;
}
