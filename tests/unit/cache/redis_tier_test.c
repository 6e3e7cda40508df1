/* Redis below the memory of nodes, and R8 of quality.md: Redis killed, stopped and wrong, under
 * load. A real server, reached through a socket of its own. */
#include "cache/redis_tier.h"
#include "redis_server.h"
#include "sys/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLOT = 5, INSTALLATION = 77 };

static struct redis_server server;

static struct cache *open_node(uint64_t installation, bool shared)
{
    struct redis_tier_opts redis = {
        .timeout_ns = 2 * NS_PER_S,
        .connections = 4,
        .installation = installation,
        .shared = shared,
        .rnd = rnd_system(),
    };
    struct cache_opts opts = {.max_bytes = 4 << 20, .clock = clock_real(), .redis = &redis};
    struct cache *c = NULL;
    for (int i = 0; i < CACHE_IDS; i++) opts.life_ns[i] = 600 * NS_PER_S;
    snprintf(redis.place.host, sizeof redis.place.host, "%s", server.socket);
    assert_int_equal(cache_new(&c, &opts), ERR_OK);
    return c;
}

static int64_t deadline(int seconds)
{
    return clock_mono_ns(clock_real()) + seconds * NS_PER_S;
}

static void pass_time(int64_t until_ns)
{
    assert_true(clock_mono_ns(clock_real()) < until_ns); /* a hang, not slowness */
    usleep(500);
}

/* Seconds it took. */
static double wait_until(struct cache *c, bool up, int seconds)
{
    int64_t begin = clock_mono_ns(clock_real()), until = deadline(seconds);
    while (cache_read_redis(c).up != up) pass_time(until);
    return (double)(clock_mono_ns(clock_real()) - begin) / 1e9;
}

/* What a reader gets: from a tier, or from `source`, which is kept then. */
static struct cache_value *read_through(struct cache *c, int64_t org, const char *name,
                                        const char *source, bool *ret_made)
{
    struct cache_item item = cache_item_of(CACHE_ANALYTICS, org, bytes_str(name), SLOT);
    cache_look(c, &item, 1);
    if (item.found == CACHE_FLYING) cache_await(c, &item, NS_PER_S);
    *ret_made = !item.value;
    if (cache_item_is_mine(&item)) cache_fill(c, &item, bytes_str(source));
    return item.value ? item.value : cache_value_new(bytes_str(source));
}

static bool reads(struct cache *c, int64_t org, const char *name, const char *source,
                  const char *expected)
{
    bool made;
    struct cache_value *v = read_through(c, org, name, source, &made);
    bool right = bytes_is(cache_value_bytes(v), expected);
    cache_value_unref(v);
    return right;
}

static uint64_t redis_hits(struct cache *c)
{
    struct cache_figures f;
    cache_read_figures(c, CACHE_ANALYTICS, &f);
    return f.tiers[CACHE_TIER_REDIS].hits;
}

/* A node that comes to what another one has stored: polls, because entries travel on their own. */
static bool finds_in_redis(struct cache *c, int64_t org, const char *name, int seconds)
{
    for (int64_t until = deadline(seconds); clock_mono_ns(clock_real()) < until; usleep(2000)) {
        struct cache_item item = cache_item_of(CACHE_ANALYTICS, org, bytes_str(name), SLOT);
        cache_look(c, &item, 1);
        bool found = item.value != NULL;
        if (!found) cache_give_up(c, &item);
        cache_item_done(&item);
        if (found) return true;
    }
    return false;
}

static void entry_of_one_node_is_read_by_another(void **state)
{
    (void)state;
    struct cache *a = open_node(INSTALLATION, true), *b = open_node(INSTALLATION, true);
    struct cache *stranger = open_node(INSTALLATION + 1, true);
    wait_until(a, true, 20);
    wait_until(b, true, 20);
    wait_until(stranger, true, 20);
    assert_true(reads(a, 1, "x", "one", "one"));
    assert_true(finds_in_redis(b, 1, "x", 20));
    assert_int_equal(redis_hits(b), 1);
    assert_true(reads(b, 2, "x", "other", "other"));        /* another organisation */
    assert_true(reads(stranger, 1, "x", "other", "other")); /* another installation */
    cache_free(a);
    cache_free(b);
    cache_free(stranger);
}

static void change_is_seen_at_once_here_and_soon_there(void **state)
{
    (void)state;
    struct cache *a = open_node(INSTALLATION, true), *b = open_node(INSTALLATION, true);
    double slowest = 0;
    char before[16], now[16] = "0";
    wait_until(a, true, 20);
    wait_until(b, true, 20);
    for (int i = 1; i <= 20; i++) {
        (void)reads(a, 1, "k", now, now);
        (void)reads(b, 1, "k", now, now);
        memcpy(before, now, sizeof before);
        snprintf(now, sizeof now, "%d", i);
        cache_changed(a, CACHE_ANALYTICS, SLOT);
        assert_true(reads(a, 1, "k", now, now)); /* its own write, at once */
        int64_t begin = clock_mono_ns(clock_real()), until = deadline(20);
        while (reads(b, 1, "k", now, before)) pass_time(until);
        assert_true(reads(b, 1, "k", now, now));
        double took = (double)(clock_mono_ns(clock_real()) - begin) / 1e6;
        if (took > slowest) slowest = took;
    }
    printf("a change is heard by another node after %.1f ms at most (100 ms allowed)\n", slowest);
    cache_free(a);
    cache_free(b);
}

static struct redis_link *open_raw(void)
{
    struct redis_place place = {.port = 0};
    struct redis_link *l = NULL;
    snprintf(place.host, sizeof place.host, "%s", server.socket);
    assert_int_equal(redis_link_open(&l, &place, NS_PER_S), ERR_OK);
    return l;
}

/* Copies the value of every entry over every other one, or garbage. */
static void falsify(const char *text)
{
    static const char script[] =
        "local k = redis.call('KEYS', 'sv:*:v*') local last = redis.call('GET', k[1])"
        "for i = 1, #k do local v = redis.call('GET', k[i])"
        "  redis.call('SET', k[i], ARGV[1] == '' and last or ARGV[1]) last = v end "
        "if ARGV[1] == '' then redis.call('SET', k[1], last) end return #k";
    struct redis_link *l = open_raw();
    struct redis_reply r;
    const struct bytes args[] = {BYTES("EVAL"), bytes_str(script), BYTES("0"), bytes_str(text)};
    assert_int_equal(redis_link_ask(l, args, 4, &r), ERR_OK);
    assert_int_equal(r.kind, REDIS_NUMBER);
    redis_link_close(l);
}

static size_t count_entries(void)
{
    struct redis_link *l = open_raw();
    struct redis_reply r;
    const struct bytes args[] = {BYTES("KEYS"), BYTES("sv:*:v*")};
    assert_int_equal(redis_link_ask(l, args, 2, &r), ERR_OK);
    size_t n = r.n;
    redis_link_close(l);
    return n;
}

static void wrong_answers_are_never_believed(const char *text)
{
    char name[16], own[16];
    struct cache *a = open_node(INSTALLATION, false);
    wait_until(a, true, 20);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "w%d", i);
        assert_true(reads(a, i + 1, name, name, name));
    }
    for (int64_t until = deadline(20); count_entries() < 20;) pass_time(until);
    falsify(text);
    /* the same node, with its memory empty, so that it must ask Redis */
    assert_true(cache_forget_memory(a, CACHE_ANALYTICS) >= 20);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "w%d", i);
        snprintf(own, sizeof own, "own%d", i);
        assert_true(reads(a, i + 1, name, own, own));
    }
    struct cache_redis_figures f = cache_read_redis(a);
    assert_true(f.lies >= 3);
    assert_true(f.breaks >= 1);
    wait_until(a, true, 20); /* its probes are answered rightly */
    cache_free(a);
}

static void garbage_is_a_miss_and_opens_the_breaker(void **state)
{
    (void)state;
    wrong_answers_are_never_believed("garbage");
}

static void entry_under_another_tenants_key_is_never_read(void **state)
{
    (void)state;
    wrong_answers_are_never_believed("");
}

/* --- R8 --------------------------------------------------------------------------------------- */

enum { READERS = 4, KEYS = 200, TIMES_MAX = 400000 };

struct reader {
    struct cache *cache;
    _Atomic bool stop;
    _Atomic uint64_t version;      /* of what is read: grows, */
    _Atomic uint64_t acknowledged; /* then cache_changed(), then this */
    _Atomic uint64_t stale;
};

struct reading {
    struct reader *r;
    _Atomic int64_t *took;
    _Atomic size_t n;
};

/* Source: the version; about 200 us, as a small scan takes. */
static void *read_on(void *arg)
{
    struct reading *me = arg;
    struct reader *r = me->r;
    char name[16];
    for (unsigned i = 0; !atomic_load(&r->stop); i++) {
        snprintf(name, sizeof name, "k%u", i % KEYS);
        uint64_t acknowledged = atomic_load(&r->acknowledged);
        int64_t begin = clock_mono_ns(clock_real());
        struct cache_item item = cache_item_of(CACHE_ANALYTICS, 1, bytes_str(name), SLOT);
        cache_look(r->cache, &item, 1);
        if (item.found == CACHE_FLYING) cache_await(r->cache, &item, NS_PER_S);
        uint64_t version = atomic_load(&r->version);
        if (item.value) {
            memcpy(&version, item.value->p, sizeof version);
        } else {
            usleep(200);
            if (cache_item_is_mine(&item))
                cache_fill(r->cache, &item, bytes_of(&version, sizeof version));
        }
        if (version < acknowledged) atomic_fetch_add(&r->stale, 1);
        cache_item_done(&item);
        int64_t took = clock_mono_ns(clock_real()) - begin;
        size_t n = atomic_fetch_add(&me->n, 1);
        if (n < TIMES_MAX) atomic_store_explicit(&me->took[n], took, memory_order_relaxed);
    }
    return NULL;
}

struct phase {
    double p50_us, p99_us;
    size_t reads;
};

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* For `ms`: memory is forgotten all the time, so that Redis is asked; now and then what is read
 * changes. */
static struct phase measure(struct reader *r, struct reading *all, int ms)
{
    static int64_t took[READERS * TIMES_MAX];
    struct phase p = {0};
    int64_t end = clock_mono_ns(clock_real()) + ms * NS_PER_MS;
    for (int i = 0; i < READERS; i++) atomic_store(&all[i].n, 0);
    for (int tick = 0; clock_mono_ns(clock_real()) < end; tick++) {
        usleep(10000);
        (void)cache_forget_memory(r->cache, CACHE_ANALYTICS);
        if (tick % 10) continue;
        atomic_fetch_add(&r->version, 1);
        cache_changed(r->cache, CACHE_ANALYTICS, SLOT);
        atomic_store(&r->acknowledged, atomic_load(&r->version));
    }
    for (int i = 0; i < READERS; i++) {
        size_t n = atomic_load(&all[i].n);
        if (n > TIMES_MAX) n = TIMES_MAX;
        for (size_t k = 0; k < n; k++) took[p.reads++] = atomic_load(&all[i].took[k]);
    }
    assert_true(p.reads > 0);
    qsort(took, p.reads, sizeof *took, by_time);
    p.p50_us = (double)took[p.reads / 2] / 1e3;
    p.p99_us = (double)took[p.reads * 99 / 100] / 1e3;
    return p;
}

static void say(const char *what, struct phase p, struct phase calm)
{
    printf("R8 %-24s %7zu reads, 0 failed, p50 %8.1f us, p99 %8.1f us, %.2f times the calm one\n",
           what, p.reads, p.p50_us, p.p99_us, p.p99_us / calm.p99_us);
}

/* Redis that takes 30 ms for whatever it is asked. */
static void *slow_down(void *arg)
{
    const struct bytes args[] = {
        BYTES("EVAL"),
        BYTES("local t = redis.call('TIME') local e = t[1] * 1000000 + t[2] + 30000 repeat t = "
              "redis.call('TIME') until t[1] * 1000000 + t[2] > e"),
        BYTES("0")};
    struct redis_link *l = open_raw();
    struct redis_reply r;
    while (!atomic_load((_Atomic bool *)arg)) assert_int_equal(redis_link_ask(l, args, 3, &r), 0);
    redis_link_close(l);
    return NULL;
}

static struct phase measure_slow(struct reader *r, struct reading *all)
{
    _Atomic bool stop = false;
    pthread_t thread;
    assert_int_equal(thread_start(&thread, slow_down, &stop, "slow", 0), ERR_OK);
    struct phase p = measure(r, all, 600);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    return p;
}

static void redis_killed_stopped_or_slow_under_load_harms_nobody(void **state)
{
    (void)state;
    struct reader r = {.cache = open_node(INSTALLATION, false)};
    struct reading all[READERS];
    pthread_t threads[READERS];
    wait_until(r.cache, true, 20);
    for (int i = 0; i < READERS; i++) {
        all[i] = (struct reading){.r = &r, .took = calloc(TIMES_MAX, sizeof(*all[i].took))};
        assert_int_equal(thread_start(&threads[i], read_on, &all[i], "reader", 0), ERR_OK);
    }
    struct phase calm = measure(&r, all, 600);
    say("calm", calm, calm);
    redis_server_kill(&server);
    say("killed", measure(&r, all, 600), calm);
    redis_server_again(&server);
    printf("R8 taken up again after %.2f s (5 allowed)\n", wait_until(r.cache, true, 20));
    redis_server_pause(&server);
    say("stopped", measure(&r, all, 600), calm);
    redis_server_resume(&server);
    printf("R8 taken up again after %.2f s (5 allowed)\n", wait_until(r.cache, true, 20));
    say("slow", measure_slow(&r, all), calm);
    printf("R8 taken up again after %.2f s (5 allowed)\n", wait_until(r.cache, true, 20));
    say("calm again", measure(&r, all, 300), calm);
    atomic_store(&r.stop, true);
    for (int i = 0; i < READERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < READERS; i++) free((void *)all[i].took);
    printf("R8 read from Redis: %llu\n", (unsigned long long)redis_hits(r.cache));
    printf("R8 answers older than an acknowledged change: %llu\n", (unsigned long long)r.stale);
    assert_int_equal(r.stale, 0);
    assert_true(redis_hits(r.cache) > 0); /* else nothing was shown */
    const struct cache_redis_figures f = cache_read_redis(r.cache);
    printf("R8 given up %d times, taken up %d times\n", (int)f.breaks, (int)f.taken_up);
    assert_true(f.taken_up >= 4 && f.breaks >= 3);
    cache_free(r.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry_of_one_node_is_read_by_another),
        cmocka_unit_test(change_is_seen_at_once_here_and_soon_there),
        cmocka_unit_test(garbage_is_a_miss_and_opens_the_breaker),
        cmocka_unit_test(entry_under_another_tenants_key_is_never_read),
        cmocka_unit_test(redis_killed_stopped_or_slow_under_load_harms_nobody),
    };
    if (!redis_server_start(&server)) return 0;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redis_server_stop(&server);
    return failed;
}
