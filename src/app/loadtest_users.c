/* A person at a browser: logs in, holds a live socket, opens pages as the earlier front end does,
 * each a few requests one after the other, and thinks in between. A page that takes longer than the
 * thinking makes the next one late, and late is counted (see loadtest_figures.h, F1). */
#include "app/ask.h"
#include "app/loadtest.h"
#include "base/mem.h"
#include "codec/json_write.h"

#include <stdio.h>

enum { STEPS_MAX = 5 };
#define THINK_MIN_NS (2 * NS_PER_S)
#define THINK_MAX_NS (8 * NS_PER_S)
#define LOGIN_AGAIN  (5 * NS_PER_S)

struct step {
    enum loadtest_kind kind;
    const char *method;
    void (*path)(const struct loadtest_user *u, struct buf *b);
};

static const char *device_of(const struct loadtest_user *u)
{
    return u->t->devices[u->device].id;
}

static void path_me(const struct loadtest_user *u, struct buf *b)
{
    (void)u;
    buf_add_str(b, "/api/v1/auth/me");
}
static void path_devices(const struct loadtest_user *u, struct buf *b)
{
    (void)u;
    buf_add_str(b, "/api/v1/devices");
}
static void path_latest(const struct loadtest_user *u, struct buf *b)
{
    buf_add_bytes(b, buf_bytes(&u->org->all_path));
}
static void path_dashboard(const struct loadtest_user *u, struct buf *b)
{
    (void)u;
    buf_add_str(b, "/api/v1/dashboards/default");
}
static void path_widgets(const struct loadtest_user *u, struct buf *b)
{
    buf_printf(b, "/api/v1/dashboards/%s/data", u->org->dashboard);
}
static void path_device(const struct loadtest_user *u, struct buf *b)
{
    buf_printf(b, "/api/v1/devices/%s", device_of(u));
}
static void path_variables(const struct loadtest_user *u, struct buf *b)
{
    buf_printf(b, "/api/v1/devices/%s/variables", device_of(u));
}
static void path_alerts(const struct loadtest_user *u, struct buf *b)
{
    (void)u;
    buf_add_str(b, "/api/v1/alerts?unacknowledgedOnly=true");
}
static void path_events(const struct loadtest_user *u, struct buf *b)
{
    (void)u;
    buf_add_str(b, "/api/v1/events/recent?hours=24&limit=50");
}

static void add_range(const struct loadtest_user *u, struct buf *b, int64_t hours)
{
    int64_t to_ms = loadtest_wall_ns(u->t, loadtest_now_ns()) / NS_PER_MS;
    buf_printf(b, "&from=%lld&to=%lld", (long long)(to_ms - hours * 3600000), (long long)to_ms);
}
static void path_hour(const struct loadtest_user *u, struct buf *b)
{
    buf_printf(b, "/api/v1/data/query?deviceId=%s", device_of(u));
    add_range(u, b, 1);
}
static void path_day(const struct loadtest_user *u, struct buf *b)
{
    buf_printf(b, "/api/v1/data/query?maxPoints=800&deviceId=%s", device_of(u));
    add_range(u, b, 24);
}
static void add_aggregate(const struct loadtest_user *u, struct buf *b, const char *what)
{
    buf_printf(b, "/api/v1/analytics/aggregate?deviceId=%s&variable=%s&aggregation=%s&interval=1h",
               device_of(u), loadtest_variables[u->step % u->t->opts.variables], what);
    add_range(u, b, 24);
}
static void path_average(const struct loadtest_user *u, struct buf *b)
{
    add_aggregate(u, b, "AVG");
}
static void path_smallest(const struct loadtest_user *u, struct buf *b)
{
    add_aggregate(u, b, "MIN");
}
static void path_largest(const struct loadtest_user *u, struct buf *b)
{
    add_aggregate(u, b, "MAX");
}

/* The pages of the earlier front end and what each asks for; `weight` of 100 visits. */
static const struct page {
    unsigned weight;
    struct step steps[STEPS_MAX];
} pages[] = {
    {35, {{LOADTEST_DEVICES, "GET", path_devices}, {LOADTEST_LATEST, "GET", path_latest}}},
    {25, {{LOADTEST_DASHBOARD, "GET", path_dashboard}, {LOADTEST_WIDGETS, "POST", path_widgets}}},
    {15,
     {{LOADTEST_AGGREGATE, "GET", path_average},
      {LOADTEST_AGGREGATE, "GET", path_smallest},
      {LOADTEST_AGGREGATE, "GET", path_largest}}},
    {15,
     {{LOADTEST_DEVICE, "GET", path_device},
      {LOADTEST_DEVICE, "GET", path_variables},
      {LOADTEST_QUERY, "GET", path_hour},
      {LOADTEST_QUERY, "GET", path_day}}},
    {10,
     {{LOADTEST_ME, "GET", path_me},
      {LOADTEST_ALERTS, "GET", path_alerts},
      {LOADTEST_EVENTS, "GET", path_events}}},
};
enum { PAGES = sizeof pages / sizeof pages[0] };

/* --- requests ---------------------------- */

static void send_call(struct loadtest_user *u)
{
    u->t->under_way++;
    loadtest_figures_add(u->t->figures, LOADTEST_LATE, loadtest_now_ns() - u->intended_ns);
    loadtest_link_send(u->link, &u->call);
}

static void send_step(struct loadtest_user *u)
{
    const struct step *s = &pages[u->page].steps[u->step];
    struct buf path;
    buf_init(&path, 1 << 16);
    s->path(u, &path);
    loadtest_call_write(&u->call, &u->t->net, s->method, buf_cstr(&path), u->credential,
                        strcmp(s->method, "POST") == 0 ? BYTES("{}") : bytes_str(NULL));
    buf_done(&path);
    send_call(u);
}

static unsigned choose_page(struct loadtest_user *u)
{
    unsigned at = (unsigned)rnd_below(&u->rnd, 100), i = 0;
    while (i < PAGES - 1 && at >= pages[i].weight) at -= pages[i++].weight;
    return i;
}

static void open_page(struct loadtest_user *u)
{
    const struct loadtest_org *org = u->org;
    u->page = choose_page(u);
    u->step = 0;
    u->device = org->first_device + (org->devices ? rnd_below(&u->rnd, org->devices) : 0);
    if (!org->devices && u->page != PAGES - 1) u->page = 1; /* nothing but the dashboard */
    send_step(u);
}

static void send_login(struct loadtest_user *u)
{
    struct buf body;
    buf_init(&body, 1 << 12);
    json_write_open(&body, '{');
    json_write_member_text(&body, "username", u->name);
    json_write_member_text(&body, "password", u->t->password);
    json_write_close(&body, '}');
    loadtest_call_write(&u->call, &u->t->net, "POST", "/api/v1/auth/login", NULL, buf_bytes(&body));
    buf_done(&body);
    send_call(u);
}

/* --- answers ---------------------------- */

/* From the instant this page was meant to open, not from when it was done. */
static void think(struct loadtest_user *u, int64_t from_ns)
{
    struct loadtest *t = u->t;
    int64_t think_ns =
        THINK_MIN_NS + (int64_t)(rnd_unit(&u->rnd) * (double)(THINK_MAX_NS - THINK_MIN_NS));
    int64_t now = loadtest_now_ns();
    int64_t at = loadtest_scenario_when(t, loadtest_scenario_load(t, from_ns) + think_ns);
    if (t->draining) return;
    u->intended_ns = at > now ? at : now;
    loadtest_schedule_set(&t->schedule, &u->due, u->intended_ns);
}

static void take_login(struct loadtest_user *u, const struct loadtest_reply *reply)
{
    cJSON *json = cJSON_ParseWithLength(reply->body.p ? reply->body.p : "", reply->body.n);
    char line[LOADTEST_CREDENTIAL];
    snprintf(line, sizeof line, "Authorization: Bearer %s", ask_text(json, "accessToken"));
    cJSON_Delete(json);
    u->credential = mem_copy_str(line);
    u->logged_in = u->credential != NULL;
    if (u->logged_in) u->socket = loadtest_socket_new(u);
    u->intended_ns = loadtest_now_ns();
    think(u, u->intended_ns - THINK_MIN_NS);
}

static bool count(struct loadtest_user *u, enum loadtest_kind kind,
                  const struct loadtest_reply *reply)
{
    bool good = reply->status >= 200 && reply->status <= 299;
    if (loadtest_is_noisy(u->t, u->org)) kind = LOADTEST_NOISY;
    loadtest_figures_add(u->t->figures, kind, loadtest_now_ns() - u->intended_ns);
    if (!good) loadtest_figures_error(u->t->figures, kind);
    if (!good) loadtest_note(u->t, kind, reply);
    return good;
}

static void on_reply(struct loadtest_call *call, const struct loadtest_reply *reply)
{
    struct loadtest_user *u =
        (struct loadtest_user *)(void *)((char *)call - offsetof(struct loadtest_user, call));
    struct loadtest *t = u->t;
    t->under_way--;
    if (!u->logged_in) {
        bool good = count(u, LOADTEST_LOGIN, reply);
        if (t->draining) return;
        if (good) {
            take_login(u, reply);
        } else {
            u->intended_ns = loadtest_now_ns() + LOGIN_AGAIN;
            loadtest_schedule_set(&t->schedule, &u->due, u->intended_ns);
        }
        return;
    }
    const struct page *p = &pages[u->page];
    (void)count(u, p->steps[u->step].kind, reply);
    if (!t->draining && ++u->step < STEPS_MAX && p->steps[u->step].method) {
        u->intended_ns = loadtest_now_ns(); /* a browser could not ask earlier */
        send_step(u);
        return;
    }
    think(u, u->opened_ns);
}

static void on_due(struct loadtest_due *due)
{
    struct loadtest_user *u =
        (struct loadtest_user *)(void *)((char *)due - offsetof(struct loadtest_user, due));
    if (u->t->draining) return;
    u->opened_ns = u->intended_ns;
    if (u->logged_in)
        open_page(u);
    else
        send_login(u);
}

void loadtest_users_start(struct loadtest *t)
{
    for (size_t i = 0; i < t->opts.users; i++) {
        struct loadtest_user *u = &t->users[i];
        u->due.run = on_due;
        loadtest_call_init(&u->call, on_reply);
        u->link = loadtest_link_new(&t->net);
        u->intended_ns = t->start_ns +
                         (t->opts.users > 1 ? t->ramp_ns * (int64_t)i / (int64_t)t->opts.users : 0);
        if (u->link) loadtest_schedule_set(&t->schedule, &u->due, u->intended_ns);
    }
}

void loadtest_users_end(struct loadtest *t)
{
    for (size_t i = 0; i < t->opts.users; i++) {
        struct loadtest_user *u = &t->users[i];
        if (u->due.run) loadtest_schedule_unset(&t->schedule, &u->due);
        loadtest_socket_free(u->socket);
        loadtest_link_free(u->link);
        u->socket = NULL;
        u->link = NULL;
    }
}

void loadtest_users_forget(struct loadtest *t)
{
    for (size_t i = 0; i < t->opts.users; i++) {
        if (t->users[i].call.done) loadtest_call_done(&t->users[i].call);
        mem_free(t->users[i].credential);
        t->users[i].credential = NULL;
    }
}
