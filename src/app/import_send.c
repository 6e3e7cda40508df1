/* Batches to the server (see import_send.h). */
#include "app/import_send.h"

#include "base/mem.h"
#include "codec/json_write.h"

#include <cjson/cJSON.h>
#include <time.h>

enum { BODY_MAX = 15 << 20, FULL_TRIES = 5, FULL_WAIT_MAX_S = 30 };

struct import_sender {
    struct http_client *client;
    size_t batch;
    int64_t shift_ns;
    struct buf body;
    uint64_t *lines; /* owned: of each record or line in the body */
    size_t count;
    bool by_line; /* line protocol */
    struct import_sent sent;
};

enum err import_send_open(struct import_sender **ret, struct http_client *client, size_t batch,
                          int64_t shift_ns)
{
    struct import_sender *s = mem_zalloc(sizeof *s);
    if (!s) return ERR_NOMEM;
    s->client = client;
    s->batch = batch;
    s->shift_ns = shift_ns;
    s->lines = mem_array(batch, sizeof *s->lines);
    buf_init(&s->body, BODY_MAX);
    if (!s->lines) {
        mem_free(s);
        return ERR_NOMEM;
    }
    *ret = s;
    return ERR_OK;
}

void import_send_close(struct import_sender *s)
{
    if (!s) return;
    buf_done(&s->body);
    mem_free(s->lines);
    mem_free(s);
}

struct import_sent import_send_result(const struct import_sender *s)
{
    return s->sent;
}

/* Names the first line that is not stored, and passes the reason on. */
static enum err refuse_at(struct import_sender *s, size_t i, const char *text, struct why *why)
{
    uint64_t line = s->lines[i < s->count ? i : 0];
    s->sent.from_line = line;
    return why_say(why, ERR_INVALID, "line %llu was refused: %s", (unsigned long long)line, text);
}

/* The answers of a bulk stand in the order of its records; the first that is no success counts. */
static enum err check_bulk(struct import_sender *s, const struct http_answer *answer,
                           struct why *why)
{
    cJSON *root = cJSON_ParseWithLength(answer->body.p ? answer->body.p : "", answer->body.n);
    const cJSON *item;
    enum err e = ERR_OK;
    size_t i = 0;
    cJSON_ArrayForEach(item, root)
    {
        const char *status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "status"));
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "message"));
        if (!status || strcmp(status, "success") != 0) {
            e = refuse_at(s, i, text ? text : "the server does not say why", why);
            break;
        }
        i++;
    }
    if (!e && i != s->count) e = refuse_at(s, 0, "the server's answer is not one per record", why);
    cJSON_Delete(root);
    s->sent.records += i;
    return e;
}

static enum err refuse_whole(struct import_sender *s, const struct http_answer *answer,
                             struct why *why)
{
    struct why inner;
    size_t i = 0;
    http_client_explain(answer, &inner);
    if (s->by_line) { /* "line" of the answer counts the lines of the body */
        cJSON *root = cJSON_ParseWithLength(answer->body.p ? answer->body.p : "", answer->body.n);
        const cJSON *line = cJSON_GetObjectItemCaseSensitive(root, "line");
        if (cJSON_IsNumber(line) && line->valuedouble >= 1) i = (size_t)line->valuedouble - 1;
        cJSON_Delete(root);
    }
    return refuse_at(s, i, inner.text, why);
}

static bool is_full(const struct http_answer *answer)
{
    return answer->status == 503 || answer->status == 429;
}

static enum err post(struct import_sender *s, struct http_answer *ret, struct why *why)
{
    struct http_request request = {
        .method = "POST",
        .path = s->by_line ? "/api/v2/write?precision=ns" : "/api/v1/data/bulk",
        .content_type = s->by_line ? "text/plain; charset=utf-8" : "application/json",
        .body = buf_bytes(&s->body)};
    enum err e = http_client_send(s->client, &request, ret, why);
    for (int i = 0; !e && is_full(ret) && i < FULL_TRIES; i++) {
        int64_t wait_s = ret->retry_after_s > 0 ? ret->retry_after_s : 1;
        if (wait_s > FULL_WAIT_MAX_S) break;
        nanosleep(&(struct timespec){.tv_sec = (time_t)wait_s}, NULL);
        e = http_client_send(s->client, &request, ret, why);
    }
    return e;
}

enum err import_send_flush(struct import_sender *s, struct why *why)
{
    struct http_answer answer;
    if (!s->count) return ERR_OK;
    if (!s->by_line) json_write_close(&s->body, ']');
    if (s->body.err)
        return why_say(why, s->body.err, "a batch is larger than %d MiB; use a smaller --batch",
                       BODY_MAX >> 20);
    enum err e = post(s, &answer, why);
    if (e) {
        s->sent.from_line = s->lines[0];
        return e;
    }
    if (answer.status < 200 || answer.status > 299)
        e = refuse_whole(s, &answer, why);
    else if (s->by_line)
        s->sent.records += s->count;
    else
        e = check_bulk(s, &answer, why);
    buf_clear(&s->body);
    s->count = 0;
    return e;
}

static void write_record(struct import_sender *s, const struct import_record *r)
{
    struct buf *b = &s->body;
    json_write_open(b, '{');
    json_write_member_str(b, "deviceId", r->device);
    if (r->timed) json_write_member_time(b, "timestamp", r->ts_ns + s->shift_ns);
    json_write_key(b, "variables");
    json_write_open(b, '{');
    for (size_t i = 0; i < r->n; i++) {
        json_write_key_bytes(b, r->names[i]);
        json_write_number(b, r->values[i]);
    }
    json_write_close(b, '}');
    if (r->metadata.n) {
        json_write_key(b, "metadata");
        json_write_raw(b, r->metadata);
    }
    json_write_close(b, '}');
}

enum err import_send_record(struct import_sender *s, const struct import_record *record,
                            struct why *why)
{
    if (!s->count) json_write_open(&s->body, '[');
    s->lines[s->count++] = record->line;
    write_record(s, record);
    return s->count == s->batch ? import_send_flush(s, why) : ERR_OK;
}

enum err import_send_line(struct import_sender *s, uint64_t line, struct bytes text,
                          struct why *why)
{
    s->by_line = true;
    s->lines[s->count++] = line;
    buf_add_bytes(&s->body, text);
    buf_add_char(&s->body, '\n');
    return s->count == s->batch ? import_send_flush(s, why) : ERR_OK;
}

enum err import_send_stop(struct import_sender *s, uint64_t line, struct why *why)
{
    enum err e = import_send_flush(s, why);
    if (e) return e;
    s->sent.from_line = line;
    return why_say(why, ERR_CLOSED, "interrupted");
}
