/* A store behind the cache of its hours keeps the contract of store/telemetry.h: the same suite and
 * the same random operations as the store alone. The days of the suite have ended, so they are
 * cached. */
#include "fault_fs.h"
#include "query/cached_telemetry.h"
#include "store/embedded/engine.h"
#include "telemetry_suite.h"
#include "temp_dir.h"

#include <stdio.h>

struct cached_maker {
    struct telemetry_maker maker;
    struct temp_dir dir;
    struct fs fs;
    struct clock_fake clock; /* a month behind the suite's days: all of them have ended */
    struct cache *cache;     /* of the store that is open */
    uint64_t hits, misses;
};

static int no_sync(const struct fs *fs, int fd)
{
    (void)fs;
    (void)fd;
    return 0;
}

static void count_and_free(struct cached_maker *m)
{
    struct cache_figures f;
    if (!m->cache) return;
    cache_read_figures(m->cache, CACHE_ANALYTICS, &f);
    m->hits += f.hits;
    m->misses += f.misses;
    cache_free(m->cache);
    m->cache = NULL;
}

static enum err open_cached(struct telemetry_maker *maker, struct telemetry **ret, struct why *why)
{
    struct cached_maker *m = (struct cached_maker *)maker;
    struct engine_opts engine = {m->dir.path, &m->fs, clock_real(), UINT64_C(4) << 20,
                                 UINT64_C(256) << 10};
    struct cache_opts opts = {.max_bytes = 256 << 10, .clock = clock_real()};
    for (int i = 0; i < CACHE_IDS; i++) opts.life_ns[i] = 600 * NS_PER_S;
    count_and_free(m);
    struct telemetry *below;
    enum err e = cache_new(&m->cache, &opts);
    if (!e) e = engine_open(&below, &engine, why);
    return e ? e : cached_telemetry_new(ret, below, m->cache, &m->clock.clock);
}

static void wipe(struct telemetry_maker *maker)
{
    struct cached_maker *m = (struct cached_maker *)maker;
    temp_dir_remove(&m->dir);
    temp_dir_make(&m->dir);
}

int main(void)
{
    struct cached_maker m = {.maker = {"cached", open_cached, wipe}, .fs = *fs_real()};
    m.fs.sync = no_sync;
    m.fs.data_sync = no_sync;
    clock_fake_init(&m.clock, INT64_C(1700000000) * NS_PER_S + 30 * NS_PER_DAY);
    temp_dir_make(&m.dir);
    const struct telemetry_random random = {2024, 200000, 1};
    int failed = telemetry_suite_run(&m.maker);
    failed += telemetry_suite_run_random(&m.maker, &random);
    count_and_free(&m);
    temp_dir_remove(&m.dir);
    printf("cache of hours: %llu hits, %llu misses\n", (unsigned long long)m.hits,
           (unsigned long long)m.misses);
    return failed || !m.hits; /* a cache that is never hit has proved nothing */
}
