/* The caches, and who reads through them (see boot_cache.h). */
#include "app/boot_cache.h"

#include "base/rnd.h"
#include "query/cached_telemetry.h"

static struct cache_opts cache_opts_of(const struct settings *s, const struct app *app)
{
    struct cache_opts o = {
        .max_bytes = (size_t)s->cache_max_bytes,
        .clock = app->clock,
        .seed = rnd_u64(app->rnd),
    };
    for (int i = 0; i < CACHE_IDS; i++)
        o.life_ns[i] = s->cache_life_ns[i] ? s->cache_life_ns[i] : s->cache_default_life_ns;
    return o;
}

enum err boot_cache_open(struct boot *b)
{
    struct app *app = &b->app;
    const struct cache_opts opts = cache_opts_of(&b->settings, app);
    struct telemetry *cached;
    enum err e = cache_new(&app->cache, &opts);
    if (!e) e = cached_telemetry_new(&cached, app->telemetry, app->cache, app->clock);
    if (!e) app->telemetry = b->store.telemetry = cached; /* which closes the one below */
    return e;
}

void boot_cache_close(struct boot *b)
{
    cache_free(b->app.cache);
    b->app.cache = NULL;
}
