/* How a group of readings gets into PostgreSQL fastest: head to head on one server, each way in
 * turn, group by group of the same size, into the tables of the store with their keys.
 *
 *   unnest    one statement whose parameters are binary arrays (postgres_write.c)
 *   staging   binary COPY into a temporary table, then INSERT … SELECT … ON CONFLICT from there,
 *             in one transaction; the table is emptied
 *               deleted     by ON COMMIT DELETE ROWS
 *               truncated   by TRUNCATE in the transaction
 *               numbered    once in 64 groups; a group finds its rows by its number
 *   direct    binary COPY into telemetry_records itself: what COPY could give at most, as it cannot
 *             merge (a key that is there fails the group)
 *
 *   TMPDIR=$PWD/build build/release/bench_staging [--rounds 9]
 *
 * Rows are of 500 devices with ten values each, without duplicates in a group, in the order of the
 * key. fsync is on. Two figures for each way: points of the wall's second and points of a second of
 * the backend's CPU, both over those of unnest in the same round; the median of the rounds. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "postgres_maker.h"
#include "store/postgres/postgres_array.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 500, VALUES = 10, ROUNDS_MAX = 31, RECORDS_A_ROUND = 40000, GROUPS_MAX = 300 };
enum way { UNNEST, DELETED, TRUNCATED, NUMBERED, DIRECT, WAYS };
static const char *const way_names[WAYS] = {"unnest", "deleted", "truncated", "numbered", "direct"};
static const size_t sizes[] = {1, 10, 100, 500, 2000, 5000, 10000, 20000};

#define MERGE                                                                                      \
    "ON CONFLICT (org, device, ts_ns) DO UPDATE SET (series, value) = (SELECT m.series, m.value "  \
    "FROM telemetry_merge(telemetry_records.series, telemetry_records.value, "                     \
    "EXCLUDED.series, EXCLUDED.value) AS m)"

static const char unnest_sql[] =
    "INSERT INTO telemetry_records (org, device, ts_ns, series, value) "
    "SELECT o, d, t, ($6::bigint[])[f::int:l::int], ($7::float8[])[f::int:l::int] "
    "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) "
    "AS r (o, d, t, f, l) " MERGE;

struct world {
    PGconn *pg;
    struct arena arena;
    int64_t next[WAYS]; /* records written so far */
    int64_t group;
};

/* --- rows ------------------------------------------------------------------------------------- */

/* The i-th record of a way: all devices, then the next second; each way is an organisation. */
static int64_t device_of(int64_t i)
{
    return i % DEVICES;
}

static int64_t time_of(int64_t i)
{
    return (INT64_C(1700000000) + i / DEVICES) * NS_PER_S;
}

static int compare_keys(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    if (device_of(x) != device_of(y)) return device_of(x) < device_of(y) ? -1 : 1;
    return (x > y) - (x < y);
}

/* The numbers of the next n records in the order of the key, as postgres_write() sorts them. */
static int64_t *next_records(struct world *w, enum way way, size_t n)
{
    int64_t *all = arena_array(&w->arena, n, sizeof *all);
    bug_if(!all);
    for (size_t i = 0; i < n; i++) all[i] = w->next[way]++;
    qsort(all, n, sizeof *all, compare_keys);
    return all;
}

static void fill_values(int64_t record, int64_t series[VALUES], double value[VALUES])
{
    for (int k = 0; k < VALUES; k++) {
        series[k] = device_of(record) * VALUES + k + 1;
        value[k] = 20 + (double)((record * 7 + k) % 1000) / 100;
    }
}

/* --- PostgreSQL ------------------------------------------------------------------------------- */

static void must(struct world *w, PGresult *r)
{
    ExecStatusType s = PQresultStatus(r);
    if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK && s != PGRES_COPY_IN &&
        s != PGRES_PIPELINE_SYNC) {
        fprintf(stderr, "%s\n", PQerrorMessage(w->pg));
        exit(2);
    }
    PQclear(r);
}

static void run(struct world *w, const char *sql)
{
    must(w, PQexec(w->pg, sql));
}

static void put_unnest(struct world *w, const int64_t *records, size_t n)
{
    int64_t *ints[6];
    double *values = arena_array(&w->arena, n * VALUES, sizeof *values);
    struct bytes arrays[7];
    const char *p[7];
    int lengths[7], formats[7] = {1, 1, 1, 1, 1, 1, 1};
    for (int k = 0; k < 6; k++)
        ints[k] = arena_array(&w->arena, k < 5 ? n : n * VALUES, sizeof(int64_t));
    for (size_t i = 0; i < n; i++) {
        ints[0][i] = UNNEST + 1;
        ints[1][i] = device_of(records[i]);
        ints[2][i] = time_of(records[i]);
        ints[3][i] = (int64_t)(i * VALUES) + 1;
        ints[4][i] = (int64_t)(i * VALUES) + VALUES;
        fill_values(records[i], ints[5] + i * VALUES, values + i * VALUES);
    }
    for (int k = 0; k < 7; k++) {
        arrays[k] = k < 6 ? postgres_array_of_ints(&w->arena, ints[k], k < 5 ? n : n * VALUES)
                          : postgres_array_of_reals(&w->arena, values, n * VALUES);
        bug_if(!arrays[k].p);
        p[k] = arrays[k].p;
        lengths[k] = (int)arrays[k].n;
    }
    must(w, PQexecPrepared(w->pg, "unnest", 7, p, lengths, formats, 1));
}

/* --- COPY ------------------------------------------------------------------------------------- */

static void add_number(struct buf *b, uint64_t v, int bytes)
{
    char out[8];
    for (int i = 0; i < bytes; i++) out[i] = (char)(v >> (8 * (bytes - 1 - i)));
    buf_add(b, out, (size_t)bytes);
}

static void add_field(struct buf *b, const void *p, size_t n)
{
    add_number(b, n, 4);
    buf_add(b, p, n);
}

/* PostgreSQL's binary form of COPY: a head, rows of (length, bytes) each, an end. */
static void encode(struct world *w, struct buf *b, enum way way, const int64_t *records, size_t n)
{
    buf_add(b, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    for (size_t i = 0; i < n; i++) {
        int64_t series[VALUES];
        double values[VALUES];
        const int64_t ints[] = {way + 1, device_of(records[i]), time_of(records[i]), w->group};
        int columns = way == NUMBERED ? 4 : 3;
        add_number(b, (uint64_t)columns + 2, 2);
        for (int k = 0; k < columns; k++) {
            add_number(b, 8, 4);
            add_number(b, (uint64_t)ints[k], 8);
        }
        fill_values(records[i], series, values);
        struct bytes s = postgres_array_of_ints(&w->arena, series, VALUES);
        struct bytes v = postgres_array_of_reals(&w->arena, values, VALUES);
        add_field(b, s.p, s.n);
        add_field(b, v.p, v.n);
    }
    add_number(b, 0xffff, 2);
    bug_if(b->err);
}

static void send_copy(struct world *w, const char *sql, struct buf *b)
{
    run(w, sql);
    struct bytes all = buf_bytes(b);
    bool sent = PQputCopyData(w->pg, all.p, (int)all.n) == 1 && PQputCopyEnd(w->pg, NULL) == 1;
    bug_if(!sent);
    for (PGresult *r; (r = PQgetResult(w->pg));) must(w, r);
}

/* The rest of the transaction in one round trip. */
static void send_pipeline(struct world *w, const char *const names[], size_t n)
{
    uint64_t group = __builtin_bswap64((uint64_t)w->group);
    const char *values[] = {(const char *)&group};
    const int lengths[] = {8}, formats[] = {1};
    bug_if(PQenterPipelineMode(w->pg) != 1);
    for (size_t i = 0; i < n; i++) {
        int args = strcmp(names[i], "merge_group") == 0;
        bug_if(!PQsendQueryPrepared(w->pg, names[i], args, values, lengths, formats, 1));
    }
    bug_if(!PQpipelineSync(w->pg));
    for (size_t i = 0; i < n; i++) {
        must(w, PQgetResult(w->pg));
        PQclear(PQgetResult(w->pg));
    }
    must(w, PQgetResult(w->pg));
    bug_if(!PQexitPipelineMode(w->pg));
}

static void put_copy(struct world *w, enum way way, const int64_t *records, size_t n)
{
    static const char *const deleted[] = {"merge_deleted", "commit"};
    static const char *const truncated[] = {"merge_truncated", "truncate", "commit"};
    static const char *const numbered[] = {"merge_group", "commit"};
    static struct buf b;
    buf_init(&b, UINT32_C(1) << 30);
    w->group++;
    encode(w, &b, way, records, n);
    if (way == DELETED) {
        send_copy(w, "BEGIN; COPY staging_deleted FROM STDIN BINARY", &b);
        send_pipeline(w, deleted, 2);
    } else if (way == TRUNCATED) {
        send_copy(w, "BEGIN; COPY staging_truncated FROM STDIN BINARY", &b);
        send_pipeline(w, truncated, 3);
    } else if (way == NUMBERED) {
        if (w->group % 64 == 0) run(w, "TRUNCATE staging_numbered");
        send_copy(w, "BEGIN; COPY staging_numbered FROM STDIN BINARY", &b);
        send_pipeline(w, numbered, 2);
    } else {
        send_copy(w, "COPY telemetry_records FROM STDIN BINARY", &b);
    }
    buf_done(&b);
}

static void prepare(struct world *w)
{
    static const char *const tables =
        "SET client_min_messages = error;"
        "CREATE TEMP TABLE staging_deleted (LIKE telemetry_records) ON COMMIT DELETE ROWS;"
        "CREATE TEMP TABLE staging_truncated (LIKE telemetry_records);"
        "CREATE TEMP TABLE staging_numbered (org BIGINT, device BIGINT, ts_ns BIGINT, grp BIGINT, "
        "series BIGINT[], value DOUBLE PRECISION[]);";
    static const char *const named[][2] = {
        {"unnest", unnest_sql},
        {"merge_deleted", "INSERT INTO telemetry_records SELECT * FROM staging_deleted " MERGE},
        {"merge_truncated", "INSERT INTO telemetry_records SELECT * FROM staging_truncated " MERGE},
        {"merge_group", "INSERT INTO telemetry_records SELECT org, device, ts_ns, series, value "
                        "FROM staging_numbered WHERE grp = $1::bigint " MERGE},
        {"truncate", "TRUNCATE staging_truncated"},
        {"commit", "COMMIT"},
    };
    run(w, tables);
    run(w, "SELECT telemetry_make_partition(1700000000000000000)");
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        must(w, PQprepare(w->pg, named[i][0], named[i][1], 0, NULL));
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* The kernel's count of nanoseconds that the backend ran. */
static double backend_seconds(const struct world *w)
{
    char path[64];
    double ns = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", PQbackendPID(w->pg));
    FILE *f = fopen(path, "r");
    bug_if(!f || fscanf(f, "%lf", &ns) != 1);
    fclose(f);
    return ns / 1e9;
}

struct cost {
    double wall, cpu; /* seconds of a record */
};

static struct cost measure(struct world *w, enum way way, size_t n)
{
    size_t groups = RECORDS_A_ROUND / n;
    if (groups > GROUPS_MAX) groups = GROUPS_MAX;
    double cpu = backend_seconds(w), records_all = (double)(groups * n);
    int64_t began_ns = clock_mono_ns(clock_real());
    for (size_t i = 0; i < groups; i++) {
        const int64_t *records = next_records(w, way, n);
        if (way == UNNEST)
            put_unnest(w, records, n);
        else
            put_copy(w, way, records, n);
        arena_reset(&w->arena);
    }
    double wall = (double)(clock_mono_ns(clock_real()) - began_ns) / 1e9;
    return (struct cost){wall / records_all, (backend_seconds(w) - cpu) / records_all};
}

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *all, size_t n)
{
    qsort(all, n, sizeof *all, compare_reals);
    return all[n / 2];
}

static void run_size(struct world *w, size_t n, size_t rounds)
{
    static double wall[WAYS][ROUNDS_MAX], cpu[WAYS][ROUNDS_MAX], unnest[ROUNDS_MAX];
    for (size_t round = 0; round < rounds; round++) {
        struct cost took[WAYS];
        for (size_t i = 0; i < WAYS; i++) { /* another one begins each round */
            size_t way = (i + round) % WAYS;
            took[way] = measure(w, (enum way)way, n);
        }
        unnest[round] = took[UNNEST].wall;
        for (int way = 0; way < WAYS; way++) {
            wall[way][round] = took[UNNEST].wall / took[way].wall;
            cpu[way][round] = took[UNNEST].cpu / took[way].cpu;
        }
    }
    printf("| %zu | %.0f |", n, VALUES / median(unnest, rounds));
    for (int way = 1; way < WAYS; way++)
        printf(" %.2f, %.2f |", median(wall[way], rounds), median(cpu[way], rounds));
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct postgres_maker m;
    static struct world w;
    static const char *const settings[] = {"fsync=on", "shared_buffers=1GB", "max_wal_size=4GB",
                                           "checkpoint_timeout=15min", NULL};
    struct telemetry *t;
    struct why why = {""};
    uint64_t rounds = 9;
    if (argc == 3 && strcmp(argv[1], "--rounds") == 0 && !bytes_to_u64(bytes_str(argv[2]), &rounds))
        rounds = 0;
    if (rounds < 1 || rounds > ROUNDS_MAX || !postgres_maker_start(&m, settings)) return 2;
    bug_if(m.maker.open(&m.maker, &t, &why) != ERR_OK);
    w.pg = PQconnectdb(m.server.url);
    arena_init(&w.arena, UINT64_C(1) << 30);
    prepare(&w);
    printf("| records | unnest, points/s |");
    for (int way = 1; way < WAYS; way++) printf(" %s |", way_names[way]);
    printf("\n| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) run_size(&w, sizes[i], rounds);
    arena_done(&w.arena);
    PQfinish(w.pg);
    t->ops->close(t);
    postgres_maker_stop(&m);
    return 0;
}
