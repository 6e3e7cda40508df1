#pragma once
/* perf/probe.h -- every operation is timed and counted by one line where it happens.
 *
 *   operation with others inside it          one with nothing inside it
 *     struct probe_span span;                  int64_t begun = probe_now();
 *     probe_begin(&span, &probe);              …
 *     …                                        probe_note(&probe, begun, e);
 *     probe_end(&span, e);
 *
 * P1  counted: how often, how long (a histogram), how it ended (by kind of error), how often longer
 *     than its threshold; the slowest of a day, each with its organisation, its request and what
 *     the time went into; the last failure with its request.
 * P2  organisation and request are those of the enclosing span of this thread, so that only who
 *     takes a request from outside says them (probe_begin_for).
 * P3  nobody waits for another here. A sample of the slowest that two threads would write at once
 *     is left out; counts never are.
 * P4  a probe is registered by its first use and then stays: they live as long as the process.
 *
 * Built with SV_NO_PROBES all of it is nothing, for the measurement of what it costs
 * (bench/probes.sh).   Threads: any.   Memory: the caller's, static. */
#include "base/bytes.h"
#include "base/err.h"
#include "perf/histogram.h"

enum probe_kind {
    PROBE_ROUTE,   /* a request, from its head to its written answer */
    PROBE_SERVICE, /* a function that a header of service/ or pilot/ declares */
    PROBE_SQL,     /* a statement of the catalog */
    PROBE_STORE,   /* a call of store/telemetry.h */
    PROBE_CACHE,   /* a call of cache/cache.h */
    PROBE_TASK,    /* work on an executor: what it waited for a thread, what it ran */
    PROBE_KINDS
};
enum { PROBE_SLOWEST = 5, PROBE_REQUEST_MAX = 64, PROBE_REASON_MAX = 128 };
#define PROBE_KEPT_NS (INT64_C(86400) * 1000000000) /* the slowest of so long */

struct probe_sample {
    int64_t took_ns;  /* 0: nothing was kept here */
    int64_t ended_ns; /* monotonic */
    int64_t org;      /* 0: nobody's */
    enum err outcome;
    char request[PROBE_REQUEST_MAX]; /* "" without one */
    char reason[PROBE_REASON_MAX];   /* what the time went into */
};

struct probe {
    const char *name;
    enum probe_kind kind;
    _Atomic int registered;
    struct probe *_Atomic next;
    struct histogram took;
    _Atomic uint64_t outcomes[ERR_COUNT]; /* [ERR_OK] is not counted: took has all */
    _Atomic uint64_t untimed;             /* counted beside `took` */
    _Atomic uint64_t slow;                /* longer than the threshold */
    _Atomic int64_t threshold_ns;         /* 0: that of its kind */
    _Atomic int64_t floor_ns;             /* shorter ones are not among the slowest … */
    _Atomic int64_t floor_until_ns;       /* … until then */
    atomic_flag busy;                     /* guards the rest; nobody waits for it */
    struct probe_sample slowest[PROBE_SLOWEST];
    struct probe_sample failed; /* the last that was not a caller's mistake */
};
#define PROBE_INIT(kind_, name_)                                                                   \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .busy = ATOMIC_FLAG_INIT                                 \
    }

struct probe_span {
    struct probe *probe;
    int64_t begun_ns, org;
    struct bytes request; /* borrowed until probe_end() */
    struct probe_span *outer;
    const void *owner;             /* whose parts they are, for probe_hand_over(); may be NULL */
    int64_t inner_ns[PROBE_KINDS]; /* of what was inside, each nanosecond under one kind only */
    uint32_t inner_count[PROBE_KINDS];
    const struct probe *longest;
    int64_t longest_ns;
};

const char *probe_kind_name(enum probe_kind kind); /* "sql" */

#ifndef SV_NO_PROBES
int64_t probe_now(void); /* monotonic nanoseconds */
void probe_begin(struct probe_span *s, struct probe *p);
void probe_begin_for(struct probe_span *s, struct probe *p, int64_t org, struct bytes request);
void probe_end(struct probe_span *s, enum err outcome);
void probe_note(struct probe *p, int64_t begun_ns, enum err outcome);
/* The same for who has counted the time itself. */
void probe_note_took(struct probe *p, int64_t took_ns, enum err outcome);
/* What costs a few nanoseconds: one call in PROBE_SAMPLED is timed (probe_note), the others only
 * count, each with its outcome. */
enum { PROBE_SAMPLED = 64 };
void probe_note_untimed(struct probe *p, enum err outcome);
/* Of an operation that went over several threads: what its parts were busy with is in `parts`. */
void probe_note_parts(struct probe *p, const struct probe_span *parts, int64_t took_ns,
                      enum err outcome);
/* Enters and leaves without counting: the parts go to who counts the whole. */
void probe_enter(struct probe_span *s, const void *owner, int64_t org, struct bytes request);
void probe_leave(struct probe_span *s);
/* Adds what this thread's span of that owner has so far to *ret, and forgets it there. */
void probe_hand_over(const void *owner, struct probe_span *ret);
/* One that ended long ago on another thread, as a part of `s`. */
void probe_add_part(struct probe_span *s, const struct probe *p, int64_t took_ns);
#else
static inline int64_t probe_now(void)
{
    return 0;
}
#define probe_begin(s, p)                   ((void)(s), (void)(p))
#define probe_begin_for(s, p, org, request) ((void)(s), (void)(p), (void)(org), (void)(request))
#define probe_end(s, e)                     ((void)(s), (void)(e))
#define probe_note(p, begun_ns, e)          ((void)(p), (void)(begun_ns), (void)(e))
#define probe_note_took(p, took_ns, e)      ((void)(p), (void)(took_ns), (void)(e))
#define probe_note_untimed(p, e)            ((void)(p), (void)(e))
#define probe_note_parts(p, parts, ns, e)   ((void)(p), (void)(parts), (void)(ns), (void)(e))
#define probe_enter(s, owner, org, request) ((void)(s), (void)(owner), (void)(org))
#define probe_leave(s)                      ((void)(s))
#define probe_hand_over(owner, ret)         ((void)(owner), (void)(ret))
#define probe_add_part(s, p, took_ns)       ((void)(s), (void)(p), (void)(took_ns))
#endif

/* --- reading ---------------------------------------------------------------------------------- */
/* What is longer is slow: of all probes of a kind, LIVE. */
void probe_set_threshold(enum probe_kind kind, int64_t ns);
int64_t probe_threshold(const struct probe *p);
/* Every probe that was used, in no order; NULL: the first. NULL at the end. */
struct probe *probe_next(const struct probe *p);
uint64_t probe_count(const struct probe *p);
/* Nanoseconds of all of them; what was not timed took as long as what was. */
uint64_t probe_sum_ns(const struct probe *p);
/* Not a caller's mistake: the disk, memory, a limit of ours, a deadline. */
bool probe_is_failure(enum err outcome);
uint64_t probe_failures(const struct probe *p);
/* Longest first; *ret_n of them, at most PROBE_SLOWEST. */
void probe_read_slowest(struct probe *p, struct probe_sample ret[PROBE_SLOWEST], size_t *ret_n);
/* False: none has failed. */
bool probe_read_failed(struct probe *p, struct probe_sample *ret);
