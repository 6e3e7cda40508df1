/* Database and operations in Prometheus' words (see metrics_operations.h). Labels are names of
 * functions and of executors of ours: bounded by what is compiled in. */
#include "api/metrics_operations.h"

#include "api/app.h"
#include "base/mem.h"
#include "perf/probe.h"
#include "perf/prometheus.h"
#include "pilot/performance.h"
#include "service/auth_failures.h"
#include "store/postgres/postgres_pool.h"

#include <stdio.h>
#include <stdlib.h>

static void write_one(struct buf *b, const char *name, const char *type, const char *help,
                      double value)
{
    prometheus_family(b, name, type, help);
    prometheus_sample(b, name, NULL, value);
}

/* --- the database ----------------------------------------------------------------------------- */

static void write_pool(struct performance *p, struct buf *b)
{
    const struct postgres_pool_stats s = postgres_pool_read_stats(p->pool);
    write_one(b, "sensorvision_db_connections_open", "gauge", "Connections of the pool.", s.open);
    write_one(b, "sensorvision_db_connections_waiting", "gauge", "Who waits for a connection.",
              s.waiting);
    write_one(b, "sensorvision_db_connections_opened_total", "counter", "Connections made.",
              (double)s.opened);
    write_one(b, "sensorvision_db_connections_failed_total", "counter",
              "Attempts to connect that failed.", (double)s.failed);
    write_one(b, "sensorvision_db_connection_timeouts_total", "counter",
              "Calls that got no connection in time.", (double)s.timeouts);
    write_one(b, "sensorvision_db_connection_leaks_total", "counter",
              "Connections that were lent longer than the leak threshold.", (double)s.leaks);
}

static void write_queries(struct buf *b)
{
    static const char name[] = "sensorvision_db_query_duration_seconds";
    struct histogram all = {0};
    for (const struct probe *p = probe_next(NULL); p; p = probe_next(p))
        if (p->kind == PROBE_SQL) histogram_add(&all, &p->took);
    prometheus_family(b, name, "histogram", "Statements and transactions of the catalog.");
    prometheus_histogram(b, name, NULL, &all);
}

static void write_database(struct performance *p, struct buf *b)
{
    write_one(b, "sensorvision_db_connections_active", "gauge",
              "Connections that are lent; embedded: who reads the store now.",
              (double)performance_connections(p));
    write_one(b, "sensorvision_db_cache_hit_ratio", "gauge",
              "PostgreSQL: blocks found in its buffers, up to 120 s old; embedded: hits of the "
              "caches in front of the store.",
              performance_db_hit_ratio(p));
    if (p->pool) write_pool(p, b);
    write_queries(b);
}

/* --- operations ------------------------------------------------------------------------------- */

/* Probes of one kind and name, together: two statements of one function are one line. */
struct line {
    const char *name;
    enum probe_kind kind;
    uint64_t count, failures, slow, sum_ns;
};
enum { LINES_MAX = 2048 };

static int by_kind_and_name(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return strcmp(x->name, y->name);
}

static struct line read_line(const struct probe *p)
{
    return (struct line){
        .name = p->name,
        .kind = p->kind,
        .count = probe_count(p),
        .failures = probe_failures(p),
        .slow = atomic_load_explicit(&p->slow, memory_order_relaxed),
        .sum_ns = probe_sum_ns(p),
    };
}

static size_t merge_lines(struct line *lines, size_t n)
{
    size_t kept = 0;
    qsort(lines, n, sizeof *lines, by_kind_and_name);
    for (size_t i = 0; i < n; i++) {
        struct line *last = kept ? &lines[kept - 1] : NULL;
        if (!last || by_kind_and_name(last, &lines[i]) != 0) {
            lines[kept++] = lines[i];
            continue;
        }
        last->count += lines[i].count;
        last->failures += lines[i].failures;
        last->slow += lines[i].slow;
        last->sum_ns += lines[i].sum_ns;
    }
    return kept;
}

/* Routes have families of their own. */
static size_t read_lines(struct line *lines)
{
    size_t n = 0;
    for (const struct probe *p = probe_next(NULL); p && n < LINES_MAX; p = probe_next(p))
        if (p->kind != PROBE_ROUTE) lines[n++] = read_line(p);
    return merge_lines(lines, n);
}

static const char *labels_of(char ret[160], const struct line *l)
{
    snprintf(ret, 160, "kind=\"%s\",operation=\"%.100s\"", probe_kind_name(l->kind), l->name);
    return ret;
}

static void write_operations(struct buf *b)
{
    static const char seconds[] = "sensorvision_operation_seconds";
    static const char failed[] = "sensorvision_operation_failures_total";
    static const char slow[] = "sensorvision_operation_slow_total";
    struct line *lines = mem_array(LINES_MAX, sizeof *lines);
    char labels[160];
    if (!lines) return;
    size_t n = read_lines(lines);
    prometheus_family(b, seconds, "summary", "Operations by kind and name: count and time.");
    for (size_t i = 0; i < n; i++) {
        labels_of(labels, &lines[i]);
        prometheus_sample(b, "sensorvision_operation_seconds_sum", labels,
                          (double)lines[i].sum_ns / 1e9);
        prometheus_count(b, "sensorvision_operation_seconds_count", labels, lines[i].count);
    }
    prometheus_family(b, failed, "counter", "Operations that failed by no fault of their caller.");
    for (size_t i = 0; i < n; i++)
        if (lines[i].failures)
            prometheus_count(b, failed, labels_of(labels, &lines[i]), lines[i].failures);
    prometheus_family(b, slow, "counter", "Operations that took longer than their threshold.");
    for (size_t i = 0; i < n; i++)
        if (lines[i].slow) prometheus_count(b, slow, labels_of(labels, &lines[i]), lines[i].slow);
    mem_free(lines);
}

void metrics_operations_write(struct app *app, struct buf *b)
{
    write_database(app->performance, b);
    write_operations(b);
    write_one(b, "sensorvision_pilot_user_login_failures_total", "counter",
              "Logins with a wrong name or password.", (double)auth_failures_total());
}
