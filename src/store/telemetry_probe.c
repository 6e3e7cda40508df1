/* Every call of a store, timed and counted (see telemetry.h, perf/probe.h). */
#include "perf/probe.h"
#include "store/telemetry.h"

enum call {
    CALL_WRITE,
    CALL_SCAN_OPEN,
    CALL_SCAN_NEXT,
    CALL_SCAN_CLOSE,
    CALL_LATEST,
    CALL_ROLLUPS,
    CALL_TOTALS,
    CALL_RETAIN,
    CALL_PURGE_DEVICE,
    CALL_SEAL,
    CALL_MAINTAIN,
    CALL_READ_STATS,
    CALL_CLOSE,
    CALLS
};

#define PROBES(word)                                                                               \
    {                                                                                              \
        [CALL_WRITE] = PROBE_INIT(PROBE_STORE, word "_write"),                                     \
        [CALL_SCAN_OPEN] = PROBE_INIT(PROBE_STORE, word "_scan_open"),                             \
        [CALL_SCAN_NEXT] = PROBE_INIT(PROBE_STORE, word "_scan_next"),                             \
        [CALL_SCAN_CLOSE] = PROBE_INIT(PROBE_STORE, word "_scan_close"),                           \
        [CALL_LATEST] = PROBE_INIT(PROBE_STORE, word "_latest"),                                   \
        [CALL_ROLLUPS] = PROBE_INIT(PROBE_STORE, word "_rollups"),                                 \
        [CALL_TOTALS] = PROBE_INIT(PROBE_STORE, word "_totals"),                                   \
        [CALL_RETAIN] = PROBE_INIT(PROBE_STORE, word "_retain"),                                   \
        [CALL_PURGE_DEVICE] = PROBE_INIT(PROBE_STORE, word "_purge_device"),                       \
        [CALL_SEAL] = PROBE_INIT(PROBE_STORE, word "_seal"),                                       \
        [CALL_MAINTAIN] = PROBE_INIT(PROBE_STORE, word "_maintain"),                               \
        [CALL_READ_STATS] = PROBE_INIT(PROBE_STORE, word "_read_stats"),                           \
        [CALL_CLOSE] = PROBE_INIT(PROBE_STORE, word "_close"),                                     \
    }
/* [1]: of a store over another one, so that both are seen. */
static struct probe probes[2][CALLS] = {PROBES("store"), PROBES("cached")};

static _Atomic uint64_t open_scans;

uint64_t telemetry_open_scans(void)
{
    return atomic_load_explicit(&open_scans, memory_order_relaxed);
}

static void begin(struct probe_span *span, const struct telemetry_ops *ops, enum call call)
{
    probe_begin(span, &probes[ops->over][call]);
}

static enum err end(struct probe_span *span, enum err e)
{
    probe_end(span, e);
    return e;
}

enum err telemetry_write(struct telemetry *t, const struct record_set *const *sets, size_t n,
                         struct why *why)
{
    struct probe_span span;
    begin(&span, t->ops, CALL_WRITE);
    return end(&span, t->ops->write(t, sets, n, why));
}

enum err telemetry_scan_open(struct telemetry *t, const struct scan_range *range,
                             struct scan_cursor **ret)
{
    struct probe_span span;
    begin(&span, t->ops, CALL_SCAN_OPEN);
    enum err e = t->ops->scan_open(t, range, ret);
    if (!e && !t->ops->over) atomic_fetch_add_explicit(&open_scans, 1, memory_order_relaxed);
    return end(&span, e);
}

enum err telemetry_scan_next(struct scan_cursor *c, const struct sample **ret, size_t *ret_n)
{
    struct probe_span span;
    begin(&span, c->ops, CALL_SCAN_NEXT);
    return end(&span, c->ops->scan_next(c, ret, ret_n));
}

enum err telemetry_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                          struct sample *ret)
{
    if (t->ops->over) return t->ops->latest(t, org, series, n, ret); /* it passes it on */
    struct probe_span span;
    begin(&span, t->ops, CALL_LATEST);
    return end(&span, t->ops->latest(t, org, series, n, ret));
}

enum err telemetry_rollups(struct telemetry *t, const struct scan_range *range, struct rollup *ret,
                           size_t cap, size_t *ret_n)
{
    struct probe_span span;
    begin(&span, t->ops, CALL_ROLLUPS);
    return end(&span, t->ops->rollups(t, range, ret, cap, ret_n));
}

enum err telemetry_totals(struct telemetry *t, int64_t org, int64_t from_ns, int64_t to_ns,
                          struct series_total *totals, size_t n)
{
    struct probe_span span;
    if (!t->ops->totals) return ERR_NOTFOUND;
    begin(&span, t->ops, CALL_TOTALS);
    return end(&span, t->ops->totals(t, org, from_ns, to_ns, totals, n));
}

enum err telemetry_retain(struct telemetry *t, int64_t org, int64_t raw_cutoff_ns,
                          int64_t rollup_cutoff_ns, uint64_t *ret_points)
{
    struct probe_span span;
    begin(&span, t->ops, CALL_RETAIN);
    return end(&span, t->ops->retain(t, org, raw_cutoff_ns, rollup_cutoff_ns, ret_points));
}

enum err telemetry_purge_device(struct telemetry *t, int64_t org, int64_t device)
{
    struct probe_span span;
    begin(&span, t->ops, CALL_PURGE_DEVICE);
    return end(&span, t->ops->purge_device(t, org, device));
}

enum err telemetry_seal(struct telemetry *t)
{
    struct probe_span span;
    begin(&span, t->ops, CALL_SEAL);
    return end(&span, t->ops->seal(t));
}

enum err telemetry_maintain(struct telemetry *t)
{
    struct probe_span span;
    begin(&span, t->ops, CALL_MAINTAIN);
    return end(&span, t->ops->maintain(t));
}

void telemetry_scan_close(struct scan_cursor *c)
{
    struct probe_span span;
    if (!c) return;
    begin(&span, c->ops, CALL_SCAN_CLOSE);
    c->ops->scan_close(c);
    atomic_fetch_sub_explicit(&open_scans, 1, memory_order_relaxed);
    probe_end(&span, ERR_OK);
}

void telemetry_read_stats(struct telemetry *t, struct telemetry_stats *ret)
{
    struct probe_span span;
    begin(&span, t->ops, CALL_READ_STATS);
    t->ops->read_stats(t, ret);
    probe_end(&span, ERR_OK);
}

void telemetry_close(struct telemetry *t)
{
    struct probe_span span;
    if (!t) return;
    begin(&span, t->ops, CALL_CLOSE);
    t->ops->close(t);
    probe_end(&span, ERR_OK);
}
