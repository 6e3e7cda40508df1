/* Between the transport and the handlers (see dispatch.h). */
#include "api/dispatch.h"

#include "api/answer.h"
#include "api/pages.h"
#include "api/quota_call.h"
#include "api/routes.h"
#include "base/mem.h"
#include "codec/encoding.h"
#include "codec/json_write.h"
#include "codec/url.h"
#include "perf/org_figures.h"
#include "service/auth_service.h"

#include <cjson/cJSON.h>

/* A body beyond this is decoded by an executor: at 100 MB/s of JSON it would hold a loop for 160
 * us. */
enum { LOOP_BODY_MAX = 16 * 1024 };

struct api_pending {
    struct work work;
    struct api_call *call;
    struct probe_span handler; /* what it was busy with */
    struct buf inflated;
    struct cJSON *json;
};

static void set_header(struct api_call *c, const char *name, const char *value)
{
    http_add_header(c->exchange, name, bytes_str(value));
}

enum err dispatch_prepare(struct app *app, const char *csp)
{
    struct buf *b = &app->security_lines;
    bug_if(strpbrk(csp, "\r\n"));
    buf_init(b, 64 << 10);
    buf_add_str(b, "X-Content-Type-Options: nosniff\r\n"
                   "X-Frame-Options: DENY\r\n"
                   "Referrer-Policy: no-referrer\r\n"
                   "Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n"
                   "Content-Security-Policy: ");
    buf_add_str(b, csp);
    buf_add_str(b, "\r\n");
    return b->err;
}

static bool origin_is_listed(const struct app *app, struct bytes origin)
{
    for (const char *const *o = app->cors_origins; o && *o; o++)
        if (bytes_is(origin, *o)) return true;
    return false;
}

static void add_cors(struct api_call *c)
{
    struct bytes origin = http_header(c->exchange, "Origin");
    if (!origin.p || !origin_is_listed(c->app, origin)) return;
    http_add_header(c->exchange, "Access-Control-Allow-Origin", origin);
    set_header(c, "Access-Control-Allow-Credentials", "true");
    set_header(c, "Access-Control-Expose-Headers",
               "X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, "
               "RateLimit-Reset, SensorVision-Ack, X-Skipped-Fields, Link, ETag");
    set_header(c, "Vary", "Origin");
}

static void answer_preflight(struct api_call *c, struct bytes allow)
{
    http_add_header(c->exchange, "Access-Control-Allow-Methods", allow);
    set_header(c, "Access-Control-Allow-Headers",
               "Authorization, Content-Type, X-API-Key, X-Device-Token, X-Request-Id, If-Match, "
               "If-None-Match");
    set_header(c, "Access-Control-Max-Age", "600");
    http_add_header(c->exchange, "Allow", allow);
    api_answer(c, 204, NULL);
}

static bool may(const struct principal *p, enum who who)
{
    switch (who) {
    case WHO_ANYONE:
    case WHO_LIVE:
        return true;
    case WHO_USER:
        return p->kind == PRINCIPAL_USER;
    case WHO_READER:
        return principal_may_read(p);
    case WHO_WRITER:
        return principal_may_write(p);
    case WHO_ORG_ADMIN:
        return principal_is_org_admin(p);
    case WHO_ADMIN:
        return principal_is_admin(p);
    case WHO_PILOT_ADMIN:
        return principal_is_pilot_admin(p);
    case WHO_SENDER:
    case WHO_SENDER_P:
        return p->kind == PRINCIPAL_DEVICE || principal_may_write(p);
    case WHO_DEVICE_OWN:
        return p->kind == PRINCIPAL_DEVICE || principal_may_read(p);
    }
    return false;
}

/* A device sees itself and nothing else: any other one is missing for it, its neighbour too. False:
 * answered. */
static bool check_own_device(struct api_call *c)
{
    if (c->who.kind != PRINCIPAL_DEVICE) return true;
    struct reg_device *asked = registry_find_device(c->app->registry, c->who.org, c->params[0]);
    if (asked == c->who.device) return true;
    api_not_found(c, "device");
    return false;
}

/* True when the handler may run; else the refusal is given. */
static bool authorize(struct api_call *c)
{
    enum who who = c->route->who;
    if (who == WHO_ANYONE) return true;
    struct http_exchange *x = c->exchange;
    enum http1_method method = http_head(x)->method;
    bool by_line_protocol = who == WHO_SENDER_P;
    const struct auth_credentials credentials = {
        .authorization = http_header(x, "Authorization"),
        .x_api_key = http_header(x, "X-API-Key"),
        .x_device_token = http_header(x, "X-Device-Token"),
        .cookie = http_header(x, "Cookie"),
        .method_is_read = method == HTTP1_GET || method == HTTP1_HEAD,
        .basic_allowed = by_line_protocol,
    };
    if (who == WHO_LIVE) return true; /* the handshake completes, then says why not */
    enum err e = auth_service_authenticate(c->app->auth, &credentials, &c->who);
    struct bytes password = by_line_protocol && e ? api_query(c, "p") : bytes_of(NULL, 0);
    if (password.n) e = auth_service_authenticate_token(c->app->auth, password, &c->who);
    if (e == ERR_UNAUTHENTICATED) {
        api_problem(c, 401,
                    "Send a valid credential: Authorization: Bearer, X-API-Key, or a device "
                    "token. Log in again if yours has ended.");
        return false;
    }
    if (e) {
        api_fail(c, e, NULL);
        return false;
    }
    if (may(&c->who, who)) return who != WHO_DEVICE_OWN || check_own_device(c);
    api_problem(c, 403,
                c->who.kind == PRINCIPAL_DEVICE
                    ? "A device token sends telemetry and listens for its own device. Log in, or "
                      "use a user's API key."
                    : "Your role may not do this. Ask an administrator of your organisation.");
    return false;
}

static struct api_call *new_call(struct app *app, struct http_exchange *x)
{
    struct arena *arena = http_arena(x);
    struct api_call *c = arena_zalloc(arena, sizeof *c);
    struct api_pending *p = arena_zalloc(arena, sizeof *p);
    if (!c || !p) return NULL;
    c->app = app;
    c->exchange = x;
    c->arena = arena;
    c->body = http_answer_body(x);
    c->pending = p;
    p->call = c;
    buf_init(&p->inflated, ENCODING_INFLATED_MAX);
    *http_user(x) = c;
    return c;
}

static void answer_unrouted(struct api_call *c, enum route_match match, struct bytes allow)
{
    const struct http1_head *head = http_head(c->exchange);
    if (head->method == HTTP1_OPTIONS && match != ROUTE_NO_PATH) {
        answer_preflight(c, allow);
        return;
    }
    if (match == ROUTE_NO_METHOD) {
        http_add_header(c->exchange, "Allow", allow);
        api_problem(c, 405, "This path takes %.*s.", (int)allow.n, allow.p);
        return;
    }
    bool reads = head->method == HTTP1_GET || head->method == HTTP1_HEAD;
    if (reads && pages_answer(c, head->path)) return;
    api_problem(c, 404, "There is nothing at this address.");
}

/* False: answered, there are no more calls in this minute or today. What cannot be decided on the
 * loop is asked for by run_call(), off it. */
static bool count_call(struct api_call *c)
{
    enum err e = quota_call_pace(c, false);
    c->unpaced = e == ERR_MORE;
    if (e == ERR_RATE || !quota_call_counts(c)) return e != ERR_RATE;
    e = c->unpaced ? ERR_MORE : quota_call_take(c, false);
    c->uncounted = e == ERR_MORE;
    return e != ERR_RATE;
}

/* The same where it may block. False: answered, the call may be gone. */
static bool count_there(struct api_call *c)
{
    if (c->unpaced && quota_call_pace(c, true)) return false;
    c->unpaced = false;
    if (c->uncounted && quota_call_take(c, true)) return false;
    c->uncounted = false;
    return true;
}

static struct http_verdict on_head(void *ctx, struct http_exchange *x)
{
    static const struct http_verdict answered = {.answered = true};
    struct app *app = ctx;
    struct api_call *c = new_call(app, x);
    if (!c) {
        http_answer(x, 503, NULL);
        return answered;
    }
    http_add_lines(x, buf_bytes(&app->security_lines));
    add_cors(c);
    const struct http1_head *head = http_head(x);
    struct bytes allow = {0};
    enum route_match match = routes_find(c->app->routes, head->method, head->path, c->arena,
                                         &c->route, c->params, &allow);
    if (match != ROUTE_FOUND) {
        answer_unrouted(c, match, allow);
        return answered;
    }
    if (!authorize(c)) return answered;
    if (!count_call(c)) return answered;
    if (head->content_length > c->route->body_max) {
        api_problem(c, 413, "The body may have %zu bytes at most here.", c->route->body_max);
        return answered;
    }
    return (struct http_verdict){.body_max = c->route->body_max};
}

static struct executor *executor_of(struct app *app, enum where where)
{
    switch (where) {
    case ON_LOOP:
        return NULL;
    case ON_ASYNC:
    case ON_PASSWORDS:
        return app->async;
    case ON_TELEMETRY:
        return app->telemetry_pool;
    case ON_ANALYTICS:
        return app->analytics;
    }
    return NULL;
}

/* False: the answer is given. */
static bool inflate_body(struct api_call *c)
{
    enum encoding encoding;
    if (encoding_parse(http_header(c->exchange, "Content-Encoding"), &encoding)) {
        api_problem(c, 415, "Content-Encoding may be gzip, zstd or identity.");
        return false;
    }
    if (encoding == ENCODING_IDENTITY) return true;
    struct buf *out = &c->pending->inflated;
    enum err e = encoding_inflate(encoding, c->request_body, out);
    if (!e) {
        c->request_body = buf_bytes(out);
        return true;
    }
    if (e == ERR_INVALID)
        api_problem(c, 400, "The compressed body is damaged.");
    else if (e == ERR_TOOLARGE)
        api_problem(c, 413, "The body may inflate to 64 MiB and 100 times its size at most.");
    else
        api_fail(c, e, NULL);
    return false;
}

/* Runs the handler; the answer goes out here unless it was kept. From there on the call may be
 * gone, so what the handler was busy with is counted on this thread's stack and handed over before.
 */
static void run_call(struct api_call *c)
{
    char request[PROBE_REQUEST_MAX];
    struct probe_span span;
    struct bytes id = http_request_id(c->exchange);
    id.n = id.n < sizeof request ? id.n : sizeof request;
    if (id.n) memcpy(request, id.p, id.n);
    c->kept = false;
    probe_enter(&span, c, c->who.org, bytes_of(request, id.n));
    if (count_there(c) && (c->pending->inflated.n || inflate_body(c))) c->route->handler(c);
    probe_leave(&span);
}

void answer_note_parts(struct api_call *c)
{
    probe_hand_over(c, &c->pending->handler);
}

void answer_note_wait(struct api_call *c, const struct probe *p, int64_t ns)
{
    probe_add_part(&c->pending->handler, p, ns);
}

static void run_work(struct work *w)
{
    /* only a reason here: the executor tells of it by itself (boot_performance.c) */
    static const struct probe wait = PROBE_INIT(PROBE_TASK, "executor_wait");
    struct api_pending *p = (struct api_pending *)(void *)w;
    answer_note_wait(p->call, &wait, clock_mono_ns(clock_real()) - w->queued_ns);
    run_call(p->call);
}

/* Of an executor with shares: an organisation, or all strangers (they come by links) together;
 * what waits for passwords is one owner, and the rest of the catalog's work is nobody's. */
static uint64_t owner_of(const struct api_call *c, enum where where)
{
    if (where == ON_PASSWORDS) return UINT64_MAX;
    if (where == ON_ASYNC) return 0;
    return c->who.org ? (uint64_t)c->who.org : UINT64_MAX;
}

void api_offload(struct api_call *c, enum where where)
{
    c->on_loop = false;
    c->kept = true; /* whatever the handler on the loop does from here is not an answer */
    c->pending->work.run = run_work;
    c->pending->work.owner = owner_of(c, where);
    enum err e = executor_submit(executor_of(c->app, where), &c->pending->work);
    if (!e) return;
    c->kept = false;
    api_problem(c, 503, "The server is busy; try again in a moment.");
}

static void on_request(void *ctx, struct http_exchange *x)
{
    (void)ctx;
    struct api_call *c = *http_user(x);
    c->request_body = http_body(x);
    bool encoded = c->request_body.n && http_header(x, "Content-Encoding").p;
    enum where where = c->route->where;
    if (where == ON_LOOP && (encoded || c->request_body.n > LOOP_BODY_MAX)) where = ON_TELEMETRY;
    if (where == ON_LOOP && c->unpaced) where = ON_TELEMETRY;
    if (where == ON_LOOP && c->uncounted) where = ON_ASYNC;
    c->on_loop = where == ON_LOOP;
    if (c->on_loop)
        run_call(c);
    else
        api_offload(c, where);
}

static void note_request(struct app *app, struct api_call *c)
{
    int64_t now_ns = clock_mono_ns(app->clock), took_ns = now_ns - http_started_ns(c->exchange);
    struct probe_span *parts = &c->pending->handler;
    parts->org = c->who.org;
    parts->request = http_request_id(c->exchange);
    routes_note(app->routes, c->route, c->status, parts, took_ns);
    org_figures_request(c->who.org, now_ns, c->waited ? -1 : took_ns, c->status >= 500);
}

static void on_done(void *ctx, struct http_exchange *x)
{
    struct app *app = ctx;
    struct api_call *c = *http_user(x);
    if (!c) return;
    if (c->route) note_request(app, c);
    cJSON_Delete(c->pending->json);
    buf_done(&c->pending->inflated);
}

static void on_refused(void *ctx, int status, const char *why, struct buf *body,
                       const char **ret_content_type)
{
    (void)ctx;
    json_write_open(body, '{');
    json_write_member_text(body, "type", "about:blank");
    json_write_member_text(body, "title", http1_reason(status));
    json_write_member_i64(body, "status", status);
    json_write_member_text(body, "detail", why);
    json_write_close(body, '}');
    *ret_content_type = "application/problem+json";
}

struct http_handler dispatch_handler(struct app *app)
{
    return (struct http_handler){
        .ctx = app,
        .on_head = on_head,
        .on_request = on_request,
        .on_done = on_done,
        .on_refused = on_refused,
    };
}

struct cJSON **answer_json_slot(struct api_call *c)
{
    return &c->pending->json;
}
