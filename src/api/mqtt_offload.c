/* A message that names something new: its device or variable is made in the catalog, which blocks,
 * so it goes through an executor of its own and is written alone (see mqtt_api.h). So does one
 * whose place in a limit has to be asked for. */
#include "api/mqtt_internal.h"
#include "base/mem.h"
#include "pilot/quota.h"

struct job {
    struct batch_ticket ticket;
    struct work work;
    struct loop_task returned;
    struct mqtt_api *api;
    struct mqtt_receipt *receipt;
    struct mqtt_client client; /* as it was */
    struct arena arena;
    struct raw_batch raw;
    struct admission admission;
    struct bytes topic, payload; /* in the arena */
    int64_t org, charged;        /* points of the day, given back unless they are stored */
    enum mqtt_reason reason;
    bool paced;
};

static void free_job(struct job *j)
{
    quota_give(j->api->app->quota, j->org, LIMIT_POINTS, j->charged);
    raw_batch_done(&j->raw);
    arena_done(&j->arena);
    mem_free(j);
}

static void on_returned(struct loop_task *t)
{
    struct job *j = (struct job *)((char *)t - offsetof(struct job, returned));
    if (j->reason)
        mqtt_ingest_refuse(j->api, j->receipt, j->reason);
    else
        mqtt_settle(j->receipt, MQTT_SUCCESS);
    free_job(j);
}

static void give_back(struct job *j, enum mqtt_reason reason)
{
    j->reason = reason;
    j->returned.run = on_returned;
    loop_post(mqtt_loop_of(j->receipt->conn), &j->returned);
}

static void on_written(struct batch_ticket *t, enum err e, const struct why *why)
{
    struct job *j = (struct job *)(void *)t;
    struct ingest_metrics *m = j->api->app->ingest_metrics;
    (void)why;
    if (!e) {
        j->charged = 0;
        admit_note_seen(&j->admission);
        counter_add(&m->points, j->admission.set.point_count);
        counter_add(&m->messages_mqtt, 1);
    }
    give_back(j, mqtt_ingest_reason(e));
}

static enum err admit_and_submit(struct job *j, const struct mqtt_said *said)
{
    struct app *app = j->api->app;
    struct why why;
    if (batch_is_too_large(app->batch, j->raw.record_count)) return ERR_TOOLARGE;
    enum err e = j->paced ? ERR_OK : mqtt_ingest_pace(j->api, &said->who, true);
    if (!e) e = mqtt_ingest_charge(j->api, &said->who, &j->raw, true);
    if (e) return e;
    j->charged = (int64_t)j->raw.value_count;
    j->org = said->who.org;
    e = admit_resolve(app->admit, &said->who, said->device, &j->raw, true, &j->arena, &j->admission,
                      &why);
    if (!e && j->admission.room.max)
        mqtt_ingest_note(j->api, &said->who, limit_key(LIMIT_DEVICES), 1);
    for (size_t i = 0; i < j->admission.raw_count && !e; i++) e = j->admission.verdicts[i].code;
    if (e) return e;
    j->ticket.set = j->admission.set;
    j->ticket.waits = true;
    j->ticket.done = on_written;
    return batch_submit(app->batch, &j->ticket);
}

static void run(struct work *w)
{
    struct job *j = (struct job *)((char *)w - offsetof(struct job, work));
    struct mqtt_said said;
    enum mqtt_reason reason =
        mqtt_message_read(j->api, &j->client, j->topic, j->payload, &j->arena, &j->raw, &said);
    if (!reason) {
        enum err e = admit_and_submit(j, &said);
        if (!e) return;
        reason = mqtt_ingest_reason(e);
    }
    give_back(j, reason);
}

static struct job *new_job(struct mqtt_api *api, struct mqtt_receipt *r,
                           const struct mqtt_publish *p)
{
    struct job *j = mem_zalloc(sizeof *j);
    if (!j) return NULL;
    j->api = api;
    j->receipt = r;
    j->client = *(const struct mqtt_client *)*mqtt_user(r->conn);
    j->work.run = run;
    arena_init(&j->arena, MQTT_SCRATCH_MAX);
    raw_batch_init(&j->raw, INGEST_VALUES_MAX, INGEST_VALUES_MAX);
    j->topic = arena_copy(&j->arena, p->topic);
    j->payload = arena_copy(&j->arena, p->payload);
    if (j->topic.p && j->payload.p) return j;
    free_job(j);
    return NULL;
}

void mqtt_offload_publish(struct mqtt_api *api, struct mqtt_receipt *r,
                          const struct mqtt_publish *p, bool paced)
{
    struct job *j = new_job(api, r, p);
    if (j) j->paced = paced;
    enum err e = j ? executor_submit(api->app->telemetry_pool, &j->work) : ERR_NOMEM;
    if (!e) {
        mqtt_hold(r);
        return;
    }
    if (j) free_job(j);
    mqtt_ingest_refuse(api, r, mqtt_ingest_reason(e));
}
