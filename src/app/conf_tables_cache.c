/* Keys of the caches (see conf_tables.h): how much memory, and how long each entry lives. */
#include "app/conf_tables_cache.h"

#include "app/settings.h"
#include "cache/cache_key.h"

#include <stddef.h>

#define AT(member) offsetof(struct settings, member)
#define LIFE(id)   (AT(cache_life_ns) + (id) * sizeof(int64_t))
#define REDIS      "spring.data.redis."
#define TTL(cache, id, seconds, doc)                                                               \
    {                                                                                              \
        "cache.ttl." cache, LIFE(id), CONF_S, seconds, 0, 86400, LIVE, doc, NULL                   \
    }
#define TTL_AFTER(cache, id, seconds, key, doc)                                                    \
    {                                                                                              \
        "cache.ttl." cache, LIFE(id), CONF_S, seconds, 0, 86400, LIVE | CONF_FALLBACK, doc, key    \
    }

enum { LIVE = CONF_LIVE, RESTART = 0 };

static const struct conf_entry cache_table[] = {
    {"cache.url", AT(cache_url), CONF_TEXT, "memory:", 0, 512, CONF_SECRET,
     "memory:, or also Redis: redis://[:password@]host[:port][/database], unix:///path. Several "
     "servers over one PostgreSQL need the same Redis: it tells each what the others changed.",
     NULL},
    {"cache.max-bytes", AT(cache_max_bytes), CONF_BYTES, "64MiB", 0, 1099511627776, LIVE,
     "All in-process caches together; 0 keeps nothing.", NULL},
    {REDIS "host", AT(redis_host), CONF_TEXT, "", 0, 255, RESTART,
     "Redis: its host, where cache.url does not name one.", NULL},
    {REDIS "port", AT(redis_port), CONF_COUNT, "6379", 1, 65535, RESTART, "Redis: its port.", NULL},
    {REDIS "password", AT(redis_password), CONF_TEXT, "", 0, 255, CONF_SECRET,
     "Redis: its password.", NULL},
    {REDIS "jedis.pool.max-active", AT(redis_connections), CONF_COUNT, "20", 1, 1000, RESTART,
     "Redis: connections that requests read on; 16 are used at most.", NULL},
    {REDIS "timeout", AT(redis_timeout_ns), CONF_MS, "2000", 1, 600000, RESTART,
     "Redis: an answer takes this long at most; a request waits 20 ms at most.", NULL},
    {"spring.cache.redis.time-to-live", AT(cache_default_life_ns), CONF_MS, "300000", 1, 86400000,
     LIVE, "Lifetime of a cache whose cache.ttl.* is 0.", NULL},
    TTL_AFTER("pilot-devices", CACHE_DEVICES, "300", "pilot.device.cache-ttl", "Device metadata."),
    TTL("telemetry-query", CACHE_QUERIES, "60", "Recent-data queries."),
    TTL_AFTER("pilot-analytics", CACHE_ANALYTICS, "600", "pilot.analytics.cache-ttl",
              "Per series and UTC hour."),
    TTL("pilot-quotas", CACHE_QUOTAS, "300", "Usage and limits."),
    TTL("performance-metrics", CACHE_METRICS, "120", "The costly parts of the metrics document."),
    TTL("organizations", CACHE_ORGANIZATIONS, "900", "Organisations; users have cache.ttl.users."),
    TTL("users", CACHE_USERS, "600", "Users."),
    {"pilot.device.cache-ttl", CONF_NOWHERE, CONF_S, "300", 0, 86400, LIVE,
     "Lifetime of the cache pilot-devices.", NULL},
    {"pilot.analytics.cache-ttl", CONF_NOWHERE, CONF_S, "600", 0, 86400, LIVE,
     "Lifetime of the cache pilot-analytics.", NULL},
};

const struct conf_section conf_tables_cache = {
    .title = "Caches",
    .text = "What was read is kept for a while.",
    CONF_SECTION_ROWS(cache_table),
};
