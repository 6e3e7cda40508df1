/* The run itself: start, a tick a second, the end, and who presses Ctrl-C (see loadtest.h). */
#include "app/loadtest_run.h"

#include "app/loadtest_jobs.h"
#include "app/loadtest_mqtt.h"
#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

enum { LOGINS_PER_SECOND = 20, INTERVALS_MAX = 600, DRAIN_S = 30, TICKS_PER_SECOND = 20 };

void loadtest_note(struct loadtest *t, enum loadtest_kind kind, const struct loadtest_reply *reply)
{
    if (!t->noted[kind][0]) loadtest_reply_text(reply, t->noted[kind], sizeof t->noted[kind]);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct loadtest *t = handle->data;
    (void)number;
    t->interrupts++;
    if (t->running && t->interrupts == 1) t->end_ns = loadtest_now_ns();
    if (t->interrupts > 2) _exit(130); /* whoever insists leaves the organisations behind */
}

/* Over, by time, by work, or by hand; then only what is under way is waited for. */
static void look_at_end(struct loadtest *t, int64_t now)
{
    bool work_done = t->opts.max_rate && t->opts.points && !t->devices_at_work;
    if (t->draining || (now < t->end_ns && !work_done)) return;
    t->draining = true;
    t->ended_ns = now;
    t->drain_until_ns = now + DRAIN_S * NS_PER_S;
}

static void on_tick(struct loadtest_due *due)
{
    struct loadtest *t = (struct loadtest *)(void *)((char *)due - offsetof(struct loadtest, tick));
    int64_t now = loadtest_now_ns();
    if (t->ticks++ % TICKS_PER_SECOND == 0) {
        loadtest_net_sweep(&t->net);
        loadtest_mqtt_sweep(t);
    }
    if (t->running) {
        look_at_end(t, now);
        loadtest_watch_take(t);
        if (!t->draining) loadtest_figures_turn(t->figures, now);
        cli_progress_show(&t->progress, (uint64_t)((now - t->start_ns) / NS_PER_S));
    }
    loadtest_schedule_set(&t->schedule, due, now + NS_PER_S / TICKS_PER_SECOND);
}

static void catch_signals(struct loadtest *t)
{
    t->interrupt.data = t->terminate.data = t;
    bug_if(uv_signal_init(&t->loop, &t->interrupt));
    bug_if(uv_signal_init(&t->loop, &t->terminate));
    bug_if(uv_signal_start(&t->interrupt, on_signal, SIGINT));
    bug_if(uv_signal_start(&t->terminate, on_signal, SIGTERM));
    (void)signal(SIGPIPE, SIG_IGN);
}

/* A socket for each device and two for each user. */
static enum err raise_file_limit(struct loadtest *t)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)(t->opts.connections + t->opts.users * 2 + 64);
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= needed) return ERR_OK;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < needed)
        return why_say(&t->why, ERR_LIMIT, "this run needs %llu open files: ulimit -n",
                       (unsigned long long)needed);
    return ERR_OK;
}

enum err loadtest_run_open(struct loadtest *t)
{
    size_t dues = t->opts.users * 2 + t->opts.devices + 64;
    enum err e = raise_file_limit(t);
    if (e) return e;
    if (uv_loop_init(&t->loop)) return why_say(&t->why, ERR_NOMEM, "out of memory");
    t->opened = true;
    e = loadtest_schedule_open(&t->schedule, &t->loop, dues);
    if (e) return why_say(&t->why, e, "out of memory");
    catch_signals(t);
    t->tick.run = on_tick;
    loadtest_schedule_set(&t->schedule, &t->tick, loadtest_now_ns());
    return ERR_OK;
}

static enum err open_links(struct loadtest *t)
{
    t->link_count = t->opts.connections < t->opts.devices ? t->opts.connections : t->opts.devices;
    t->links = mem_array(t->link_count, sizeof(struct loadtest_link *));
    for (size_t i = 0; t->links && i < t->link_count; i++) {
        t->links[i] = loadtest_link_new(&t->net);
        if (!t->links[i]) return why_say(&t->why, ERR_NOMEM, "out of memory");
    }
    return t->links ? ERR_OK : why_say(&t->why, ERR_NOMEM, "out of memory");
}

static void close_links(struct loadtest *t)
{
    for (size_t i = 0; t->links && i < t->link_count; i++) loadtest_link_free(t->links[i]);
    mem_free(t->links);
    t->links = NULL;
}

/* A second; less when a run is so short that it would have fewer than thirty, more when it is so
 * long that it would have too many. */
static int64_t interval_of(int64_t whole_ns)
{
    int64_t ns = whole_ns / 30 < NS_PER_S ? whole_ns / 30 : NS_PER_S;
    if (ns < NS_PER_S / 10) ns = NS_PER_S / 10;
    return ns < whole_ns / INTERVALS_MAX ? whole_ns / INTERVALS_MAX : ns;
}

/* Answers that come after the end count, with what they took; new requests are not sent. */
static void drain(struct loadtest *t)
{
    while (!t->draining || (t->under_way && loadtest_now_ns() < t->drain_until_ns))
        uv_run(&t->loop, UV_RUN_ONCE);
    loadtest_watch_end(t);
    loadtest_figures_end(t->figures, t->ended_ns);
}

enum err loadtest_run_all(struct loadtest *t)
{
    t->ramp_ns = (int64_t)t->opts.users * NS_PER_S / LOGINS_PER_SECOND;
    t->start_ns = loadtest_now_ns();
    t->start_wall_ns = clock_wall_ns(clock_real());
    t->end_ns = t->start_ns + t->ramp_ns + t->opts.duration_ns;
    int64_t interval = interval_of(t->end_ns - t->start_ns);
    t->figures = loadtest_figures_new(t->start_ns, interval, 2 * INTERVALS_MAX);
    if (!t->figures) return why_say(&t->why, ERR_NOMEM, "out of memory");
    enum err e = t->opts.mqtt ? loadtest_mqtt_open(t) : ERR_OK;
    if (!e) e = open_links(t);
    if (!e) e = loadtest_watch_start(t);
    if (!e) {
        cli_progress_start(&t->progress, t->cli, "seconds",
                           (uint64_t)((t->end_ns - t->start_ns) / NS_PER_S));
        t->running = true;
        loadtest_devices_start(t);
        loadtest_users_start(t);
        drain(t);
        t->running = false;
        cli_progress_end(&t->progress);
        loadtest_devices_stop(t);
        loadtest_users_end(t);
    }
    close_links(t);
    return e;
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void free_tables(struct loadtest *t)
{
    for (size_t i = 0; t->devices && i < t->opts.devices; i++)
        if (t->devices[i].call.done) loadtest_call_done(&t->devices[i].call);
    for (size_t i = 0; t->orgs && i < t->opts.orgs; i++) buf_done(&t->orgs[i].all_path);
    mem_free(t->orgs);
    mem_free(t->users);
    mem_free(t->devices);
    loadtest_figures_free(t->figures);
}

void loadtest_run_close(struct loadtest *t)
{
    if (t->users) loadtest_users_forget(t);
    if (t->opened) {
        while (t->net.alive) uv_run(&t->loop, UV_RUN_ONCE);
        loadtest_schedule_close(&t->schedule);
        uv_run(&t->loop, UV_RUN_NOWAIT);
        uv_walk(&t->loop, close_handle, NULL);
        uv_run(&t->loop, UV_RUN_DEFAULT);
        bug_if(uv_loop_close(&t->loop));
    }
    free_tables(t);
}
