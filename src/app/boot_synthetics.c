/* The synthetic variables' part of the start order (see boot_synthetics.h). */
#include "app/boot_synthetics.h"

#include "base/mem.h"
#include "store/nodes.h"

#include <stdio.h>

enum { TAP_BYTES_MAX = 16 << 20 };

/* One set of results in the pipeline. */
struct result_ticket {
    struct batch_ticket ticket; /* first: done() finds the rest by it */
    struct synthetic_set *set;
};

static void on_written(struct batch_ticket *t, enum err e, const struct why *why)
{
    struct result_ticket *r = (struct result_ticket *)(void *)t;
    struct synthetic_set *set = r->set;
    (void)why; /* the pipeline's figures have it; the engine tries again */
    mem_free(r);
    set->done(set, e);
}

/* Somebody waits: what is computed is to be seen as soon as it can be. */
static enum err write_results(void *ctx, struct synthetic_set *set)
{
    struct app *app = ctx;
    struct result_ticket *r = mem_zalloc(sizeof *r);
    if (!r) return ERR_FULL; /* memory comes back; so does the engine */
    r->set = set;
    r->ticket.set = set->set;
    r->ticket.waits = true;
    r->ticket.done = on_written;
    enum err e = batch_submit(app->batch, &r->ticket);
    if (e) mem_free(r);
    return e;
}

static void wake(void *tap)
{
    tap_wake(tap);
}

static void changed(void *ctx, int64_t org, int64_t device)
{
    struct boot_synthetics *b = ctx;
    synthetics_changed(b->engine, org, device);
}

/* By whoever leads. */
static enum err recompute(void *ctx, int64_t org, int64_t device, int64_t from_ns)
{
    struct boot_synthetics *b = ctx;
    char text[80];
    if (nodes_lead(b->app->nodes)) return synthetics_recompute(b->engine, org, device, from_ns);
    int n = snprintf(text, sizeof text, "%lld %lld %lld", (long long)org, (long long)device,
                     (long long)from_ns);
    nodes_tell(b->app->nodes, NODES_RECOMPUTE, bytes_of(text, (size_t)n));
    return ERR_OK;
}

void boot_synthetics_heard(struct boot_synthetics *b, struct bytes text)
{
    int64_t v[3];
    struct bytes word, rest = text;
    for (size_t i = 0; i < 3; i++) {
        rest = bytes_cut(rest, ' ', &word);
        if (!bytes_to_i64(word, &v[i])) return;
    }
    /* past its bound the request is lost, as one is that comes to the leader itself is refused */
    if (nodes_lead(b->app->nodes)) (void)!synthetics_recompute(b->engine, v[0], v[1], v[2]);
}

enum err boot_synthetics_open(struct boot_synthetics *b, struct app *app, struct why *why)
{
    b->app = app;
    const struct synthetics_opts opts = {
        .db = app->db,
        .registry = app->registry,
        .telemetry = app->telemetry,
        .clock = app->clock,
        .write = write_results,
        .write_ctx = app,
        .idle = !nodes_lead(app->nodes),
    };
    enum err e = synthetics_new(&b->engine, &opts, why);
    if (!e) e = tap_new(&b->tap, "synthetics", TAP_BYTES_MAX);
    if (e) return e;
    synthetics_set_waker(b->engine, wake, b->tap);
    b->service = (struct synthetic_service){
        .db = app->db,
        .registry = app->registry,
        .telemetry = app->telemetry,
        .clock = app->clock,
        .rnd = app->rnd,
        .changed = changed,
        .recompute = recompute,
        .engine = b,
    };
    app->synthetics = &b->service;
    return ERR_OK;
}

void boot_synthetics_start(struct boot_synthetics *b)
{
    const struct tap_watcher watcher = {
        .ctx = b->engine,
        .watches = synthetics_watches,
        .on_records = synthetics_on_records,
        .on_gap = synthetics_on_gap,
        .on_idle = synthetics_on_idle,
    };
    tap_watch(b->tap, &watcher);
    b->started = true;
}

void boot_synthetics_finish(struct boot_synthetics *b)
{
    if (!b->started) return;
    batch_flush(b->app->batch);
    synthetics_finish(b->engine);
}

void boot_synthetics_close(struct boot_synthetics *b)
{
    tap_free(b->tap);
    synthetics_free(b->engine);
}
