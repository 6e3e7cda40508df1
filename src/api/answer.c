/* How a call is answered: JSON, problem documents (RFC 9457), and the old telemetry clients'
 * members beside them. */
#include "api/answer.h"
#include "api/app.h"
#include "api/routes.h"
#include "codec/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Enum err to HTTP: every error a handler can meet has its row. */
static const struct {
    enum err code;
    int status;
} statuses[] = {
    {ERR_OK, 200},        {ERR_NOMEM, 503},       {ERR_IO, 503},         {ERR_NOSPACE, 503},
    {ERR_CORRUPT, 503},   {ERR_LOCKED, 503},      {ERR_READONLY, 503},   {ERR_NOTFOUND, 404},
    {ERR_EXISTS, 409},    {ERR_INVALID, 400},     {ERR_IMPOSSIBLE, 422}, {ERR_TOOLARGE, 413},
    {ERR_FULL, 503},      {ERR_LIMIT, 403},       {ERR_RATE, 429},       {ERR_UNAUTHENTICATED, 401},
    {ERR_FORBIDDEN, 403}, {ERR_UNSUPPORTED, 415}, {ERR_STALE, 412},      {ERR_TIMEOUT, 503},
    {ERR_CLOSED, 503},    {ERR_CONFLICT, 409},
};

int answer_status(enum err e)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].code == e) return statuses[i].status;
    return 500;
}

/* Members the telemetry clients of the Java platform look for beside a problem (contract §6). */
enum { WITH_MESSAGE = 1, WITH_SUCCESS = 2, WITH_STATUS_ERROR = 4 };
static const struct {
    const char *route;
    unsigned members;
} old_members[] = {
    {"ingestFlat", WITH_MESSAGE | WITH_SUCCESS},
    {"dataIngest", WITH_MESSAGE | WITH_STATUS_ERROR},
    {"dataIngestValue", WITH_MESSAGE | WITH_STATUS_ERROR},
    {"dataBulk", WITH_MESSAGE},
    {"dataIngestDevice", WITH_MESSAGE | WITH_SUCCESS},
    {"dataIngestBulk", WITH_MESSAGE},
};

static unsigned members_of(const struct route *r)
{
    for (size_t i = 0; r && i < sizeof old_members / sizeof *old_members; i++)
        if (strcmp(old_members[i].route, r->id) == 0) return old_members[i].members;
    return 0;
}

/* Headers every API answer carries. */
static void add_headers(struct api_call *c, int status)
{
    if (status == 401)
        http_add_header(c->exchange, "WWW-Authenticate", BYTES("Bearer realm=\"sensorvision\""));
    if (status == 503) http_add_header(c->exchange, "Retry-After", BYTES("1"));
    if (!c->cacheable) http_add_header(c->exchange, "Cache-Control", BYTES("no-store"));
}

void api_end(struct api_call *c)
{
    answer_note_parts(c);
    add_headers(c, c->status);
    if (c->body->err) { /* out of memory, or a reply past its ceiling: nothing of it can be sent */
        buf_clear(c->body);
        c->status = 503;
        c->content_type = NULL;
    }
    http_answer(c->exchange, c->status, c->status == 204 ? NULL : c->content_type);
}

void api_answer(struct api_call *c, int status, const char *content_type)
{
    c->status = status;
    c->content_type = content_type;
    if (!c->kept) api_end(c);
}

void api_ok(struct api_call *c, int status)
{
    api_answer(c, status, "application/json");
}

void answer_open_problem(struct api_call *c, int status, const char *detail)
{
    struct buf *b = c->body;
    unsigned members = members_of(c->route);
    buf_clear(b);
    json_write_open(b, '{');
    json_write_member_text(b, "type", "about:blank");
    json_write_member_text(b, "title", http1_reason(status));
    if (members & WITH_STATUS_ERROR)
        json_write_member_text(b, "status", "error");
    else
        json_write_member_i64(b, "status", status);
    json_write_member_text(b, "detail", detail);
    json_write_member_str(b, "instance", http_head(c->exchange)->path);
    json_write_member_str(b, "requestId", http_request_id(c->exchange));
    if (members & WITH_MESSAGE) json_write_member_text(b, "message", detail);
    if (members & WITH_SUCCESS) json_write_member_bool(b, "success", false);
}

void answer_close_problem(struct api_call *c, int status)
{
    json_write_close(c->body, '}');
    api_answer(c, status, "application/problem+json");
}

void api_problem(struct api_call *c, int status, const char *format, ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    answer_open_problem(c, status, detail);
    answer_close_problem(c, status);
}

void api_fail(struct api_call *c, enum err e, const struct why *why)
{
    const char *detail = why && why->text[0] ? why->text : err_sentence(e);
    api_problem(c, answer_status(e), "%s", detail);
}

void api_not_found(struct api_call *c, const char *what)
{
    api_problem(c, 404, "There is no such %s.", what);
}
