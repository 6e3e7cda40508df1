/* The metrics document, in the order of the contract (see performance.h). */
#include "pilot/performance.h"

#include "base/mem.h"
#include "cache/cache.h"
#include "codec/json_write.h"
#include "ingest/batch.h"
#include "perf/org_figures.h"
#include "pilot/performance_costly.h"
#include "store/postgres/postgres_pool.h"
#include "sys/executor.h"

#include <math.h>
#include <stdlib.h>
#include <sys/utsname.h>

static double mb(uint64_t bytes)
{
    return round((double)bytes / (1 << 20) * 100) / 100;
}

static double two_digits(double v)
{
    return round(v * 100) / 100;
}

static void open_member(struct buf *b, const char *name, char bracket)
{
    json_write_key(b, name);
    json_write_open(b, bracket);
}

/* --- database and Redis ----------------------------------------------------------------------- */

static void write_pool(struct performance *p, struct buf *b)
{
    const struct postgres_pool_stats s = postgres_pool_read_stats(p->pool);
    open_member(b, "pool", '{');
    json_write_member_u64(b, "open", s.open);
    json_write_member_u64(b, "lent", s.lent);
    json_write_member_u64(b, "waiting", s.waiting);
    json_write_member_u64(b, "opened", s.opened);
    json_write_member_u64(b, "failed", s.failed);
    json_write_member_u64(b, "timeouts", s.timeouts);
    json_write_member_u64(b, "leaks", s.leaks);
    json_write_close(b, '}');
}

/* Members, or a value, that were made before. */
static void write_part(struct buf *b, const struct performance_parts *parts,
                       enum performance_part part)
{
    buf_add_bytes(b, buf_bytes(&parts->text[part]));
}

static void write_database(struct performance *p, const struct performance_parts *parts,
                           struct buf *b)
{
    open_member(b, "database", '{');
    write_part(b, parts, PART_DATABASE);
    /* of this server: connections that are lent; embedded: what reads the store now */
    json_write_member_u64(b, "activeConnections", performance_connections(p));
    if (p->pool) write_pool(p, b);
    json_write_close(b, '}');
}

static void write_redis(const struct performance_parts *parts, struct buf *b)
{
    json_write_key(b, "redis");
    write_part(b, parts, PART_REDIS);
    if (parts->redis_reason) json_write_member_text(b, "redisReason", parts->redis_reason);
}

/* --- the process ------------------------------------------------------------------------------ */

static void write_memory(struct buf *b, const struct process_memory *m, uint64_t limit)
{
    static const char *const names[2][4] = {
        {"memoryUsedMB", "memoryTotalMB", "memoryMaxMB", "memoryUsagePercent"},
        {"jvmMemoryUsedMB", "jvmMemoryTotalMB", "jvmMemoryMaxMB", "jvmMemoryUsagePercent"},
    };
    for (int i = 0; i < 2; i++) {
        json_write_member_number(b, names[i][0], mb(m->resident));
        json_write_member_number(b, names[i][1], mb(m->peak));
        json_write_member_number(b, names[i][2], mb(limit));
        json_write_member_number(b, names[i][3],
                                 two_digits((double)m->resident / (double)limit * 100));
    }
}

static void write_application(struct performance *p, const struct performance_sample *s,
                              struct buf *b)
{
    struct process_memory m;
    process_figures_memory(&m);
    int64_t up_ns = clock_mono_ns(p->clock) - p->started_mono_ns;
    open_member(b, "application", '{');
    write_memory(b, &m, s->memory_limit);
    json_write_member_u64(b, "activeThreads", s->threads);
    json_write_member_u64(b, "availableProcessors", s->cpus);
    json_write_member_number(b, "uptimeHours", two_digits((double)up_ns / (double)NS_PER_HOUR));
    open_member(b, "runtime", '{');
    json_write_member_number(b, "rssMB", mb(m.resident));
    json_write_member_number(b, "heapInUseMB", mb(s->heap_in_use));
    json_write_member_number(b, "heapFreeMB", mb(s->heap_free));
    json_write_member_u64(b, "majorFaults", m.major_faults);
    open_member(b, "threadsByPool", '{');
    for (size_t i = 0; i < s->pool_count; i++) {
        json_write_key_bytes(b, bytes_str(s->pools[i].name));
        json_write_u64(b, s->pools[i].threads);
    }
    json_write_close(b, '}');
    json_write_close(b, '}');
    json_write_close(b, '}');
}

static void write_system(struct performance *p, const struct performance_sample *s, struct buf *b)
{
    struct utsname u = {0};
    uname(&u);
    open_member(b, "system", '{');
    json_write_member_u64(b, "availableProcessors", s->cpus);
    json_write_member_text(b, "javaVersion", "none (C)");
    json_write_key(b, "runtime");
    json_write_string(b, bytes_str(p->compiler));
    json_write_member_text(b, "osName", u.sysname);
    json_write_member_text(b, "osVersion", u.release);
    json_write_member_time(b, "metricsCollectedAt", clock_wall_ns(p->clock));
    json_write_close(b, '}');
}

/* --- the pilot -------------------------------------------------------------------------------- */

static double mean_s(const struct histogram *h)
{
    double n = (double)histogram_count(h);
    double sum = (double)atomic_load_explicit(&h->sum_ns, memory_order_relaxed);
    return n > 0 ? sum / n / 1e9 : 0;
}

static void write_pilot(struct performance *p, const struct performance_parts *parts,
                        const struct performance_sample *s, const struct performance_traffic *t,
                        struct buf *b)
{
    const struct batch_timings *timings = batch_read_timings(p->batch);
    double seconds = mean_s(&timings->queued) + mean_s(&timings->written);
    open_member(b, "pilot", '{');
    write_part(b, parts, PART_COUNTS);
    json_write_member_u64(b, "telemetryIngestionsLastHour", t->points_last_hour);
    json_write_member_number(b, "avgTelemetryProcessingTimeSeconds", round(seconds * 1e6) / 1e6);
    json_write_member_u64(b, "activeDevicesLast24h", s->devices);
    json_write_member_i64(b, "totalApiCallsToday", parts->calls_today);
    json_write_close(b, '}');
}

static void write_batches(struct performance *p, struct buf *b)
{
    struct batch_stats s;
    const struct batch_opts o = batch_read_opts(p->batch);
    batch_read_stats(p->batch, &s);
    open_member(b, "batchProcessing", '{');
    json_write_member_u64(b, "pendingRecords", s.pending_records);
    json_write_member_u64(b, "activeBatches", s.active_batches);
    json_write_member_u64(b, "batchSize", o.batch_records);
    json_write_member_i64(b, "batchTimeoutMs", o.timeout_ns / NS_PER_MS);
    json_write_member_u64(b, "maxConcurrentBatches", o.slots);
    json_write_key(b, "lastBatchTime"); /* a string from the start on: "" before the first */
    if (s.last_batch_ns)
        json_write_time(b, s.last_batch_ns);
    else
        json_write_string(b, BYTES(""));
    json_write_member_u64(b, "queueCapacity", o.queue_capacity);
    json_write_member_u64(b, "recordsWritten", s.records_written);
    json_write_member_u64(b, "batchesFailed", s.batches_failed);
    json_write_member_u64(b, "recordsRetried", s.records_retried);
    json_write_close(b, '}');
}

static void write_executor(struct buf *b, const char *name, struct executor *x)
{
    const struct executor_stats s = executor_read_stats(x);
    open_member(b, name, '{');
    json_write_member_u64(b, "coreSize", s.core);
    json_write_member_u64(b, "maxSize", s.max);
    json_write_member_u64(b, "active", s.active);
    json_write_member_u64(b, "queued", s.queued);
    json_write_member_u64(b, "completed", s.completed);
    json_write_member_u64(b, "rejected", s.rejected);
    json_write_member_u64(b, "threads", s.threads);
    json_write_close(b, '}');
}

static void write_executors(struct performance *p, struct buf *b)
{
    open_member(b, "executors", '{');
    write_executor(b, "async", p->async);
    write_executor(b, "telemetry", p->telemetry_pool);
    write_executor(b, "analytics", p->analytics);
    json_write_close(b, '}');
}

/* --- organisations ---------------------------------------------------------------------------- */

static void write_org(struct buf *b, const struct performance_org *o,
                      const struct org_figures_line *f)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", o->id);
    json_write_member_str(b, "name", o->name);
    json_write_member_u64(b, "requests", f->requests);
    json_write_member_u64(b, "points", f->points);
    json_write_member_number(b, "p95Ms", two_digits(f->p95_ms));
    json_write_member_u64(b, "errors", f->errors);
    json_write_close(b, '}');
}

static int by_org(const void *a, const void *b)
{
    const struct org_figures_line *x = a, *y = b;
    return (x->org > y->org) - (x->org < y->org);
}

/* Lines are in the order of their organisations, and those are asked for in that order. */
static const struct org_figures_line *line_of(const struct org_figures_line *lines, size_t n,
                                              size_t *at, int64_t org)
{
    static const struct org_figures_line nothing;
    while (*at < n && lines[*at].org < org) ++*at;
    return *at < n && lines[*at].org == org ? &lines[*at] : &nothing;
}

/* Each by itself; a catalog that does not answer leaves the list empty, and says so. */
static enum err write_orgs(struct performance *p, const struct performance_parts *parts,
                           struct buf *b)
{
    struct performance_org org;
    size_t n = 0, at = 0, line = 0;
    struct org_figures_line *lines = mem_array(ORG_FIGURES_MAX + 1, sizeof *lines);
    if (!lines) return ERR_NOMEM;
    org_figures_read(clock_mono_ns(p->clock), lines, &n);
    qsort(lines, n, sizeof *lines, by_org);
    open_member(b, "organizations", '[');
    while (performance_costly_next(parts, &at, &org))
        write_org(b, &org, line_of(lines, n, &line, org.id));
    json_write_close(b, ']');
    mem_free(lines);
    if (parts->organizations)
        json_write_member_text(b, "organizationsError", err_sentence(parts->organizations));
    return ERR_OK;
}

enum err performance_write_metrics(struct performance *p, const struct performance_traffic *traffic,
                                   bool may_block, struct buf *b)
{
    struct performance_parts parts;
    struct performance_sample sample;
    enum err e = performance_costly_read(p, may_block, &parts);
    if (e) return e;
    performance_sample_read(p, &sample);
    json_write_open(b, '{');
    write_database(p, &parts, b);
    write_redis(&parts, b);
    write_application(p, &sample, b);
    write_pilot(p, &parts, &sample, traffic, b);
    write_batches(p, b);
    write_executors(p, b);
    e = write_orgs(p, &parts, b);
    write_system(p, &sample, b);
    json_write_close(b, '}');
    performance_costly_done(&parts);
    return e;
}

/* --- caches ----------------------------------------------------------------------------------- */

static void write_cache(struct buf *b, const char *name, const struct cache_figures *f)
{
    uint64_t evictions = 0, bytes = 0, entries = 0;
    for (int t = 0; t < CACHE_TIERS; t++) {
        evictions += f->tiers[t].evictions;
        bytes += f->tiers[t].bytes;
        entries += f->tiers[t].entries;
    }
    open_member(b, name, '{');
    json_write_member_number(b, "hitRatio", two_digits(cache_hit_ratio(f) * 100));
    json_write_member_u64(b, "size", entries);
    json_write_member_u64(b, "evictions", evictions);
    json_write_member_u64(b, "hits", f->hits);
    json_write_member_u64(b, "misses", f->misses);
    json_write_member_number(b, "ttlSeconds", (double)f->life_ns / 1e9);
    json_write_member_u64(b, "bytes", bytes);
    json_write_member_text(b, "tier", f->has_redis ? "memory+redis" : "memory");
    json_write_close(b, '}');
}

void performance_write_caches(struct performance *p, struct buf *b)
{
    json_write_open(b, '{');
    for (int i = 0; i < CACHE_IDS; i++) {
        struct cache_figures f;
        cache_read_figures(p->cache, (enum cache_id)i, &f);
        write_cache(b, cache_name((enum cache_id)i), &f);
    }
    json_write_close(b, '}');
}
