#pragma once
/* app/loadtest_figures.h -- what the load test measured: of each kind of request how many, how many
 * failed, and how long they took, over the whole run and interval by interval.
 *
 * F1  a latency counts from the instant at which the request should have gone out, not from the one
 *     at which it did: a server (or a generator) that stalls is charged with everybody who waits
 *     meanwhile ("coordinated omission", Gil Tene).
 * F2  latencies lie in buckets of at most 1/128 of their value (HDR histogram, Gil Tene), so a run
 *     of any length takes the same memory and a percentile is off by less than 0.8 %.
 * Threads: owner only.   Memory: owns its tables.   Units: nanoseconds. */
#include "base/buf.h"

#include <stdbool.h>

enum loadtest_kind {
    LOADTEST_LOGIN,
    LOADTEST_ME,
    LOADTEST_DEVICES,
    LOADTEST_LATEST,
    LOADTEST_DASHBOARD,
    LOADTEST_WIDGETS,
    LOADTEST_QUERY,
    LOADTEST_AGGREGATE,
    LOADTEST_DEVICE,
    LOADTEST_ALERTS,
    LOADTEST_EVENTS,
    LOADTEST_SOCKET, /* until the live socket is open */
    LOADTEST_LIVE,   /* from a reading's time until it is at a live socket */
    LOADTEST_INGEST,
    LOADTEST_MONITOR,
    LOADTEST_NOISY, /* of an organisation that sends far too much; refusals are no errors */
    LOADTEST_LATE,  /* the generator's own: how late a request went out */
    LOADTEST_KINDS
};
/* "login", and what it is in a few words. */
const char *loadtest_kind_name(enum loadtest_kind k);
const char *loadtest_kind_text(enum loadtest_kind k);

enum {
    LOADTEST_FINE_BITS = 7, /* 128 buckets for each power of two */
    LOADTEST_BUCKETS = (36 - LOADTEST_FINE_BITS) << LOADTEST_FINE_BITS, /* of 1 us to 19 hours */
};
struct loadtest_spread {
    uint64_t count, errors;
    int64_t max_ns;
    double sum_ns;
    uint32_t buckets[LOADTEST_BUCKETS];
};
void loadtest_spread_add(struct loadtest_spread *s, int64_t ns);
/* The latency that `rank` (0 to 1) of them do not exceed; 0 when there are none. */
int64_t loadtest_spread_rank(const struct loadtest_spread *s, double rank);
/* The middle of a bucket. */
int64_t loadtest_spread_value(size_t bucket);

/* Of one interval. */
struct loadtest_sample {
    uint64_t count, errors;
    int64_t p50_ns, p99_ns;
};
struct loadtest_figures {
    int64_t interval_ns, next_ns;
    size_t intervals, interval_cap;                  /* complete ones */
    struct loadtest_sample *samples[LOADTEST_KINDS]; /* owned: [interval] */
    struct loadtest_spread now[LOADTEST_KINDS], all[LOADTEST_KINDS];
};
/* NULL: no memory. At most `cap` intervals are kept. */
struct loadtest_figures *loadtest_figures_new(int64_t start_ns, int64_t interval_ns, size_t cap);
void loadtest_figures_free(struct loadtest_figures *f); /* NULL is fine */
void loadtest_figures_add(struct loadtest_figures *f, enum loadtest_kind k, int64_t ns);
void loadtest_figures_error(struct loadtest_figures *f, enum loadtest_kind k);
/* Closes intervals whose end has passed. */
void loadtest_figures_turn(struct loadtest_figures *f, int64_t now_ns);
/* The end: what the last interval has is counted, as an interval when at least half of it ran. */
void loadtest_figures_end(struct loadtest_figures *f, int64_t now_ns);
/* Requests but the generator's own lateness. */
uint64_t loadtest_figures_requests(const struct loadtest_figures *f);
uint64_t loadtest_figures_errors(const struct loadtest_figures *f);
