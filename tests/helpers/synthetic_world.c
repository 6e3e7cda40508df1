/* See synthetic_world.h. */
#include "synthetic_world.h"

#include "memory_store.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void store(struct synthetic_world *w, const struct record_set *set)
{
    struct why why = {""};
    const struct record_set *sets[] = {set};
    pthread_mutex_lock(&w->store_lock);
    enum err e = telemetry_write(w->telemetry, sets, 1, &why);
    pthread_mutex_unlock(&w->store_lock);
    if (e) fail_msg("%s", why.text);
}

static void *run_writer(void *arg)
{
    struct synthetic_world *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->queued && !w->ends) pthread_cond_wait(&w->came, &w->lock);
        if (!w->queued) break;
        struct synthetic_set *set = w->queue[0];
        memmove(w->queue, w->queue + 1, --w->queued * sizeof(struct synthetic_set *));
        enum err e = w->ends ? ERR_CLOSED : w->refuses;
        pthread_mutex_unlock(&w->lock);
        if (!e) store(w, &set->set);
        set->done(set, e);
        pthread_mutex_lock(&w->lock);
        w->away--;
        pthread_cond_broadcast(&w->came);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static enum err write_results(void *ctx, struct synthetic_set *set)
{
    struct synthetic_world *w = ctx;
    pthread_mutex_lock(&w->lock);
    bool fits = w->queued < SYNTHETIC_WORLD_SETS;
    if (fits) w->queue[w->queued++] = set;
    w->away += fits;
    pthread_cond_broadcast(&w->came);
    pthread_mutex_unlock(&w->lock);
    return fits ? ERR_OK : ERR_FULL;
}

void synthetic_world_refuse(struct synthetic_world *w, enum err e)
{
    pthread_mutex_lock(&w->lock);
    w->refuses = e;
    pthread_mutex_unlock(&w->lock);
}

static void wake(void *ctx)
{
    struct synthetic_world *w = ctx;
    if (w->finishing) synthetics_on_idle(w->engine);
}

static void changed(void *ctx, int64_t org, int64_t device)
{
    synthetics_changed(((struct synthetic_world *)ctx)->engine, org, device);
}

static enum err recompute(void *ctx, int64_t org, int64_t device, int64_t from_ns)
{
    return synthetics_recompute(((struct synthetic_world *)ctx)->engine, org, device, from_ns);
}

void synthetic_world_start(struct synthetic_world *w, size_t window_bytes)
{
    struct why why = {""};
    const struct synthetics_opts opts = {.db = w->w.db,
                                         .registry = w->w.registry,
                                         .telemetry = w->telemetry,
                                         .clock = &w->w.clock.clock,
                                         .write = write_results,
                                         .write_ctx = w,
                                         .window_bytes = window_bytes};
    if (synthetics_new(&w->engine, &opts, &why)) fail_msg("%s", why.text);
    synthetics_set_waker(w->engine, wake, w);
    w->ends = false;
    w->refuses = ERR_OK;
    assert_int_equal(pthread_create(&w->writer, NULL, run_writer, w), 0);
    w->service = (struct synthetic_service){.db = w->w.db,
                                            .registry = w->w.registry,
                                            .telemetry = w->telemetry,
                                            .clock = &w->w.clock.clock,
                                            .rnd = rnd_system(),
                                            .changed = changed,
                                            .recompute = recompute,
                                            .engine = w};
    w->device = registry_find_external(w->w.registry, w->actor.org, BYTES("pump"));
}

void synthetic_world_open(struct synthetic_world *w)
{
    struct principal p;
    struct why why = {""};
    size_t at;
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->store_lock, NULL);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->came, NULL);
    service_world_open(&w->w);
    w->telemetry = memory_store_new();
    assert_non_null(w->telemetry);
    const struct auth_tokens tokens = service_world_register(&w->w, "ada");
    assert_int_equal(service_world_ask(&w->w, tokens.access, &p), ERR_OK);
    w->actor = service_world_actor(&w->w, &p);
    struct provision item = {
        .org = w->actor.org, .external_id = BYTES("pump"), .create_device = true};
    assert_int_equal(registry_provision(w->w.registry, &item, 1, &at, &why), ERR_OK);
    synthetic_world_start(w, 0);
}

/* What is on its way is refused. */
void synthetic_world_end(struct synthetic_world *w)
{
    pthread_mutex_lock(&w->lock);
    w->ends = true;
    pthread_cond_broadcast(&w->came);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->writer, NULL);
    synthetics_free(w->engine);
}

void synthetic_world_close(struct synthetic_world *w)
{
    synthetic_world_end(w);
    w->telemetry->ops->close(w->telemetry);
    service_world_close(&w->w);
    pthread_cond_destroy(&w->came);
    pthread_mutex_destroy(&w->lock);
    pthread_mutex_destroy(&w->store_lock);
}

/* What was not saved is gone; results that were on their way never arrive. */
void synthetic_world_crash(struct synthetic_world *w)
{
    synthetic_world_end(w);
    service_world_reopen(&w->w, NULL);
    synthetic_world_start(w, 0);
}

void synthetic_world_restart(struct synthetic_world *w)
{
    w->finishing = true;
    synthetics_finish(w->engine);
    w->finishing = false;
    synthetic_world_crash(w);
}

static void wait_for_writer(struct synthetic_world *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->away) pthread_cond_wait(&w->came, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void synthetic_world_idle(struct synthetic_world *w, int turns)
{
    while (turns--) {
        clock_fake_advance(&w->w.clock, NS_PER_S);
        synthetics_on_idle(w->engine);
    }
}

void synthetic_world_settle(struct synthetic_world *w)
{
    struct synthetics_stats s = {.dirty = 1};
    synthetic_world_refuse(w, ERR_OK);
    for (int i = 0; i < 200 && s.dirty; i++) {
        synthetic_world_idle(w, 3);
        wait_for_writer(w);
        synthetics_on_idle(w->engine); /* learns what was refused */
        synthetics_read_stats(w->engine, &s);
    }
    assert_int_equal(s.dirty, 0);
}

/* One record: name[i] = value[i] where value is a number. shown: to the engine, too. */
void synthetic_world_send(struct synthetic_world *w, int64_t ts_ns, const char *const *names,
                          const double *values, size_t n, bool shown)
{
    struct point points[8];
    struct record record = {w->actor.org, w->device->id, ts_ns, 0, 0};
    for (size_t i = 0; i < n; i++) {
        struct reg_variable *v[1] = {NULL};
        struct bytes name = bytes_str(names[i]);
        struct provision item = {.org = w->actor.org,
                                 .device = w->device,
                                 .name_count = 1,
                                 .names = &name,
                                 .variables = v};
        struct why why;
        size_t at;
        if (isnan(values[i])) continue;
        assert_int_equal(registry_provision(w->w.registry, &item, 1, &at, &why), ERR_OK);
        points[record.count++] = (struct point){v[0]->id, values[i]};
    }
    const struct record_set set = {&record, 1, points, record.count};
    if (!record.count) return;
    store(w, &set);
    if (shown && synthetics_watches(w->engine, w->actor.org))
        synthetics_on_records(w->engine, &set);
}

void synthetic_world_send_one(struct synthetic_world *w, int64_t ts_ns, const char *name,
                              double value)
{
    synthetic_world_send(w, ts_ns, &name, &value, 1, true);
}

struct synthetic synthetic_world_make(struct synthetic_world *w, const char *name,
                                      const char *expression)
{
    struct synthetic y;
    struct refusal refusal = {.fields = 0};
    const struct synthetic_change given = {.name = {true, bytes_str(name)},
                                           .device = {true, BYTES("pump")},
                                           .expression = {true, bytes_str(expression)}};
    enum err e =
        synthetic_service_create(&w->service, &w->actor, &given, &w->w.arena, &y, &refusal);
    if (e) fail_msg("%s: %s %s", name, err_name(e), refusal.why.text);
    return y;
}

/* All of a variable. */
size_t synthetic_world_read(struct synthetic_world *w, const char *name, struct sample *ret,
                            size_t cap)
{
    struct reg_variable *v = registry_find_variable(w->w.registry, w->device, bytes_str(name));
    struct scan_cursor *c;
    const struct sample *samples;
    size_t n, count = 0;
    if (!v) return 0;
    const struct scan_range range = {w->actor.org, w->device->id, v->id,
                                     INT64_MIN,    INT64_MAX,     false};
    assert_int_equal(telemetry_scan_open(w->telemetry, &range, &c), ERR_OK);
    while (!telemetry_scan_next(c, &samples, &n))
        for (size_t i = 0; i < n && count < cap; i++) ret[count++] = samples[i];
    telemetry_scan_close(c);
    return count;
}

void synthetic_world_expect(struct synthetic_world *w, const char *name,
                            const struct sample *wanted, size_t n)
{
    struct sample got[64];
    size_t count = synthetic_world_read(w, name, got, 64);
    if (count != n) fail_msg("%s has %zu results, not %zu", name, count, n);
    for (size_t i = 0; i < n; i++)
        if (got[i].ts_ns != wanted[i].ts_ns || got[i].value != wanted[i].value)
            fail_msg("%s: %" PRId64 " %g, not %" PRId64 " %g", name, got[i].ts_ns, got[i].value,
                     wanted[i].ts_ns, wanted[i].value);
}
