/* Synthetic variables: whatever is late, missed, refused or crashes, the results are those of all
 * readings. */
#include "base/rnd.h"
#include "synthetic_world.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEED UINT64_C(20261125)
/* --- against a naive computation of everything ------------------------------------------------ */

enum { TIMES = 4000, STEP_NS = 1000000000 };
static const char *const raw_names[] = {"a", "b", "c"};
static struct {
    double raw[3][TIMES]; /* at T0 + i seconds; NAN: none */
    double y[4][TIMES];
    bool touched[TIMES]; /* written to more than once: an old result may stay */
} model;

/* Readings of v in (t - span, t]: their number, and the i-th of them with its time. */
static int window(const double *v, int t, int span, int *ret_times)
{
    int n = 0;
    for (int i = t - span + 1 > 0 ? t - span + 1 : 0; i <= t; i++)
        if (!isnan(v[i])) ret_times[n++] = i;
    return n;
}

static double last(const double *v, int t)
{
    while (t >= 0 && isnan(v[t])) t--;
    return t < 0 ? (double)NAN : v[t];
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double mean_5m(const double *v, int t)
{
    static int times[TIMES];
    long double sum = 0;
    int n = window(v, t, 300, times);
    for (int i = 0; i < n; i++) sum += (long double)v[times[i]];
    return (double)(sum / n);
}

static double median_15m(const double *v, int t)
{
    static int times[TIMES];
    static double values[TIMES];
    int n = window(v, t, 900, times);
    for (int i = 0; i < n; i++) values[i] = v[times[i]];
    qsort(values, (size_t)n, sizeof *values, by_value);
    if (!n) return (double)NAN;
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double rate_15m(const double *v, int t)
{
    static int times[TIMES];
    int n = window(v, t, 900, times);
    if (n < 2) return (double)NAN;
    return (v[times[n - 1]] - v[times[0]]) / ((times[n - 1] - times[0]) / 3600.0);
}

static const char *const synthetic_names[] = {"y0", "y1", "y2", "y3"};
static const char *const expressions[] = {"a + b * 2", "avg(a, 5m) + y0",
                                          "if(b > 0, median(c, 15m), c - y1)", "rate(y0, 15m)"};

static void compute_all(void)
{
    const double *a = model.raw[0], *b = model.raw[1], *c = model.raw[2];
    for (int k = 0; k < 4; k++)
        for (int t = 0; t < TIMES; t++) model.y[k][t] = (double)NAN;
    for (int t = 0; t < TIMES; t++) {
        double *y0 = &model.y[0][t], *y1 = &model.y[1][t];
        bool has_a = !isnan(a[t]), has_b = !isnan(b[t]), has_c = !isnan(c[t]);
        if (has_a || has_b) *y0 = last(a, t) + last(b, t) * 2;
        bool has_y0 = !isnan(*y0);
        if (has_a || has_y0) *y1 = mean_5m(a, t) + last(model.y[0], t);
        bool due = has_b || has_c || !isnan(*y1);
        if (due && !isnan(last(b, t)))
            model.y[2][t] = last(b, t) > 0 ? median_15m(c, t) : last(c, t) - last(model.y[1], t);
        if (has_y0) model.y[3][t] = rate_15m(model.y[0], t);
    }
}

static int64_t t0_ns(const struct synthetic_world *w)
{
    return clock_wall_ns(&w->w.clock.clock) / STEP_NS * STEP_NS -
           (int64_t)(TIMES + 100000) * STEP_NS;
}

static void equals_model(struct synthetic_world *w, int64_t t0, size_t *ret_results)
{
    static struct sample got[TIMES * 2];
    compute_all();
    for (int k = 0; k < 4; k++) {
        size_t n = synthetic_world_read(w, synthetic_names[k], got, TIMES * 2), at = 0;
        for (int t = 0; t < TIMES; t++) {
            while (at < n && got[at].ts_ns < t0 + (int64_t)t * STEP_NS) at++;
            bool there = at < n && got[at].ts_ns == t0 + (int64_t)t * STEP_NS;
            double wanted = model.y[k][t], v = there ? got[at].value : (double)NAN;
            if (isnan(wanted) && (!there || model.touched[t])) continue;
            if (!(fabs(v - wanted) <= 1e-9 * (1 + fabs(wanted))))
                fail_msg("%s at %d: %.17g, not %.17g", synthetic_names[k], t, v, wanted);
            *ret_results += 1;
        }
    }
}

struct play {
    struct rnd rnd;
    int now; /* the newest time so far */
    bool missed;
};

static void play_reading(struct synthetic_world *w, struct play *p, int64_t t0)
{
    double values[3];
    uint64_t kind = rnd_below(&p->rnd, 20);
    int t = p->now;
    if (kind == 0 && p->now > 300) {
        t -= (int)rnd_below(&p->rnd, 300); /* late */
    } else if (kind > 1) {
        t = p->now += 1 + (int)rnd_below(&p->rnd, 8);
    } /* else the same time again */
    for (int i = 0; i < 3; i++) {
        bool sent = rnd_below(&p->rnd, 3) > 0;
        values[i] = sent ? (double)rnd_below(&p->rnd, 100) - 40 : (double)NAN;
        if (sent) model.raw[i][t] = values[i];
    }
    for (int k = t; k < TIMES && (kind <= 1); k++) model.touched[k] = true;
    bool shown = rnd_below(&p->rnd, 50) > 0 && !p->missed;
    p->missed = p->missed || !shown;
    synthetic_world_send(w, t0 + (int64_t)t * STEP_NS, raw_names, values, 3, shown);
}

static void play_one(struct synthetic_world *w, struct play *p, int64_t t0)
{
    uint64_t what = rnd_below(&p->rnd, 400);
    if (p->missed && !rnd_below(&p->rnd, 5)) {
        synthetics_on_gap(w->engine);
        p->missed = false;
    }
    if (what == 0) {
        synthetic_world_crash(w); /* reads what it missed */
        p->missed = false;
    } else if (what == 1 && !p->missed) {
        synthetic_world_restart(w);
    } else if (what < 20) {
        synthetic_world_refuse(w, what < 6 ? ERR_IO : ERR_OK);
    } else if (what < 80) {
        synthetic_world_idle(w, 1);
    } else {
        play_reading(w, p, t0);
    }
}

static void whatever_happens_the_results_are_those_of_all_readings(void **state)
{
    (void)state;
    size_t results = 0;
    for (uint64_t round = 0; round < 8; round++) {
        struct synthetic_world w;
        struct play p = {.now = 0};
        rnd_seed(&p.rnd, SEED + round);
        print_message("seed %" PRIu64 "\n", SEED + round);
        synthetic_world_open(&w);
        int64_t t0 = t0_ns(&w);
        memset(model.touched, 0, sizeof model.touched);
        for (int i = 0; i < 3; i++)
            for (int t = 0; t < TIMES; t++) model.raw[i][t] = (double)NAN;
        for (int i = 0; i < 4; i++)
            synthetic_world_make(&w, synthetic_names[3 - i], expressions[3 - i]);
        while (p.now < TIMES - 10) play_one(&w, &p, t0);
        if (p.missed) synthetics_on_gap(w.engine);
        synthetic_world_settle(&w);
        equals_model(&w, t0, &results);
        synthetic_world_close(&w);
    }
    print_message("%zu results\n", results);
    assert_true(results > 20000);
}

/* --- one by one ------------------------------------------------------------------------------- */

static void what_the_tap_dropped_is_computed_from_the_store(void **state)
{
    (void)state;
    struct synthetic_world w;
    synthetic_world_open(&w);
    const char *names[] = {"a"};
    int64_t t0 = t0_ns(&w);
    synthetic_world_make(&w, "twice", "a * 2");
    for (int i = 0; i < 10; i++) {
        double v = i;
        synthetic_world_send(&w, t0 + i, names, &v, 1, i < 2 || i > 7);
        if (i == 7) synthetics_on_gap(w.engine);
    }
    synthetic_world_settle(&w);
    struct sample wanted[10];
    for (int i = 0; i < 10; i++) wanted[i] = (struct sample){t0 + i, i * 2};
    synthetic_world_expect(&w, "twice", wanted, 10);
    synthetic_world_close(&w);
}

static void readings_from_ahead_wait_for_their_time(void **state)
{
    (void)state;
    struct synthetic_world w;
    synthetic_world_open(&w);
    int64_t now = clock_wall_ns(&w.w.clock.clock);
    synthetic_world_make(&w, "twice", "a * 2");
    synthetic_world_send_one(&w, now, "a", 1);
    synthetic_world_send_one(&w, now + 2 * NS_PER_HOUR, "a", 9); /* its clock is wrong, once */
    synthetic_world_send_one(&w, now + 1, "a", 2);
    synthetic_world_settle(&w);
    synthetic_world_expect(&w, "twice", (struct sample[]){{now, 2}, {now + 1, 4}}, 2);
    clock_fake_advance(&w.w.clock, 2 * NS_PER_HOUR);
    synthetic_world_settle(&w);
    synthetic_world_expect(
        &w, "twice", (struct sample[]){{now, 2}, {now + 1, 4}, {now + 2 * NS_PER_HOUR, 18}}, 3);
    synthetic_world_close(&w);
}

static void a_device_whose_clock_is_ahead_is_computed_at_once(void **state)
{
    (void)state;
    struct synthetic_world w;
    synthetic_world_open(&w);
    int64_t then = clock_wall_ns(&w.w.clock.clock) + 3 * NS_PER_HOUR;
    synthetic_world_make(&w, "twice", "a * 2");
    for (int i = 0; i < 3; i++) synthetic_world_send_one(&w, then + i * NS_PER_MINUTE, "a", i);
    synthetic_world_settle(&w);
    synthetic_world_expect(
        &w, "twice",
        (struct sample[]){{then, 0}, {then + NS_PER_MINUTE, 2}, {then + 2 * NS_PER_MINUTE, 4}}, 3);
    synthetic_world_close(&w);
}

static void a_change_holds_from_the_next_reading_on(void **state)
{
    (void)state;
    struct synthetic_world w;
    struct refusal refusal = {.fields = 0};
    char uuid[UUID_TEXT + 1];
    synthetic_world_open(&w);
    int64_t t0 = t0_ns(&w);
    struct synthetic y = synthetic_world_make(&w, "sum", "count(a, 5m)");
    uuid_format(&y.uuid, uuid);
    for (int i = 0; i < 3; i++) synthetic_world_send_one(&w, t0 + i, "a", i);
    synthetic_world_settle(&w);
    const struct synthetic_change change = {.expression = {true, BYTES("sum(a, 5m) * 100")}};
    assert_int_equal(synthetic_service_update(&w.service, &w.actor, bytes_str(uuid), &change,
                                              &w.w.arena, &y, &refusal),
                     ERR_OK);
    synthetic_world_send_one(&w, t0 + 3, "a", 3);
    synthetic_world_settle(&w);
    synthetic_world_expect(&w, "sum",
                           (struct sample[]){{t0, 1}, {t0 + 1, 2}, {t0 + 2, 3}, {t0 + 3, 600}}, 4);
    assert_int_equal(synthetic_service_delete(&w.service, &w.actor, bytes_str(uuid), &w.w.arena),
                     ERR_OK);
    synthetic_world_send_one(&w, t0 + 4, "a", 4);
    synthetic_world_settle(&w);
    synthetic_world_expect(&w, "sum",
                           (struct sample[]){{t0, 1}, {t0 + 1, 2}, {t0 + 2, 3}, {t0 + 3, 600}}, 4);
    assert_false(synthetics_watches(w.engine, w.actor.org));
    synthetic_world_close(&w);
}

static void without_memory_for_windows_the_others_go_on(void **state)
{
    (void)state;
    struct synthetic_world w;
    synthetic_world_open(&w);
    synthetic_world_end(&w);
    synthetic_world_start(&w, 2000);
    int64_t t0 = t0_ns(&w);
    synthetic_world_make(&w, "mean", "avg(a, 30d)");
    synthetic_world_make(&w, "twice", "a * 2");
    for (int i = 0; i < 200; i++) synthetic_world_send_one(&w, t0 + i, "a", i);
    synthetic_world_settle(&w);
    struct sample got[256];
    struct synthetics_stats s;
    assert_int_equal(synthetic_world_read(&w, "twice", got, 256), 200);
    assert_in_range(synthetic_world_read(&w, "mean", got, 256), 1, 199);
    synthetics_read_stats(w.engine, &s);
    assert_in_range(s.window_bytes, 1, 2000);
    synthetic_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_tap_dropped_is_computed_from_the_store),
        cmocka_unit_test(readings_from_ahead_wait_for_their_time),
        cmocka_unit_test(a_device_whose_clock_is_ahead_is_computed_at_once),
        cmocka_unit_test(a_change_holds_from_the_next_reading_on),
        cmocka_unit_test(without_memory_for_windows_the_others_go_on),
        cmocka_unit_test(whatever_happens_the_results_are_those_of_all_readings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
