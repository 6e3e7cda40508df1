/* From the catalog to groups, at start and when something changed (see synthetics_state.h). */
#include "base/arena.h"
#include "base/mem.h"
#include "rules/synthetics_state.h"
#include "store/catalog_synthetics.h"

enum { DEVICES_AT_ONCE = 100, ARENA_MAX = 64 << 20 };

struct synthetic_group *synthetics_find(const struct synthetics *s, int64_t device)
{
    uint64_t key = (uint64_t)device;
    return map_get(&s->groups, map_u64(&key));
}

static void drop(struct synthetics *s, struct synthetic_group *g)
{
    if (s->swept == g) synthetics_sweep_stop(s);
    if (g->dirty_from_ns != NOT_DIRTY) s->dirty_count--;
    struct synthetic_group **at = &s->first;
    while (*at != g) at = &(*at)->next;
    *at = g->next;
    map_remove(&s->groups, map_u64(&g->key));
    atomic_fetch_sub(&s->orgs[g->device->org % SYNTHETIC_ORGS], 1);
    s->group_count--;
    synthetic_group_free(g);
}

static enum err add(struct synthetics *s, struct synthetic_group *g)
{
    enum err e = map_put(&s->groups, map_u64(&g->key), g);
    if (e) return e;
    g->next = s->first;
    s->first = g;
    s->group_count++;
    atomic_fetch_add(&s->orgs[g->device->org % SYNTHETIC_ORGS], 1);
    return ERR_OK;
}

/* What the old one had done, the new one need not do again; it reads its windows anew. */
static void inherit(struct synthetics *s, struct synthetic_group *g, struct synthetic_group *old)
{
    if (s->swept == old) synthetics_sweep_stop(s);
    g->position_ns = old->position_ns;
    g->seen_ns = old->seen_ns;
    g->saved_ns = old->saved_ns;
    g->ahead_from_ns = old->ahead_from_ns;
    g->to_latest = old->to_latest;
    if (old->dirty_from_ns != NOT_DIRTY) synthetics_mark(s, g, old->dirty_from_ns, 0);
}

static void mark_variables(struct synthetics *s, const struct synthetic *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct reg_variable *v =
            registry_find_variable_id(s->opts.registry, rows[i].org, rows[i].series);
        if (v) atomic_store(&v->computed, true);
    }
}

static void drain_output(void *ctx)
{
    struct synthetics *s = ctx;
    synthetic_output_drain(s->output);
}

/* All rows of one device: its group, or none when nothing of it is enabled. */
static enum err install(struct synthetics *s, int64_t org, int64_t device,
                        const struct synthetic *rows, size_t n, int64_t position_ns)
{
    const struct synthetic_parts parts = {s->opts.registry, s->opts.telemetry, &s->budget,
                                          drain_output, s};
    struct reg_device *d = registry_find_key(s->opts.registry, org, device);
    struct synthetic_group *old = synthetics_find(s, device), *g = NULL;
    size_t enabled = 0;
    for (size_t i = 0; i < n; i++) enabled += rows[i].enabled;
    mark_variables(s, rows, n);
    if (enabled && d) {
        enum err e = synthetic_group_new(&g, &parts, d, rows, n);
        if (e) return e;
        g->position_ns = g->saved_ns = position_ns;
        g->seen_ns = INT64_MIN;
        g->dirty_from_ns = g->ahead_from_ns = NOT_DIRTY;
        if (old) inherit(s, g, old);
    }
    if (old) drop(s, old);
    if (!g) return ERR_OK;
    g->kept = true;
    enum err e = add(s, g);
    if (e) synthetic_group_free(g);
    return e;
}

static enum err read_device(struct synthetics *s, int64_t org, int64_t device, struct arena *arena,
                            struct synthetic **rows, size_t *n, int64_t *position_ns)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    *position_ns = INT64_MIN;
    e = catalog_synthetics_list_device(tx, org, device, arena, rows, n);
    if (!e) e = catalog_synthetics_position(tx, org, device, position_ns);
    return sql_end(tx, e == ERR_NOTFOUND ? ERR_OK : e);
}

enum err synthetics_load_device(struct synthetics *s, int64_t org, int64_t device)
{
    struct arena arena;
    struct synthetic *rows = NULL;
    size_t n = 0;
    int64_t position_ns;
    arena_init(&arena, ARENA_MAX);
    enum err e = read_device(s, org, device, &arena, &rows, &n, &position_ns);
    if (!e) e = install(s, org, device, rows, n, position_ns);
    arena_done(&arena);
    return e;
}

/* The next devices behind *after; *ret_n: how many. */
static enum err load_some(struct synthetics *s, int64_t *after, size_t *ret_n)
{
    struct arena arena;
    struct sql_tx *tx;
    struct synthetic *rows = NULL;
    size_t n = 0, devices = 0;
    arena_init(&arena, ARENA_MAX);
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (!e)
        e = sql_end(tx, catalog_synthetics_load(tx, *after, DEVICES_AT_ONCE, &arena, &rows, &n));
    for (size_t i = 0; i < n && !e; i++) {
        if (i && rows[i].device == rows[i - 1].device) continue;
        e = synthetics_load_device(s, rows[i].org, rows[i].device);
        *after = rows[i].device;
        devices++;
    }
    arena_done(&arena);
    *ret_n = devices;
    return e;
}

enum err synthetics_load_all(struct synthetics *s)
{
    int64_t after = 0;
    size_t n = 1;
    enum err e = ERR_OK;
    for (struct synthetic_group *g = s->first; g; g = g->next) g->kept = false;
    while (n && !e) e = load_some(s, &after, &n);
    if (e) return e;
    for (struct synthetic_group *g = s->first, *next; g; g = next) {
        next = g->next;
        if (!g->kept) drop(s, g);
    }
    return ERR_OK;
}

void synthetics_load_nothing(struct synthetics *s)
{
    synthetics_sweep_stop(s);
    while (s->first) drop(s, s->first);
    s->saving = false;
}

enum err synthetics_load_start(struct synthetics *s)
{
    bool clean = false;
    enum err e = synthetics_save_was_clean(s, &clean);
    if (!e) e = synthetics_load_all(s);
    for (struct synthetic_group *g = s->first; g && !e; g = g->next) {
        int64_t latest_ns = INT64_MIN, from_ns = clock_add(g->position_ns, 1);
        e = synthetic_group_latest(g, &latest_ns);
        if (e || latest_ns == INT64_MIN) continue;
        if (!clean) from_ns = clock_add(g->position_ns, -SYNTHETICS_MARGIN_NS);
        if (from_ns > latest_ns) continue;
        g->to_latest = true;
        synthetics_mark(s, g, from_ns, 0);
    }
    return e;
}
