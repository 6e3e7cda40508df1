/* What live sessions are sent (contract §8). A record becomes up to three frames, each encoded
 * when the first session wants it:
 *   plain     {"deviceId","timestamp",<variables as sent>}        keys, and whoever subscribed
 *   extended  the same with the five electrical keys              tokens without a subscription
 *   dynamic   {"type":"DYNAMIC_TELEMETRY",…,"variables":{}}       tokens */
#include "api/live_internal.h"
#include "api/series.h"
#include "codec/json_write.h"
#include "service/auth_service.h"

#include <math.h>

enum frame_kind { FRAME_PLAIN, FRAME_EXTENDED, FRAME_DYNAMIC, FRAME_KINDS };
enum { VARIABLES_MAX = 10000, FRAME_BYTES_MAX = 1 << 20 };
#define RECHECK_NS NS_PER_S /* a revoked login loses its socket within about twice this time */

struct message {
    struct live_hub *hub;
    struct reg_device *device;
    int64_t ts_ns;
    struct series_list list;
    const double *values;
    struct ws_frame *frames[FRAME_KINDS];
};

bool live_session_may_see(const struct live_session *s, const struct reg_device *d)
{
    if (s->who.org != d->org) return false;
    if (s->who.kind == PRINCIPAL_USER) return true;
    return d == s->who.device || d->provisioned_by == s->who.device->id;
}

static void write_dynamic(struct buf *b, const struct message *m)
{
    json_write_open(b, '{');
    json_write_member_text(b, "type", "DYNAMIC_TELEMETRY");
    json_write_member_str(b, "deviceId", m->device->external_id);
    json_write_member_time(b, "timestamp", m->ts_ns);
    json_write_key(b, "variables");
    json_write_open(b, '{');
    for (size_t i = 0; i < m->list.n; i++) {
        json_write_key_bytes(b, m->list.variables[i]->name);
        json_write_number(b, m->values[i]);
    }
    json_write_close(b, '}');
    json_write_close(b, '}');
}

/* NULL without memory: that frame is lost, the next one comes. */
static struct ws_frame *frame_of(struct message *m, enum frame_kind kind)
{
    if (m->frames[kind]) return m->frames[kind];
    struct buf b;
    buf_init(&b, FRAME_BYTES_MAX);
    if (kind == FRAME_DYNAMIC)
        write_dynamic(&b, m);
    else
        series_write_row(&b, m->device->external_id, m->ts_ns, &m->list, m->values,
                         kind == FRAME_EXTENDED);
    if (!b.err) m->frames[kind] = ws_frame_new(buf_bytes(&b));
    buf_done(&b);
    return m->frames[kind];
}

static void send_frame(struct live_session *s, struct message *m, enum frame_kind kind)
{
    struct ws_frame *f = frame_of(m, kind);
    uint64_t lane = (uint64_t)m->device->id * FRAME_KINDS + kind + 1;
    if (f) websocket_send(s->ws, f, lane);
}

static bool subscribed(const struct live_session *s, const struct reg_device *d)
{
    for (size_t i = 0; i < s->device_count; i++)
        if (s->devices[i] == d) return true;
    return false;
}

/* With the hub's lock. False: the credential has ended, the socket is being closed. */
static bool still_valid(struct live_session *s, int64_t now_ns)
{
    if (now_ns - s->checked_ns < RECHECK_NS) return true;
    s->checked_ns = now_ns;
    if (auth_service_still_valid(s->hub->app->auth, &s->who)) return true;
    websocket_close(s->ws, 1008, "Your login has ended; log in again.");
    return false;
}

void live_hub_check(struct live_hub *hub)
{
    int64_t now_ns = clock_mono_ns(hub->app->clock);
    lock_take(&hub->lock);
    for (struct live_session *s = hub->sessions; s; s = s->next) (void)still_valid(s, now_ns);
    lock_release(&hub->lock);
}

static void offer(struct live_session *s, struct message *m, int64_t now_ns)
{
    if (!live_session_may_see(s, m->device)) return;
    if (s->device_count && !subscribed(s, m->device)) return;
    if (!still_valid(s, now_ns)) return;
    bool by_token = s->who.kind == PRINCIPAL_USER && !s->who.by_key;
    send_frame(s, m, by_token && !s->device_count ? FRAME_EXTENDED : FRAME_PLAIN);
    if (by_token) send_frame(s, m, FRAME_DYNAMIC);
}

static void broadcast(struct message *m)
{
    struct live_hub *hub = m->hub;
    int64_t now_ns = clock_mono_ns(hub->app->clock);
    lock_take(&hub->lock);
    for (struct live_session *s = hub->sessions; s; s = s->next) offer(s, m, now_ns);
    lock_release(&hub->lock);
    for (int i = 0; i < FRAME_KINDS; i++) ws_frame_unref(m->frames[i]);
}

/* Room for one message's names and values; the tap has one thread. */
static bool message_alloc(struct message *m, struct arena *a, size_t n, double **ret_values)
{
    m->list.variables = arena_alloc(a, n * sizeof(struct reg_variable *));
    m->list.ids = NULL;
    *ret_values = arena_alloc(a, n * sizeof **ret_values);
    m->values = *ret_values;
    return m->list.variables && *ret_values;
}

static void show_record(struct live_hub *hub, const struct record_set *set, const struct record *r)
{
    struct registry *registry = hub->app->registry;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    double *values;
    struct message m = {
        .hub = hub, .ts_ns = r->ts_ns, .device = registry_find_key(registry, r->org, r->device)};
    if (m.device && message_alloc(&m, &arena, r->count, &values)) {
        for (uint32_t i = 0; i < r->count; i++) {
            const struct point *p = &set->points[r->first + i];
            struct reg_variable *v = registry_find_variable_id(registry, r->org, p->series);
            if (!v) continue;
            m.list.variables[m.list.n] = v;
            values[m.list.n++] = p->value;
        }
        broadcast(&m);
    }
    arena_done(&arena);
}

static void on_records(void *ctx, const struct record_set *set)
{
    for (size_t i = 0; i < set->record_count; i++) show_record(ctx, set, &set->records[i]);
}

/* Records were dropped on the way: the newest values stand in for them. */
static void on_lagging(void *ctx, int64_t org, int64_t device)
{
    struct live_hub *hub = ctx;
    struct reg_device *d = registry_find_key(hub->app->registry, org, device);
    if (!d) return;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    size_t n = atomic_load(&d->variable_count);
    double *values;
    struct message m = {.hub = hub, .device = d, .ts_ns = INT64_MIN};
    int64_t *ids = arena_alloc(&arena, n * sizeof *ids);
    struct sample *samples = arena_alloc(&arena, n * sizeof *samples);
    if (!n || !ids || !samples || !message_alloc(&m, &arena, n, &values)) goto done;
    size_t found = 0;
    struct reg_variable *v = atomic_load_explicit(&d->variables, memory_order_acquire);
    for (; v && found < n; v = v->next) {
        m.list.variables[found] = v;
        ids[found++] = v->id;
    }
    if (telemetry_latest(hub->app->telemetry, org, ids, found, samples)) goto done;
    for (size_t i = 0; i < found; i++) {
        if (samples[i].ts_ns == INT64_MIN) continue;
        if (samples[i].ts_ns > m.ts_ns) m.ts_ns = samples[i].ts_ns;
        m.list.variables[m.list.n] = m.list.variables[i];
        values[m.list.n++] = samples[i].value;
    }
    if (m.list.n) broadcast(&m);
done:
    arena_done(&arena);
}

static bool watches(void *ctx, int64_t org)
{
    (void)org;
    return live_hub_sessions(ctx) > 0;
}

struct tap_watcher live_hub_watcher(struct live_hub *hub)
{
    return (struct tap_watcher){
        .ctx = hub,
        .watches = watches,
        .on_records = on_records,
        .on_lagging = on_lagging,
    };
}
