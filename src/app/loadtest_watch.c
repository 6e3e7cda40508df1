/* The operator of a run: asks the routes that show how the server does, one after the other, ten
 * times a second of a short run and once of a long one, and each answer counts like anybody's. */
#include "app/loadtest.h"

#include <string.h>

#define SHORT_NS (10 * NS_PER_MINUTE)

static const char *const routes[] = {
    "/actuator/health",
    "/metrics",
    "/api/v1/pilot/performance/health",
    "/api/v1/pilot/performance/metrics",
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

static struct loadtest_watch *watch_of(void *member, size_t offset)
{
    return (struct loadtest_watch *)(void *)((char *)member - offset);
}

static void on_reply(struct loadtest_call *call, const struct loadtest_reply *reply)
{
    struct loadtest_watch *w = watch_of(call, offsetof(struct loadtest_watch, call));
    struct loadtest *t = w->t;
    t->under_way--;
    loadtest_figures_add(t->figures, LOADTEST_MONITOR, loadtest_now_ns() - w->intended_ns);
    if (reply->status < 200 || reply->status > 299) {
        loadtest_figures_error(t->figures, LOADTEST_MONITOR);
        loadtest_note(t, LOADTEST_MONITOR, reply);
    }
    if (t->draining) return;
    w->intended_ns += t->opts.duration_ns > SHORT_NS ? NS_PER_S : NS_PER_S / 10;
    loadtest_schedule_set(&t->schedule, &w->due, w->intended_ns);
}

static void on_due(struct loadtest_due *due)
{
    struct loadtest_watch *w = watch_of(due, offsetof(struct loadtest_watch, due));
    struct loadtest *t = w->t;
    if (t->draining) return;
    loadtest_call_write(&w->call, &t->net, "GET", routes[w->next++ % ROUTES], t->admin,
                        bytes_str(NULL));
    t->under_way++;
    loadtest_link_send(w->link, &w->call);
}

void loadtest_watch_start(struct loadtest *t)
{
    struct loadtest_watch *w = &t->watch;
    w->t = t;
    w->due.run = on_due;
    w->intended_ns = t->start_ns;
    w->link = loadtest_link_new(&t->net);
    loadtest_call_init(&w->call, on_reply);
    if (w->link) loadtest_schedule_set(&t->schedule, &w->due, w->intended_ns);
}

void loadtest_watch_end(struct loadtest *t)
{
    loadtest_schedule_unset(&t->schedule, &t->watch.due);
    loadtest_link_free(t->watch.link);
    loadtest_call_done(&t->watch.call);
}
