/* Telemetry in as InfluxDB line protocol (variant G), for agents that speak it: /write as version
 * 1,
 * /api/v2/write as version 2. Good lines are kept, bad ones are named. */
#include "api/handlers.h"
#include "api/ingest_call.h"
#include "codec/json_write.h"
#include "codec/line_protocol.h"

enum { NAMED_LINES_MAX = 100 }; /* bad lines named in one answer; the rest is counted */

void write_ping(struct api_call *c)
{
    api_answer(c, 204, NULL);
}

static void say_bad_lines(struct ingest_call *k, struct buf *text, uint32_t *ret_first)
{
    size_t named = 0;
    for (size_t i = 0; i < k->admission.raw_count; i++) {
        const struct admit_verdict *v = &k->admission.verdicts[i];
        if (!v->code) continue;
        if (!named) *ret_first = k->raw.records[i].line;
        if (++named > NAMED_LINES_MAX) continue;
        buf_printf(text, "%sline %u: %s", named > 1 ? "; " : "", k->raw.records[i].line, v->why);
    }
    if (named > NAMED_LINES_MAX)
        buf_printf(text, "; and %zu more", named - (size_t)NAMED_LINES_MAX);
}

static void answer_bad_lines(struct ingest_call *k, bool version_2)
{
    struct buf text, *b = k->c->body;
    uint32_t first = 0;
    buf_init(&text, 64 * 1024);
    say_bad_lines(k, &text, &first);
    json_write_open(b, '{');
    if (version_2) {
        json_write_member_text(b, "code", "invalid");
        json_write_member_str(b, "message", buf_bytes(&text));
        json_write_member_u64(b, "line", first);
    } else {
        struct buf sentence;
        buf_init(&sentence, 66 * 1024);
        buf_add_str(&sentence, "partial write: ");
        buf_add_bytes(&sentence, buf_bytes(&text));
        json_write_member_str(b, "error", buf_bytes(&sentence));
        buf_done(&sentence);
    }
    json_write_close(b, '}');
    buf_done(&text);
    ingest_call_submit(k, 400, "application/json");
}

static void answer_unit(struct api_call *c, bool version_2)
{
    json_write_open(c->body, '{');
    if (version_2) json_write_member_text(c->body, "code", "invalid");
    json_write_member_text(c->body, version_2 ? "message" : "error",
                           "precision may be ns, us, ms or s");
    json_write_close(c->body, '}');
    api_ok(c, 400);
}

static void write_lines(struct api_call *c, bool version_2)
{
    struct app *app = c->app;
    struct line_protocol_opts opts = {
        .property_tags = app->property_tags,
        .property_tag_count = app->property_tag_count,
    };
    if (!line_protocol_unit(api_query(c, "precision"), &opts.unit_ns)) {
        answer_unit(c, version_2);
        return;
    }
    struct ingest_call *k = ingest_call_new(c);
    if (!k) return;
    struct why why = {""};
    int64_t start_ns = clock_mono_ns(app->clock);
    enum err e = line_protocol_decode(c->request_body, &opts, &k->arena, &k->raw, &why);
    histogram_record(&app->ingest_metrics->decode, clock_mono_ns(app->clock) - start_ns);
    if (e) {
        ingest_call_refuse(k, e, &why);
        return;
    }
    if (!ingest_call_admit(k, bytes_of(NULL, 0))) return;
    counter_add(&app->ingest_metrics->messages_line_protocol, 1);
    char *skipped = arena_printf(&k->arena, "%llu", (unsigned long long)k->raw.skipped_fields);
    if (k->raw.skipped_fields && skipped) k->skipped = bytes_str(skipped);
    if (k->admission.refused)
        answer_bad_lines(k, version_2);
    else
        ingest_call_submit(k, 204, NULL);
}

void write_v1(struct api_call *c)
{
    write_lines(c, false);
}

void write_v2(struct api_call *c)
{
    write_lines(c, true);
}
