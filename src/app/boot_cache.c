/* The caches, and who reads through them (see boot_cache.h). */
#include "app/boot_cache.h"

#include "base/rnd.h"
#include "cache/redis_tier.h"
#include "query/cached_catalog.h"
#include "query/cached_telemetry.h"
#include "store/catalog_settings.h"

#include <stdio.h>

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

/* What keeps the entries of this installation apart from those of any other in the same Redis: made
 * once, kept in the catalog, so every node over it has the same. */
enum err boot_cache_read_installation(struct boot *b, uint64_t *ret)
{
    const struct bytes key = BYTES("cache.installation");
    struct arena arena;
    struct sql_tx *tx;
    struct setting s = {.key = key, .who = BYTES("system")};
    char text[24];
    arena_init(&arena, 64 << 10);
    enum err e = sql_begin(b->app.db, SQL_WRITE, &tx);
    if (!e) {
        e = catalog_settings_get(tx, key, &arena, &s);
        if (!e && !bytes_to_u64(s.value, ret)) e = ERR_CORRUPT;
        if (e == ERR_NOTFOUND) {
            *ret = rnd_u64(b->app.rnd);
            snprintf(text, sizeof text, "%llu", (unsigned long long)*ret);
            s.value = bytes_str(text);
            s.when_ns = clock_wall_ns(b->app.clock);
            e = catalog_settings_put(tx, &s);
        }
        e = sql_end(tx, e);
    }
    arena_done(&arena);
    return e;
}

enum err boot_cache_find_redis(const struct settings *s, struct redis_place *ret, bool *ret_any,
                               struct why *why)
{
    struct bytes url = bytes_str(s->cache_url);
    bool in_memory = !url.n || bytes_is(url, "memory:");
    *ret_any = !in_memory || s->redis_host[0];
    if (!*ret_any) return ERR_OK;
    enum err e = in_memory ? ERR_OK : redis_place_parse(ret, url, why);
    if (e) return e;
    if (in_memory) {
        snprintf(ret->host, sizeof ret->host, "%s", s->redis_host);
        ret->port = (int)s->redis_port;
    }
    if (!ret->password[0]) snprintf(ret->password, sizeof ret->password, "%s", s->redis_password);
    return ERR_OK;
}

enum err boot_cache_watch(struct boot *b)
{
    struct sql_db *watched;
    enum err e = cached_catalog_new(&watched, b->store.db);
    if (!e) b->app.db = b->store.db = watched; /* which closes the one below */
    return e;
}

enum err boot_cache_open(struct boot *b, struct why *why)
{
    struct app *app = &b->app;
    const struct settings *s = &b->settings;
    struct cache_opts opts = cache_opts_of(s, app);
    struct redis_tier_opts redis = {
        .timeout_ns = s->redis_timeout_ns,
        .connections = (unsigned)s->redis_connections,
        .shared = strcmp(app->telemetry->ops->name, "postgres") == 0,
        .rnd = app->rnd,
    };
    bool any = false;
    struct telemetry *cached;
    enum err e = boot_cache_find_redis(s, &redis.place, &any, why);
    if (!e && any && !b->for_command) {
        e = boot_cache_read_installation(b, &redis.installation);
        opts.redis = &redis;
    }
    if (!e) e = cache_new(&app->cache, &opts);
    if (!e) e = cached_telemetry_new(&cached, app->telemetry, app->cache, app->clock);
    if (e) return e;
    app->telemetry = b->store.telemetry = cached; /* which closes the one below */
    cached_catalog_use(app->db, app->cache);
    return ERR_OK;
}

void boot_cache_apply(struct boot *b)
{
    const struct cache_opts opts = cache_opts_of(&b->settings, &b->app);
    cache_configure(b->app.cache, opts.max_bytes, opts.life_ns);
    cache_changed_all(b->app.cache, CACHE_QUOTAS); /* limits may be others */
}

void boot_cache_close(struct boot *b)
{
    cache_free(b->app.cache);
    b->app.cache = NULL;
}
