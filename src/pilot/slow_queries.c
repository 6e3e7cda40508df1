/* Which statements are slow, and what would help (see slow_queries.h). */
#include "pilot/slow_queries.h"

#include "base/mem.h"
#include "codec/json_write.h"
#include "store/sql_statement.h"

#include <math.h>
#include <stdlib.h>

struct line {
    struct sql_statement *statement;
    struct sql_statement_sum sum;
};

static double ms(double ns)
{
    return round(ns / 1e6 * 1000) / 1000;
}

const char *slow_queries_advice(const char *plan)
{
    if (!plan || !plan[0])
        return "No plan yet: it is asked for behind the next slow run, once a minute at most.";
    if (strstr(plan, "Seq Scan") || strstr(plan, "SCAN "))
        return "It reads a whole table: ask for fewer rows, or add an index on what it compares.";
    if (strstr(plan, "external merge") || strstr(plan, "USE TEMP B-TREE FOR ORDER BY"))
        return "It sorts what it has read: an index in that order, or fewer rows, spares that.";
    if (strstr(plan, "Index") || strstr(plan, "USING INDEX") || strstr(plan, "USING COVERING"))
        return "It uses an index: its time went into many rows, or into waiting for the disk, a "
               "lock or a connection; see the pool's figures at the same time.";
    return "Its time went into waiting for the disk, a lock or a connection, or into many rows.";
}

static int by_slow_time(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->sum.slow_ns != y->sum.slow_ns) return x->sum.slow_ns < y->sum.slow_ns ? 1 : -1;
    return strcmp(x->statement->name, y->statement->name);
}

static void write_sample(struct buf *b, struct sql_statement *s)
{
    struct probe_sample slowest[PROBE_SLOWEST];
    size_t n;
    probe_read_slowest(&s->probe, slowest, &n);
    json_write_key(b, "slowest");
    json_write_open(b, '[');
    for (size_t i = 0; i < n; i++) {
        json_write_open(b, '{');
        json_write_member_number(b, "tookMs", ms((double)slowest[i].took_ns));
        json_write_member_i64(b, "organizationId", slowest[i].org);
        json_write_member_text(b, "requestId", slowest[i].request[0] ? slowest[i].request : NULL);
        json_write_member_text(b, "outcome", err_name(slowest[i].outcome));
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

static void write_line(struct buf *b, const struct line *l)
{
    char plan[SQL_PLAN_MAX];
    int64_t planned_ns = sql_statement_plan(l->statement, plan);
    json_write_open(b, '{');
    json_write_member_text(b, "query", l->statement->text);
    json_write_member_text(b, "name", l->statement->name);
    json_write_member_number(b, "avgExecutionTimeMs",
                             ms((double)l->sum.total_ns / (double)l->sum.count));
    json_write_member_number(b, "maxExecutionTimeMs", ms((double)l->sum.max_ns));
    json_write_member_u64(b, "executionCount", l->sum.count);
    json_write_member_u64(b, "slowCount", l->sum.slow);
    json_write_member_number(b, "totalTimeMs", ms((double)l->sum.total_ns));
    json_write_member_text(b, "recommendation", slow_queries_advice(planned_ns ? plan : NULL));
    if (planned_ns) {
        json_write_member_text(b, "plan", plan);
        json_write_member_time(b, "plannedAt", planned_ns);
    }
    write_sample(b, l->statement);
    json_write_close(b, '}');
}

struct impact {
    uint64_t runs, slow, slow_ns, savings_ns;
};

/* What is slow could have taken as long as the others of its statement did. */
static void add_impact(struct impact *all, const struct sql_statement_sum *s)
{
    uint64_t others = s->count - s->slow;
    double usual_ns = others ? (double)(s->total_ns - s->slow_ns) / (double)others : 0;
    double spared = others ? (double)s->slow_ns - usual_ns * (double)s->slow : 0;
    all->runs += s->count;
    all->slow += s->slow;
    all->slow_ns += s->slow_ns;
    if (spared > 0) all->savings_ns += (uint64_t)spared;
}

static void write_impact(struct buf *b, const struct impact *all)
{
    json_write_key(b, "performanceImpact");
    json_write_open(b, '{');
    double share = all->runs ? (double)all->slow / (double)all->runs * 100 : 0;
    json_write_member_number(b, "slowQueriesPercent", round(share * 1e4) / 1e4);
    json_write_member_number(b, "totalSlowTimeMs", ms((double)all->slow_ns));
    json_write_member_number(b, "potentialSavingsMs", ms((double)all->savings_ns));
    json_write_close(b, '}');
}

void slow_queries_write(struct performance *p, int hours, struct buf *b)
{
    struct line *lines = mem_array(SQL_STATEMENTS_MAX + 1, sizeof *lines), l;
    struct impact all = {0};
    size_t n = 0;
    for (size_t i = 0; (l.statement = sql_statement_at(i)); i++) {
        l.sum = sql_statement_sum(l.statement, hours < SQL_HOURS ? hours : SQL_HOURS);
        add_impact(&all, &l.sum);
        if (l.sum.slow && lines) lines[n++] = l;
    }
    if (n) qsort(lines, n, sizeof *lines, by_slow_time);
    double up_h = (double)(clock_mono_ns(p->clock) - p->started_mono_ns) / (double)NS_PER_HOUR;
    double kept_h = hours < SQL_HOURS ? hours : SQL_HOURS;
    json_write_open(b, '{');
    json_write_key(b, "timeRange");
    buf_printf(b, "\"Last %d hours\"", hours);
    json_write_member_number(b, "coveredHours", round((up_h < kept_h ? up_h : kept_h) * 100) / 100);
    json_write_member_number(b, "thresholdMs", ms((double)atomic_load(&p->slow_query_ns)));
    json_write_member_u64(b, "totalQueries", all.runs);
    json_write_key(b, "slowQueries");
    json_write_open(b, '[');
    for (size_t i = 0; i < n && i < SLOW_QUERIES_MAX; i++) write_line(b, &lines[i]);
    json_write_close(b, ']');
    write_impact(b, &all);
    json_write_close(b, '}');
    mem_free(lines);
}
