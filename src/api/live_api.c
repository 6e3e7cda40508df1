/* The live socket (see live_api.h): the handshake, what clients say, who they are. What is sent to
 * them is made in live_frames.c. */
#include "api/live_api.h"

#include "api/handlers.h"
#include "api/live_internal.h"
#include "base/mem.h"
#include "net/websocket.h"
#include "service/auth_service.h"

#include <cjson/cJSON.h>
#include <stdio.h>

static void session_free(struct live_session *s)
{
    mem_free(s->devices);
    mem_free(s);
}

enum err live_hub_new(struct live_hub **ret, struct app *app)
{
    struct live_hub *hub = mem_zalloc(sizeof *hub);
    if (!hub) return ERR_NOMEM;
    hub->app = app;
    lock_init(&hub->lock, LOCK_RANK_HUB);
    *ret = hub;
    return ERR_OK;
}

void live_hub_free(struct live_hub *hub)
{
    if (!hub) return;
    while (hub->sessions) {
        struct live_session *s = hub->sessions;
        hub->sessions = s->next;
        session_free(s);
    }
    lock_done(&hub->lock);
    mem_free(hub);
}

size_t live_hub_sessions(struct live_hub *hub)
{
    return atomic_load(&hub->session_count);
}

/* --- places ----------------------------------------------------------------------------------- */

/* With the hub's lock. */
static void give_place(struct live_session *s)
{
    if (s->counted) atomic_fetch_sub(&s->hub->session_count, 1);
    s->counted = false;
}

/* With the hub's lock: the newest socket of the organisation that has more than half of the places,
 * by Boyer and Moore's vote. NULL: none has, or it is `org`, who would only take it from itself. */
static struct live_session *find_greedy(struct live_hub *hub, int64_t org)
{
    struct live_session *newest = NULL;
    int64_t most = 0;
    size_t votes = 0, held = 0;
    for (struct live_session *s = hub->sessions; s; s = s->next) {
        if (!s->counted) continue;
        if (!votes) most = s->who.org;
        votes = s->who.org == most ? votes + 1 : votes - 1;
    }
    for (struct live_session *s = hub->sessions; s; s = s->next) {
        if (!s->counted || s->who.org != most) continue;
        if (!newest) newest = s;
        held++;
    }
    return most != org && held > (size_t)hub->app->ws_max_sessions / 2 ? newest : NULL;
}

/* False: there is none. One organisation's sockets do not keep all others out, and who has no
 * credential takes no place at all. */
static bool take_place(struct live_session *s)
{
    struct live_hub *hub = s->hub;
    size_t max = (size_t)hub->app->ws_max_sessions;
    lock_take(&hub->lock);
    bool full = atomic_load(&hub->session_count) >= max;
    struct live_session *greedy = full ? find_greedy(hub, s->who.org) : NULL;
    if (greedy) {
        give_place(greedy);
        websocket_close(greedy->ws, 1013, "Another organisation needs the place.");
    }
    s->counted = !full || greedy;
    if (s->counted) atomic_fetch_add(&hub->session_count, 1);
    lock_release(&hub->lock);
    return s->counted;
}

/* --- a socket's life -------------------------------------------------------------------------- */

static void on_open(void *session, struct websocket *ws)
{
    struct live_session *s = session;
    if (s->refusal) {
        websocket_close(ws, s->refusal_code, s->refusal);
        return;
    }
    struct live_hub *hub = s->hub;
    lock_take(&hub->lock);
    s->ws = ws;
    s->next = hub->sessions;
    hub->sessions = s;
    lock_release(&hub->lock);
}

static void on_close(void *session, struct websocket *ws)
{
    (void)ws;
    struct live_session *s = session;
    struct live_hub *hub = s->hub;
    lock_take(&hub->lock);
    for (struct live_session **at = &hub->sessions; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    give_place(s);
    lock_release(&hub->lock);
    session_free(s);
}

/* With the hub's lock. */
static size_t find_subscription(const struct live_session *s, const struct reg_device *d)
{
    size_t i = 0;
    while (i < s->device_count && s->devices[i] != d) i++;
    return i;
}

/* With the hub's lock. NULL: done. */
static const char *subscribe(struct live_session *s, struct reg_device *d)
{
    if (!d || !live_session_may_see(s, d)) return "There is no such device.";
    if (find_subscription(s, d) < s->device_count) return NULL;
    if (s->device_count == LIVE_SUBSCRIPTIONS_MAX) return "Too many subscriptions.";
    s->devices[s->device_count++] = d;
    return NULL;
}

/* With the hub's lock. */
static void unsubscribe(struct live_session *s, const struct reg_device *d)
{
    size_t i = find_subscription(s, d);
    if (i < s->device_count) s->devices[i] = s->devices[--s->device_count];
}

/* Gives a session its room for subscriptions, once. */
static bool make_room(struct live_session *s)
{
    if (!s->devices) s->devices = mem_array(LIVE_SUBSCRIPTIONS_MAX, sizeof(struct reg_device *));
    return s->devices != NULL;
}

static const char *change_subscription(struct live_session *s, const char *verb, const char *id)
{
    bool more = strcmp(verb, "subscribe") == 0;
    if (!more && strcmp(verb, "unsubscribe") != 0) return "type may be subscribe or unsubscribe.";
    if (!id) return "deviceId is missing.";
    struct reg_device *d = registry_find_device(s->hub->app->registry, s->who.org, bytes_str(id));
    if (!make_room(s)) return "Out of memory.";
    const char *error = NULL;
    lock_take(&s->hub->lock);
    if (more)
        error = subscribe(s, d);
    else
        unsubscribe(s, d);
    lock_release(&s->hub->lock);
    return error;
}

static void say_error(struct websocket *ws, const char *why)
{
    char text[160];
    snprintf(text, sizeof text, "{\"type\":\"error\",\"message\":\"%s\"}", why);
    struct ws_frame *f = ws_frame_new(bytes_str(text));
    if (f) websocket_send(ws, f, 0);
    ws_frame_unref(f);
}

static void on_text(void *session, struct websocket *ws, struct bytes text)
{
    struct live_session *s = session;
    cJSON *message = cJSON_ParseWithLength(text.p, text.n);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(message, "type");
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(message, "deviceId");
    const char *error = NULL;
    if (!cJSON_IsString(type))
        error = "Send a JSON object with a type.";
    else if (strcmp(type->valuestring, "ping") != 0)
        error = change_subscription(s, type->valuestring, cJSON_GetStringValue(id));
    cJSON_Delete(message);
    if (error) say_error(ws, error);
}

/* Our own pages, or one of the listed origins. A client that is no browser sends none. */
static bool origin_is_fine(struct api_call *c)
{
    struct bytes origin = http_header(c->exchange, "Origin");
    if (!origin.p) return true;
    for (const char *const *o = c->app->cors_origins; o && *o; o++)
        if (bytes_is(origin, *o)) return true;
    struct bytes host = http_header(c->exchange, "Host");
    for (size_t i = 0; i + 3 <= origin.n; i++)
        if (memcmp(origin.p + i, "://", 3) == 0)
            return bytes_equal_nocase(bytes_of(origin.p + i + 3, origin.n - i - 3), host);
    return false;
}

static enum err authenticate(struct api_call *c, struct principal *ret)
{
    struct http_exchange *x = c->exchange;
    struct bytes token = api_query(c, "token");
    struct auth_credentials given = {
        .authorization = http_header(x, "Authorization"),
        .x_api_key = http_header(x, "X-API-Key"),
        .x_device_token = http_header(x, "X-Device-Token"),
    };
    if (token.n) {
        char *header = arena_printf(c->arena, "Bearer %.*s", (int)token.n, token.p);
        if (!header) return ERR_NOMEM;
        given.authorization = bytes_str(header);
    }
    return auth_service_authenticate(c->app->auth, &given, ret);
}

/* GET /ws/telemetry: the handshake always completes, so that a browser can read why it was closed.
 * */
void live_open(struct api_call *c)
{
    static const struct websocket_handler handler = {on_open, on_text, on_close};
    struct app *app = c->app;
    if (!websocket_is_handshake(c->exchange)) {
        http_add_header(c->exchange, "Upgrade", BYTES("websocket"));
        api_problem(c, 426, "This address speaks WebSocket (RFC 6455, version 13).");
        return;
    }
    struct live_session *s = mem_zalloc(sizeof *s);
    if (!s) {
        api_fail(c, ERR_NOMEM, NULL);
        return;
    }
    s->hub = app->hub;
    s->refusal_code = 1008;
    if (!origin_is_fine(c))
        s->refusal = "This origin may not open a socket.";
    else if (authenticate(c, &s->who))
        s->refusal = "No valid token; log in again.";
    else if (s->who.kind == PRINCIPAL_USER && !principal_may_read(&s->who))
        s->refusal = "Your role may not read telemetry.";
    else if (!take_place(s)) {
        s->refusal = "Too many live sessions (websocket.max-sessions).";
        s->refusal_code = 1013;
    }
    c->kept = true;
    c->status = 101;
    if (!websocket_accept(c->exchange, &handler, s, app->ws_idle_timeout_ns)) return;
    lock_take(&app->hub->lock);
    give_place(s);
    lock_release(&app->hub->lock);
    session_free(s);
    c->kept = false;
    api_fail(c, ERR_NOMEM, NULL);
}
