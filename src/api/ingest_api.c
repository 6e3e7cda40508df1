/* Telemetry in as JSON: the variants A to F of the old clients, through one pipeline. Each handler
 * decodes its form into a raw batch, admits it, writes its answer ahead and submits. */
#include "api/handlers.h"
#include "api/ingest_call.h"
#include "codec/json_telemetry.h"
#include "codec/json_write.h"

typedef enum err decode_fn(struct bytes body, struct arena *arena, struct raw_batch *batch,
                           struct why *why);

/* curl -d and small sketches name a form, plain text or nothing; a body that says it is something
 * else altogether is not read as JSON. */
static bool may_be_json(struct api_call *c)
{
    static const char *const kinds[] = {"application/json", "text/plain", "text/json",
                                        "application/octet-stream",
                                        "application/x-www-form-urlencoded"};
    struct bytes type = http_header(c->exchange, "Content-Type"), kind;
    if (!type.n) return true;
    bytes_cut(type, ';', &kind);
    kind = bytes_trim(kind);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (bytes_equal_nocase(kind, bytes_str(kinds[i]))) return true;
    return kind.n > 5 && bytes_equal_nocase(bytes_of(kind.p + kind.n - 5, 5), BYTES("+json"));
}

/* Decodes and admits; NULL when the answer is given (or under way elsewhere). */
static struct ingest_call *take(struct api_call *c, decode_fn *decode, struct bytes path_device)
{
    if (!may_be_json(c)) {
        api_problem(c, 415, "Send the body as application/json.");
        return NULL;
    }
    struct ingest_call *k = ingest_call_new(c);
    if (!k) return NULL;
    int64_t start_ns = clock_mono_ns(c->app->clock);
    struct why why = {""};
    enum err e = decode(c->request_body, &k->arena, &k->raw, &why);
    histogram_record(&c->app->ingest_metrics->decode, clock_mono_ns(c->app->clock) - start_ns);
    if (e) {
        ingest_call_refuse(k, e, &why);
        return NULL;
    }
    if (!ingest_call_admit(k, path_device)) return NULL;
    counter_add(&c->app->ingest_metrics->messages_http, 1);
    return k;
}

/* For the forms of one record: its refusal is the request's. False: answered. */
static bool single_is_good(struct ingest_call *k)
{
    if (!k->admission.refused) return true;
    struct why why;
    const struct admit_verdict *v = &k->admission.verdicts[0];
    if (v->code == ERR_LIMIT && k->admission.room.max) {
        ingest_call_refuse_room(k, v->why);
        return false;
    }
    ingest_call_refuse(k, why_say(&why, v->code, "%s", v->why), &why);
    return false;
}

static void submit_success(struct ingest_call *k)
{
    struct buf *b = k->c->body;
    json_write_open(b, '{');
    json_write_member_bool(b, "success", true);
    json_write_member_text(b, "message", "Telemetry data ingested successfully");
    json_write_close(b, '}');
    ingest_call_submit(k, 200, "application/json");
}

/* B's answer for raw record i, good or refused. */
static void write_answer(struct ingest_call *k, size_t i)
{
    struct buf *b = k->c->body;
    const struct admit_verdict *v = &k->admission.verdicts[i];
    const struct raw_record *raw = &k->raw.records[i];
    const struct reg_device *d = k->admission.raw_devices[i];
    json_write_open(b, '{');
    json_write_member_str(b, "deviceId", d ? d->external_id : raw->device_id);
    if (v->code) {
        json_write_member_text(b, "status", "error");
        json_write_member_text(b, "message", v->why);
        json_write_member_text(b, "detail", v->why);
    } else {
        json_write_member_time(b, "timestamp", k->admission.times_ns[i]);
        json_write_member_u64(b, "variablesReceived", raw->count);
        json_write_member_text(b, "status", "success");
        json_write_member_text(b, "message", "Data ingested successfully");
    }
    json_write_close(b, '}');
}

/* A: {"temperature":23.5,…} */
void ingest_flat(struct api_call *c)
{
    struct ingest_call *k = take(c, json_telemetry_flat, c->params[0]);
    if (k && single_is_good(k)) submit_success(k);
}

/* B: {deviceId,timestamp?,variables{},metadata?} */
void ingest_one(struct api_call *c)
{
    struct ingest_call *k = take(c, json_telemetry_one, bytes_of(NULL, 0));
    if (!k || !single_is_good(k)) return;
    write_answer(k, 0);
    ingest_call_submit(k, 200, "application/json");
}

/* E: as B, the device in the path. */
void ingest_device(struct api_call *c)
{
    struct ingest_call *k = take(c, json_telemetry_for_device, c->params[0]);
    if (!k) return;
    struct bytes said = k->raw.records[0].device_id;
    if (said.n && !bytes_equal(said, c->params[0])) {
        struct why why;
        ingest_call_refuse(
            k, why_say(&why, ERR_INVALID, "deviceId in the body is not the device in the address"),
            &why);
        return;
    }
    if (single_is_good(k)) submit_success(k);
}

/* C: a bare number or {"value": n}; decodes with the request's path in hand. */
static enum err decode_value(struct api_call *c, struct ingest_call *k, struct why *why)
{
    const char *bad = raw_batch_name_error(c->params[1]);
    if (bad) return why_say(why, ERR_INVALID, "%s", bad);
    double value;
    enum err e = json_telemetry_value(c->request_body, &k->arena, &value, why);
    struct raw_record *record;
    if (!e) e = raw_batch_add_record(&k->raw, 1, &record);
    if (!e) e = raw_batch_add_value(&k->raw, c->params[1], value);
    if (!e) record->count = 1;
    return e;
}

void ingest_value(struct api_call *c)
{
    struct ingest_call *k = ingest_call_new(c);
    if (!k) return;
    struct why why = {""};
    enum err e = decode_value(c, k, &why);
    if (e) {
        ingest_call_refuse(k, e, &why);
        return;
    }
    if (!ingest_call_admit(k, c->params[0]) || !single_is_good(k)) return;
    counter_add(&c->app->ingest_metrics->messages_http, 1);
    write_answer(k, 0);
    ingest_call_submit(k, 200, "application/json");
}

/* D: an array of B, answered by an array. */
void ingest_array(struct api_call *c)
{
    struct ingest_call *k = take(c, json_telemetry_array, bytes_of(NULL, 0));
    if (!k) return;
    json_write_open(c->body, '[');
    for (size_t i = 0; i < k->raw.record_count; i++) write_answer(k, i);
    json_write_close(c->body, ']');
    ingest_call_submit(k, 200, "application/json");
}

/* F: {"telemetry":[B…]}, answered by counts. */
void ingest_wrapped(struct api_call *c)
{
    struct ingest_call *k = take(c, json_telemetry_wrapped, bytes_of(NULL, 0));
    if (!k) return;
    const struct admission *a = &k->admission;
    struct buf *b = c->body;
    json_write_open(b, '{');
    json_write_member_u64(b, "successCount", a->raw_count - a->refused);
    json_write_member_u64(b, "failureCount", a->refused);
    json_write_key(b, "errors");
    json_write_open(b, '[');
    for (size_t i = 0; i < a->raw_count; i++) {
        if (!a->verdicts[i].code) continue;
        json_write_open(b, '{');
        json_write_member_u64(b, "index", i);
        json_write_member_text(b, "detail", a->verdicts[i].why);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
    json_write_close(b, '}');
    ingest_call_submit(k, 200, "application/json");
}
