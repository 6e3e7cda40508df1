/* Devices: each sends a reading of all its variables on a grid of its own, moved by jitter, and
 * keeps it until it is acknowledged. A reading that is due while the former is under way waits and
 * is late from its own instant on. With --max-rate each sends as soon as it was answered, many
 * readings in one request, with times as if a day were replayed. */
#include "app/loadtest_devices.h"

#include "app/loadtest_jobs.h"
#include "app/loadtest_mqtt.h"
#include "codec/json_write.h"

#include <stdio.h>

enum { HISTORY_STEP_MINUTES = 10, HISTORY_RECORDS = 24 * 60 / HISTORY_STEP_MINUTES };
#define JITTER      0.25 /* of the period, to either side */
#define AGAIN_NS    NS_PER_S
#define MAX_STEP_NS (NS_PER_DAY / 2000)

const char *const loadtest_variables[LOADTEST_VARIABLES_MAX] = {
    "temperature", "humidity", "pressure", "voltage", "current", "power", "vibration", "level",
};

/* splitmix64's mixing steps (Vigna) over both words. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void loadtest_tally_add(struct loadtest_tally *t, int64_t ts_ns, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    t->points++;
    t->sum += mix(mix((uint64_t)ts_ns + UINT64_C(0x9e3779b97f4a7c15)) ^ bits);
}

/* --- readings ---------------------------- */

static void add_time(struct buf *b, int64_t ts_ns)
{
    json_write_member_time(b, "timestamp", ts_ns);
}

/* "timestamp":...,"variables":{...}: a walk of two decimals for each variable. A value of n
 * hundredths is the double nearest to n / 100, which is what its text reads back as. */
static void add_reading(struct loadtest_device *d, struct buf *b, int64_t ts_ns)
{
    add_time(b, ts_ns);
    json_write_key(b, "variables");
    json_write_open(b, '{');
    for (size_t v = 0; v < d->t->opts.variables; v++) {
        d->hundredths[v] += (int64_t)rnd_below(&d->rnd, 61) - 30;
        double value = (double)d->hundredths[v] / 100;
        json_write_member_number(b, loadtest_variables[v], value);
        loadtest_tally_add(&d->pending[v], ts_ns, value);
    }
    json_write_close(b, '}');
}

static void add_many(struct loadtest_device *d, struct buf *b, uint64_t n, int64_t step_ns)
{
    json_write_open(b, '[');
    for (uint64_t i = 0; i < n; i++, d->ts_ns += step_ns) {
        json_write_open(b, '{');
        json_write_member_text(b, "deviceId", d->id);
        add_reading(d, b, d->ts_ns);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

void loadtest_devices_write(struct loadtest_device *d, struct buf *b, int64_t ts_ns)
{
    json_write_open(b, '{');
    add_reading(d, b, ts_ns);
    json_write_close(b, '}');
}

void loadtest_devices_acknowledged(struct loadtest_device *d)
{
    for (size_t v = 0; v < d->t->opts.variables; v++) {
        d->stored[v].points += d->pending[v].points;
        d->stored[v].sum += d->pending[v].sum;
    }
    d->t->last_stored_ns = loadtest_now_ns();
    loadtest_devices_dropped(d);
}

void loadtest_devices_dropped(struct loadtest_device *d)
{
    memset(d->pending, 0, sizeof d->pending);
}

/* --- history ---------------------------- */

static void write_history(struct loadtest *t, size_t i, struct loadtest_call *c)
{
    struct loadtest_device *d = &t->devices[i];
    struct buf b;
    buf_init(&b, 4 << 20);
    d->ts_ns = t->history_from_ns;
    add_many(d, &b, HISTORY_RECORDS, HISTORY_STEP_MINUTES * NS_PER_MINUTE);
    loadtest_call_write(c, &t->net, "POST", "/api/v1/data/bulk", d->credential, buf_bytes(&b));
    buf_done(&b);
}

/* Each record of a bulk has a status of its own. */
static bool all_taken(const struct loadtest_reply *reply)
{
    if (reply->status < 200 || reply->status > 299) return false;
    return !reply->body.n || !memmem(reply->body.p, reply->body.n, "\"error\"", 7);
}

static enum err take_history(struct loadtest *t, size_t i, const struct loadtest_reply *reply)
{
    if (!all_taken(reply))
        return why_say(&t->why, ERR_INVALID, "history was refused: %.*s",
                       (int)(reply->body.n < 150 ? reply->body.n : 150), reply->body.p);
    loadtest_devices_acknowledged(&t->devices[i]);
    t->history_points += HISTORY_RECORDS * t->opts.variables;
    return ERR_OK;
}

enum err loadtest_history_send(struct loadtest *t)
{
    const struct loadtest_jobs jobs = {"days of history", t->opts.devices, 4,
                                       write_history,     take_history,    false};
    int64_t now = clock_wall_ns(clock_real());
    t->history_from_ns = now / NS_PER_MS * NS_PER_MS - NS_PER_DAY - NS_PER_MINUTE;
    if (t->opts.max_rate) return ERR_OK; /* it sends a day of its own */
    return loadtest_jobs_run(t, &jobs);
}

/* --- the run ---------------------------- */

static void transmit(struct loadtest_device *d)
{
    d->t->under_way++;
    if (d->t->opts.mqtt)
        loadtest_mqtt_send(d);
    else
        loadtest_link_send(d->link, &d->call);
}

static void send_reading(struct loadtest_device *d)
{
    struct loadtest *t = d->t;
    char path[80];
    struct buf b;
    buf_init(&b, 32 << 20);
    if (t->opts.max_rate) {
        uint64_t n = t->opts.batch;
        if (t->opts.points && d->left < n) n = d->left;
        d->left -= t->opts.points ? n : 0;
        add_many(d, &b, n, d->ts_step_ns);
        snprintf(path, sizeof path, "/api/v1/data/bulk");
    } else {
        /* Microseconds are enough to tell two readings of a device apart. */
        loadtest_devices_write(d, &b, loadtest_wall_ns(t, d->intended_ns) / 1000 * 1000);
        snprintf(path, sizeof path, "/api/v1/data/ingest/%s", d->id);
    }
    buf_clear(&d->call.request);
    if (t->opts.mqtt)
        buf_add_bytes(&d->call.request, buf_bytes(&b));
    else
        loadtest_call_write(&d->call, &t->net, "POST", path, d->credential, buf_bytes(&b));
    buf_done(&b);
    loadtest_figures_add(t->figures, LOADTEST_LATE, loadtest_now_ns() - d->intended_ns);
    transmit(d);
}

/* The next instant of the grid, moved by jitter; never before the former. One that has passed
 * already is sent at once, and late. */
static void plan(struct loadtest_device *d)
{
    struct loadtest *t = d->t;
    int64_t before = d->intended_ns;
    d->slot_ns += d->period_ns;
    double jitter = (rnd_unit(&d->rnd) * 2 - 1) * JITTER * (double)d->period_ns;
    d->intended_ns = loadtest_scenario_when(t, d->slot_ns + (int64_t)jitter);
    if (d->intended_ns <= before) d->intended_ns = before + NS_PER_US;
    if (d->intended_ns >= t->end_ns) return;
    loadtest_schedule_set(&t->schedule, &d->due, d->intended_ns);
}

static void on_due(struct loadtest_due *due)
{
    struct loadtest_device *d =
        (struct loadtest_device *)(void *)((char *)due - offsetof(struct loadtest_device, due));
    if (d->retrying) { /* the same reading again */
        d->retrying = false;
        transmit(d);
        return;
    }
    send_reading(d);
}

/* What a device does behind an acknowledged reading. */
static void go_on(struct loadtest_device *d)
{
    struct loadtest *t = d->t;
    if (t->opts.max_rate) {
        if (t->opts.points && !d->left) t->devices_at_work--;
        if (t->draining || (t->opts.points && !d->left)) return;
        d->intended_ns = loadtest_now_ns();
        send_reading(d);
        return;
    }
    if (t->draining) return;
    plan(d);
}

static void on_reply(struct loadtest_call *call, const struct loadtest_reply *reply)
{
    struct loadtest_device *d =
        (struct loadtest_device *)(void *)((char *)call - offsetof(struct loadtest_device, call));
    struct loadtest *t = d->t;
    bool good = all_taken(reply);
    bool passing = reply->status == 0 || reply->status == 429 || reply->status == 503;
    t->under_way--;
    /* A noisy device does not come back when it is told: it goes on. */
    bool noisy = loadtest_is_noisy(t, d->org), limited = noisy && reply->status == 429;
    enum loadtest_kind kind = noisy ? LOADTEST_NOISY : LOADTEST_INGEST;
    loadtest_figures_add(t->figures, kind, loadtest_now_ns() - d->intended_ns);
    if (good) loadtest_devices_acknowledged(d);
    t->limited += limited;
    if (!good && !limited) loadtest_figures_error(t->figures, kind);
    if (!good) loadtest_note(t, kind, reply);
    if (passing && !good && !t->draining && !limited) {
        int64_t wait = reply->retry_after_s > 0 ? reply->retry_after_s * NS_PER_S : AGAIN_NS;
        d->retrying = true;
        loadtest_schedule_set(&t->schedule, &d->due, loadtest_now_ns() + wait);
        return;
    }
    if (!good) loadtest_devices_dropped(d);
    go_on(d);
}

/* Readings start all over the first period, so that devices do not march in step. */
static void start_device(struct loadtest *t, struct loadtest_device *d, size_t i)
{
    double per_second = t->opts.points_per_day / 86400 / (double)t->opts.variables;
    d->due.run = on_due;
    loadtest_call_init(&d->call, on_reply);
    d->link = t->links[i % t->link_count];
    d->period_ns = (int64_t)((double)t->opts.devices / per_second * (double)NS_PER_S);
    if (loadtest_is_noisy(t, d->org))
        d->period_ns = (int64_t)((double)d->period_ns / t->opts.noisy);
    if (t->opts.max_rate) {
        uint64_t records = t->opts.points / t->opts.variables;
        d->left = records * (i + 1) / t->opts.devices - records * i / t->opts.devices;
        d->ts_ns = t->history_from_ns;
        d->ts_step_ns = t->opts.points && d->left ? NS_PER_DAY / (int64_t)d->left : MAX_STEP_NS;
        d->ts_step_ns = d->ts_step_ns / 1000 * 1000;
        d->intended_ns = t->start_ns;
        if (t->opts.points && !d->left) return;
        t->devices_at_work++;
        loadtest_schedule_set(&t->schedule, &d->due, t->start_ns);
        return;
    }
    d->slot_ns = t->start_ns - d->period_ns + (int64_t)(rnd_unit(&d->rnd) * (double)d->period_ns);
    d->intended_ns = t->start_ns;
    plan(d);
}

void loadtest_devices_start(struct loadtest *t)
{
    for (size_t i = 0; i < t->opts.devices; i++) start_device(t, &t->devices[i], i);
}

void loadtest_devices_stop(struct loadtest *t)
{
    for (size_t i = 0; i < t->opts.devices; i++) {
        struct loadtest_device *d = &t->devices[i];
        loadtest_schedule_unset(&t->schedule, &d->due);
        loadtest_mqtt_free(d->mqtt);
        d->mqtt = NULL;
    }
}
