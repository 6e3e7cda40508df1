/* What the caches save, without what a request costs around it: the reads of the server's handlers
 * on a whole installation in this process, first with a cache that keeps nothing, then warm. Prints
 * one line for each read; arguments: an empty directory, and for PostgreSQL its URL. */
#include "api/cached_answer.h"
#include "api/cached_devices.h"
#include "api/recent_rows.h"
#include "api/users_json.h"
#include "app/boot.h"
#include "app/conf_tables.h"
#include "query/aggregate.h"
#include "service/auth_accounts.h"
#include "store/catalog_devices.h"
#include "store/catalog_organizations.h"
#include "store/catalog_users.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEVICES = 50, VARIABLES = 3, USERS = 10, STEP_S = 130, DAYS = 30, MOST = 2000 };

static struct boot boot;
static int64_t org, user, until_ns;
static struct reg_device *devices[DEVICES];
static struct reg_variable *variables[DEVICES][VARIABLES];

static void check(enum err e, const char *what)
{
    if (!e) return;
    fprintf(stderr, "bench_cached_reads: %s: %s\n", what, err_sentence(e));
    exit(1);
}

/* --- one organisation of the pilot ------------------------------------------------------------ */

static void add_people(struct sql_tx *tx)
{
    struct organization o = {.name = BYTES("bench of reads"), .created_ns = 1};
    check(catalog_organizations_insert(tx, &o), "organisation");
    org = o.id;
    for (int i = 0; i < USERS; i++) {
        char name[32], mail[48];
        snprintf(name, sizeof name, "reader-%d", i);
        snprintf(mail, sizeof mail, "reader-%d@example.org", i);
        struct user u = {.org = org,
                         .username = bytes_str(name),
                         .email = bytes_str(mail),
                         .password_hash = BYTES("$"),
                         .roles = 1,
                         .enabled = true};
        check(catalog_users_insert(tx, &u), "user");
        user = u.id;
    }
}

static void add_devices(void)
{
    static const struct bytes names[VARIABLES] = {{"kw", 2}, {"volt", 4}, {"amp", 3}};
    for (int d = 0; d < DEVICES; d++) {
        char name[32];
        snprintf(name, sizeof name, "device-%d", d);
        struct provision p = {.org = org,
                              .external_id = bytes_str(name),
                              .create_device = true,
                              .name_count = VARIABLES,
                              .names = names,
                              .variables = variables[d]};
        size_t at;
        struct why why;
        check(registry_provision(boot.app.registry, &p, 1, &at, &why), "device");
        devices[d] = p.device;
    }
}

static void add_day(int device, int day)
{
    enum { RECORDS = 86400 / STEP_S };
    static struct record records[RECORDS];
    static struct point points[RECORDS * VARIABLES];
    struct record_set set = {records, RECORDS, points, RECORDS * VARIABLES};
    const struct record_set *sets[] = {&set};
    struct why why;
    for (uint32_t i = 0; i < (uint32_t)RECORDS; i++) {
        int64_t ts = until_ns - (day + 1) * NS_PER_DAY + i * STEP_S * NS_PER_S;
        records[i] =
            (struct record){org, devices[device]->id, ts, i * (uint32_t)VARIABLES, VARIABLES};
        for (uint32_t v = 0; v < (uint32_t)VARIABLES; v++)
            points[i * (uint32_t)VARIABLES + v] =
                (struct point){variables[device][v]->id, (double)(i * 7 % 1000) / 100};
    }
    check(telemetry_write(boot.app.telemetry, sets, 1, &why), "readings");
}

static void fill(void)
{
    struct sql_tx *tx;
    check(sql_begin(boot.app.db, SQL_WRITE, &tx), "transaction");
    add_people(tx);
    check(sql_commit(tx), "commit");
    add_devices();
    for (int d = 0; d < DEVICES; d++)
        for (int day = 0; day < (d ? 2 : DAYS); day++) add_day(d, day);
    check(boot.app.telemetry->ops->seal(boot.app.telemetry), "seal");
}

/* --- the reads -------------------------------------------------------------------------------- */

static enum err read_device(struct api_call *c)
{
    return cached_devices_one(c, BYTES("device-7"));
}

static enum err read_devices(struct api_call *c)
{
    const struct device_query all = {.by_status = false};
    const struct catalog_page page = {.size = CATALOG_PAGE_MAX, .no_total = true};
    struct catalog_listing listing;
    struct why why;
    return cached_devices_list(c, &all, &page, &listing, &why);
}

static enum err make_me(void *call, struct buf *out)
{
    struct api_call *c = call;
    struct user u;
    struct organization o;
    enum err e = auth_accounts_find(c->app->auth, org, user, c->arena, &u, &o);
    if (!e) users_json_write(out, &u, &o, false);
    return e;
}

static enum err read_me(struct api_call *c)
{
    return cached_answer(c, CACHE_USERS, org, BYTES("me"), make_me, c);
}

static enum err make_organization(void *call, struct buf *out)
{
    struct api_call *c = call;
    struct organization o;
    enum err e = auth_accounts_find_organization(c->app->auth, org, c->arena, &o);
    if (!e) buf_add_bytes(out, o.name);
    return e;
}

static enum err read_organization(struct api_call *c)
{
    return cached_answer(c, CACHE_ORGANIZATIONS, org, BYTES("one"), make_organization, c);
}

static enum err read_rows(struct api_call *c, int64_t span_ns)
{
    int64_t ids[VARIABLES], next_ns;
    bool done = false;
    for (int v = 0; v < VARIABLES; v++) ids[v] = variables[7][v]->id;
    const struct series_list list = {variables[7], ids, VARIABLES};
    const struct recent_rows_question q = {devices[7], &list, until_ns - span_ns,
                                           until_ns,   10000, false};
    enum err e = recent_rows_answer(c, &q, &done, &next_ns);
    return e || done ? e : ERR_IMPOSSIBLE;
}

static enum err read_hour(struct api_call *c)
{
    return read_rows(c, NS_PER_HOUR);
}

static enum err read_day(struct api_call *c)
{
    return read_rows(c, NS_PER_DAY);
}

static enum err read_averages(struct api_call *c, int days)
{
    const struct aggregate_series series = {devices[0]->id, variables[0][0]->id};
    const struct aggregate_spec spec = {
        .org = org,
        .series = &series,
        .series_count = 1,
        .aggregation = AGGREGATION_AVG,
        .from_ns = until_ns - days * NS_PER_DAY,
        .to_ns = until_ns - NS_PER_HOUR,
        .interval_ns = NS_PER_HOUR,
        .max_buckets = 10000,
    };
    struct aggregate_bucket *buckets;
    size_t n;
    struct why why;
    return aggregate_run(c->app->telemetry, &spec, c->arena, &buckets, &n, &why);
}

static enum err read_averages_of_a_day(struct api_call *c)
{
    return read_averages(c, 1);
}

static enum err read_averages_of_a_month(struct api_call *c)
{
    return read_averages(c, DAYS);
}

static const struct {
    const char *cache, *what;
    enum err (*read)(struct api_call *);
} reads[] = {
    {"pilot-devices", "one device", read_device},
    {"pilot-devices", "the 50 devices of an organisation", read_devices},
    {"organizations", "an organisation", read_organization},
    {"users", "who am I", read_me},
    {"telemetry-query", "rows of the last hour", read_hour},
    {"telemetry-query", "rows of the last day", read_day},
    {"pilot-analytics", "hourly averages of a day", read_averages_of_a_day},
    {"pilot-analytics", "hourly averages of 30 days", read_averages_of_a_month},
};
enum { READS = sizeof reads / sizeof *reads };

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The median of n, in microseconds. */
static double median_us(size_t at, int n)
{
    static int64_t took[MOST];
    struct arena arena;
    struct buf body;
    arena_init(&arena, 64 << 20);
    buf_init(&body, 64 << 20);
    struct api_call c = {.app = &boot.app, .who = {.org = org}, .arena = &arena, .body = &body};
    for (int i = -3; i < n; i++) {
        buf_clear(&body);
        arena_reset(&arena);
        int64_t begin = clock_mono_ns(clock_real());
        check(reads[at].read(&c), reads[at].what);
        if (i >= 0) took[i] = clock_mono_ns(clock_real()) - begin;
    }
    buf_done(&body);
    arena_done(&arena);
    qsort(took, (size_t)n, sizeof *took, compare);
    return (double)took[n / 2] / 1e3;
}

static void set_size(size_t max_bytes)
{
    int64_t life_ns[CACHE_IDS];
    for (int i = 0; i < CACHE_IDS; i++) life_ns[i] = NS_PER_HOUR;
    cache_configure(boot.app.cache, max_bytes, life_ns);
}

int main(int argc, char **argv)
{
    char store[1200];
    const char *sets[] = {"server.port=0", "mqtt.enabled=false", "log.level=error", store};
    struct conf *conf;
    struct settings settings;
    struct why why = {""};
    double without[READS];
    if (argc < 2) return 2;
    snprintf(store, sizeof store, "store.url=%s", argc > 2 ? argv[2] : "");
    check(conf_tables_load(&conf, &settings, NULL, sets, argc > 2 ? 4 : 3, &why), why.text);
    check(boot_start(&boot, conf, argv[1], &why), why.text);
    until_ns = clock_wall_ns(clock_real()) / NS_PER_HOUR * NS_PER_HOUR;
    fill();
    set_size(0);
    for (size_t i = 0; i < READS; i++) without[i] = median_us(i, 200);
    set_size(64 << 20);
    for (size_t i = 0; i < READS; i++) {
        double warm = median_us(i, MOST);
        printf("%-34s %-16s store %9.1f us, cached %8.1f us, %7.1f times\n", reads[i].what,
               reads[i].cache, without[i], warm, without[i] / warm);
    }
    boot_stop(&boot);
    return 0;
}
