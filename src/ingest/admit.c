/* From raw records to a record set (see admit.h). One pass resolves what memory knows; what is new
 * is gathered into one catalog transaction (admit_provision.c) and the pass runs again. */
#include "ingest/admit.h"

#include "base/mem.h"
#include "ingest/admit_internal.h"

#define LIVE_NS   (60 * NS_PER_MINUTE) /* an older record does not make a device ONLINE */
#define FUTURE_NS NS_PER_DAY

enum err admit_new(struct admit **ret, const struct admit_opts *opts)
{
    struct admit *a = mem_zalloc(sizeof *a);
    if (!a) return ERR_NOMEM;
    a->opts = *opts;
    *ret = a;
    return ERR_OK;
}

void admit_free(struct admit *a)
{
    mem_free(a);
}

static struct admit_verdict refuse(enum err code, const char *why)
{
    return (struct admit_verdict){code, why};
}

/* Finds the device; NULL with a verdict, or with verdict OK when it may be made. */
static struct reg_device *find_device(struct resolve *r, struct bytes id, struct admit_verdict *v)
{
    const struct principal *who = r->who;
    *v = refuse(ERR_OK, NULL);
    const char *bad = raw_batch_device_error(id);
    if (bad) {
        *v = refuse(ERR_INVALID, bad);
        return NULL;
    }
    struct reg_device *d = r->last_device;
    if (!d || !bytes_equal(id, r->last_id))
        d = registry_find_device(r->a->opts.registry, who->org, id);
    if (who->kind == PRINCIPAL_DEVICE && r->a->opts.token_own_device && d != who->device) {
        *v = refuse(ERR_FORBIDDEN, "this token may send for its own device only");
        return NULL;
    }
    if (!d) {
        if (!r->a->opts.auto_provision)
            *v = refuse(ERR_NOTFOUND, "no such device; create it first, or send with its own id");
        return NULL;
    }
    r->last_device = d;
    r->last_id = id;
    if (!atomic_load_explicit(&d->active, memory_order_relaxed))
        *v = refuse(ERR_FORBIDDEN, "this device is disabled; enable it to send again");
    return d;
}

/* Keeps a server-assigned time unused: later than every time given before, and than every time up
 * to now that the device named itself. */
static int64_t assign_time(struct reg_device *d, int64_t now_ns)
{
    int64_t last = atomic_load_explicit(&d->last_assigned_ns, memory_order_relaxed), t;
    do t = now_ns > last ? now_ns : last + 1;
    while (!atomic_compare_exchange_weak_explicit(&d->last_assigned_ns, &last, t,
                                                  memory_order_relaxed, memory_order_relaxed));
    return t;
}

static void note_named_time(struct reg_device *d, int64_t ts, int64_t now_ns)
{
    int64_t last = atomic_load_explicit(&d->last_assigned_ns, memory_order_relaxed);
    while (ts > last && ts <= now_ns &&
           !atomic_compare_exchange_weak_explicit(&d->last_assigned_ns, &last, ts,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

static struct admit_verdict check_time(const struct resolve *r, const struct raw_record *raw)
{
    if (!raw->has_time) return refuse(ERR_OK, NULL);
    if (raw->ts_ns < r->cutoff_ns)
        return refuse(ERR_IMPOSSIBLE, "timestamp is older than your organisation keeps data "
                                      "(pilot.data-retention-days)");
    if (raw->ts_ns > r->now_ns + FUTURE_NS)
        return refuse(ERR_IMPOSSIBLE, "timestamp is more than a day ahead of the server's clock");
    return refuse(ERR_OK, NULL);
}

static struct admit_verdict refuse_computed(struct resolve *r, struct bytes name)
{
    const char *why = arena_printf(r->arena,
                                   "%.*s is a synthetic variable: it is computed here, a message "
                                   "cannot carry it",
                                   (int)name.n, name.p);
    return why ? refuse(ERR_INVALID, why) : refuse(ERR_NOMEM, NULL);
}

/* Appends the record's points; false when a variable is new, or *v says why not. */
static bool add_points(struct resolve *r, struct reg_device *d, const struct raw_record *raw,
                       struct admit_verdict *ret)
{
    struct record_set *set = &r->out->set;
    size_t start = set->point_count;
    for (uint32_t i = 0; i < raw->count; i++) {
        const struct raw_value *value = &r->raw->values[raw->first + i];
        struct reg_variable *v = registry_find_variable(r->a->opts.registry, d, value->name);
        bool computed = v && atomic_load_explicit(&v->computed, memory_order_relaxed);
        if (computed) *ret = refuse_computed(r, value->name);
        if (!v || computed) {
            set->point_count = start;
            return false;
        }
        set->points[set->point_count++] = (struct point){v->id, value->value};
    }
    return true;
}

static void add_record(struct resolve *r, size_t i, struct reg_device *d, size_t first_point)
{
    const struct raw_record *raw = &r->raw->records[i];
    struct admission *out = r->out;
    int64_t ts = raw->has_time ? raw->ts_ns : assign_time(d, r->now_ns);
    if (raw->has_time) note_named_time(d, ts, r->now_ns);
    out->times_ns[i] = ts;
    out->raw_devices[i] = d;
    out->devices[out->set.record_count] = d;
    out->set.records[out->set.record_count++] = (struct record){
        .org = d->org,
        .device = d->id,
        .ts_ns = ts,
        .first = (uint32_t)first_point,
        .count = (uint32_t)(out->set.point_count - first_point),
    };
}

/* One raw record. Returns whether the catalog is needed for it. */
static bool resolve_record(struct resolve *r, size_t i)
{
    const struct raw_record *raw = &r->raw->records[i];
    struct admit_verdict *v = &r->out->verdicts[i];
    if (v->code) return false; /* refused by the catalog in the pass before */
    if (raw->error) {
        *v = refuse(ERR_INVALID, raw->error);
        return false;
    }
    struct reg_device *d = find_device(r, admit_id_of(r, i), v);
    if (!v->code) {
        *v = check_time(r, raw);
        if (v->code && d) atomic_fetch_add_explicit(&d->times_refused, 1, memory_order_relaxed);
    }
    if (v->code) return false;
    size_t first = r->out->set.point_count;
    if (!d) return true;
    if (!r->properties_written && admit_properties_changed(r, d, i)) return true;
    if (!add_points(r, d, raw, v)) return v->code == ERR_OK;
    add_record(r, i, d, first);
    return false;
}

/* Returns how many records need the catalog. */
static size_t resolve_all(struct resolve *r)
{
    struct admission *out = r->out;
    out->set.record_count = out->set.point_count = out->refused = 0;
    r->last_device = NULL;
    size_t wanting = 0;
    for (size_t i = 0; i < r->raw->record_count; i++) {
        r->wants[i] = resolve_record(r, i);
        wanting += r->wants[i];
        out->refused += out->verdicts[i].code != ERR_OK;
    }
    return wanting;
}

static enum err alloc_admission(struct resolve *r, struct arena *arena)
{
    size_t n = r->raw->record_count, points = r->raw->value_count;
    struct admission *out = r->out;
    *out = (struct admission){.raw_count = n, .received_ns = r->now_ns};
    out->set.records = arena_alloc(arena, n * sizeof *out->set.records);
    out->set.points = arena_alloc(arena, points * sizeof *out->set.points);
    out->devices = arena_alloc(arena, n * sizeof(struct reg_device *));
    out->raw_devices = arena_zalloc(arena, n * sizeof(struct reg_device *));
    out->verdicts = arena_zalloc(arena, n * sizeof *out->verdicts);
    out->times_ns = arena_zalloc(arena, n * sizeof *out->times_ns);
    r->wants = arena_alloc(arena, n);
    bool all = out->set.records && out->set.points && out->devices && out->raw_devices &&
               out->verdicts && out->times_ns && r->wants;
    return all ? ERR_OK : ERR_NOMEM;
}

enum err admit_resolve(struct admit *a, const struct principal *who, struct bytes path_device,
                       const struct raw_batch *raw, bool may_block, struct arena *arena,
                       struct admission *ret, struct why *why)
{
    int64_t now_ns = clock_wall_ns(a->opts.clock);
    struct resolve r = {
        .a = a,
        .who = who,
        .path_device = path_device,
        .raw = raw,
        .out = ret,
        .now_ns = now_ns,
        .cutoff_ns = retention_cutoff_ns(a->opts.retention, who->org, now_ns),
        .arena = arena,
    };
    enum err e = alloc_admission(&r, arena);
    if (e) return e;
    size_t wanting = resolve_all(&r);
    while (wanting) {
        if (!may_block) return ERR_MORE;
        if ((e = admit_provision(&r, why))) return e;
        size_t left = resolve_all(&r);
        if (left >= wanting)
            return ERR_INTERNAL; /* the catalog made what the registry cannot find */
        wanting = left;
    }
    return ERR_OK;
}

void admit_note_seen(const struct admission *admission)
{
    int64_t now_ns = admission->received_ns;
    for (size_t i = 0; i < admission->set.record_count; i++) {
        if (admission->set.records[i].ts_ns < now_ns - LIVE_NS) continue;
        struct reg_device *d = admission->devices[i];
        int64_t seen = atomic_load_explicit(&d->last_seen_ns, memory_order_relaxed);
        while (seen < now_ns &&
               !atomic_compare_exchange_weak_explicit(&d->last_seen_ns, &seen, now_ns,
                                                      memory_order_relaxed, memory_order_relaxed))
            continue;
        atomic_store_explicit(&d->seen_dirty, true, memory_order_release);
    }
}
