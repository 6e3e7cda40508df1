/* One telemetry request between decoding and its answer (see ingest_call.h). */
#include "api/ingest_call.h"

#include "api/answer.h"
#include "api/quota_call.h"
#include "api/service_call.h"
#include "base/mem.h"
#include "perf/probe.h"

void ingest_metrics_note_minute(struct ingest_metrics *m)
{
    unsigned minute = atomic_load(&m->minute) + 1;
    atomic_store(&m->points_at[minute % 61], counter_read(&m->points));
    atomic_store(&m->minute, minute);
}

uint64_t ingest_metrics_last_hour(const struct ingest_metrics *m)
{
    unsigned minute = atomic_load(&m->minute);
    /* The slot after the newest is the one of 60 minutes before it; 0 until the ring is full. */
    return counter_read(&m->points) - atomic_load(&m->points_at[(minute + 1) % 61]);
}

struct ingest_call *ingest_call_new(struct api_call *c)
{
    struct ingest_call *k = mem_zalloc(sizeof *k);
    if (!k) {
        api_fail(c, ERR_NOMEM, NULL);
        return NULL;
    }
    k->c = c;
    k->app = c->app;
    k->org = c->who.org;
    arena_init(&k->arena, INGEST_ARENA_MAX);
    raw_batch_init(&k->raw, INGEST_VALUES_MAX, INGEST_VALUES_MAX);
    return k;
}

void ingest_call_free(struct ingest_call *k)
{
    quota_give(k->app->quota, k->org, LIMIT_POINTS, k->charged);
    raw_batch_done(&k->raw);
    arena_done(&k->arena);
    mem_free(k);
}

void ingest_call_refuse(struct ingest_call *k, enum err e, const struct why *why)
{
    struct api_call *c = k->c;
    ingest_call_free(k);
    api_fail(c, e, why);
}

void ingest_call_refuse_room(struct ingest_call *k, const char *why)
{
    struct api_call *c = k->c;
    struct refusal refusal = {.fields = 0};
    enum err e = refusal_limit(&refusal, limit_key(LIMIT_DEVICES), k->admission.room.max,
                               k->admission.room.max);
    (void)why_say(&refusal.why, e, "%s", why);
    ingest_call_free(k);
    service_call_refuse(c, NULL, e, &refusal, NULL);
}

static void refuse_submit(struct ingest_call *k, enum err e)
{
    struct api_call *c = k->c;
    size_t records = k->raw.record_count;
    ingest_call_free(k);
    if (e == ERR_TOOLARGE)
        api_problem(c, 413,
                    "%zu records in one request are more than the queue holds "
                    "(pilot.telemetry.queue-capacity); send them in parts.",
                    records);
    else if (e == ERR_FULL)
        api_problem(c, 503,
                    "The write queue is full (pilot.telemetry.queue-capacity); nothing of "
                    "this request was taken. Send it again in a moment.");
    else
        api_fail(c, e, NULL);
}

/* Before anything is made of it: charged is what the body carries, and what is refused record by
 * record is given back. False: answered, or running again where it may ask the store. */
static bool charge(struct ingest_call *k)
{
    struct api_call *c = k->c;
    struct quota_state s;
    int64_t points = (int64_t)k->raw.value_count;
    enum err e = quota_take(k->app->quota, k->org, LIMIT_POINTS, points, !c->on_loop, &s);
    if (!e) {
        k->charged = points;
        return true;
    }
    ingest_call_free(k);
    if (e == ERR_MORE)
        api_offload(c, ON_TELEMETRY);
    else if (e == ERR_RATE || e == ERR_TOOLARGE)
        quota_call_refuse(c, e, LIMIT_POINTS, points, &s);
    else
        api_fail(c, e, NULL);
    return false;
}

bool ingest_call_admit(struct ingest_call *k, struct bytes path_device)
{
    struct api_call *c = k->c;
    struct app *app = c->app;
    int64_t start_ns = clock_mono_ns(app->clock);
    struct why why = {""};
    /* Here too, not only at submit: what is refused whole must not have made devices before. */
    if (batch_is_too_large(app->batch, k->raw.record_count)) {
        refuse_submit(k, ERR_TOOLARGE);
        return false;
    }
    if (!charge(k)) return false;
    struct actor actor; /* who makes what is new; on a loop nothing is made */
    if (!c->on_loop) actor = service_call_actor(c);
    if (!c->on_loop) c->who.as = &actor;
    enum err e = admit_resolve(app->admit, &c->who, path_device, &k->raw, !c->on_loop, &k->arena,
                               &k->admission, &why);
    c->who.as = NULL;
    if (e == ERR_MORE) { /* something is new: the catalog blocks, a loop may not */
        ingest_call_free(k);
        api_offload(c, ON_TELEMETRY);
        return false;
    }
    if (e) {
        ingest_call_refuse(k, e, &why);
        return false;
    }
    int64_t unused = k->charged - (int64_t)k->admission.set.point_count;
    quota_give(app->quota, k->org, LIMIT_POINTS, unused);
    k->charged -= unused;
    histogram_record(&app->ingest_metrics->admit, clock_mono_ns(app->clock) - start_ns);
    counter_add(&app->ingest_metrics->records_refused, k->admission.refused);
    return true;
}

static void say_promise(struct ingest_call *k, bool durable)
{
    http_add_header(k->c->exchange, "SensorVision-Ack",
                    durable ? BYTES("durable") : BYTES("queued"));
    if (k->skipped.p) http_add_header(k->c->exchange, "X-Skipped-Fields", k->skipped);
}

/* Not counted by itself (the pipeline has it by stages): the reason why a request was slow. */
static struct probe write_wait = PROBE_INIT(PROBE_STORE, "durable_write");

/* On the writer's thread: the set is durable, or refused. */
static void on_written(struct batch_ticket *t, enum err e, const struct why *why)
{
    struct ingest_call *k = (struct ingest_call *)(void *)t;
    struct api_call *c = k->c; /* gone already when the answer did not wait */
    if (!e) {
        k->charged = 0;
        if (!k->history) admit_note_seen(&k->admission);
        counter_add(&k->app->ingest_metrics->points, k->admission.set.point_count);
    }
    if (k->queued) { /* nobody waits; the failure stands in the pipeline's figures */
        ingest_call_free(k);
        return;
    }
    answer_note_wait(c, &write_wait, clock_mono_ns(k->app->clock) - t->queued_ns);
    if (e) {
        ingest_call_free(k);
        api_fail(c, e, why);
    } else {
        say_promise(k, true);
        api_answer(c, k->status, k->content_type);
        ingest_call_free(k);
    }
    api_end(c);
}

/* Nothing in it is to be stored: the answer needs no disk. */
static void answer_empty(struct ingest_call *k, int status, const char *content_type)
{
    struct api_call *c = k->c;
    if (k->skipped.p) http_add_header(c->exchange, "X-Skipped-Fields", k->skipped);
    ingest_call_free(k);
    api_answer(c, status, content_type);
}

/* Records, rather: who repeats a device is told so for each. */
static int64_t devices_refused(const struct admission *a)
{
    int64_t n = 0;
    for (size_t i = 0; i < a->raw_count; i++) n += a->verdicts[i].code == ERR_LIMIT;
    return n;
}

void ingest_call_submit(struct ingest_call *k, int status, const char *content_type)
{
    struct api_call *c = k->c;
    if (k->admission.room.max) /* of one record alone it is the answer, which notes it itself */
        service_call_note_refusal(c, limit_key(LIMIT_DEVICES), devices_refused(&k->admission));
    if (!k->admission.set.record_count) {
        answer_empty(k, status, content_type);
        return;
    }
    bool waits = atomic_load_explicit(&c->app->live.ack_durable, memory_order_relaxed);
    k->status = status;
    k->content_type = content_type;
    k->queued = !waits;
    k->ticket.set = k->admission.set;
    k->ticket.waits = waits;
    k->ticket.done = on_written;
    if (waits) {
        c->kept = true; /* before submit: the answer may come at once, from the writer */
        enum err e = batch_submit(c->app->batch, &k->ticket);
        if (!e) return;
        c->kept = false;
        refuse_submit(k, e);
        return;
    }
    say_promise(k, false);
    enum err e = batch_submit(c->app->batch, &k->ticket);
    if (e)
        refuse_submit(k, e);
    else
        api_answer(c, status, content_type);
}
