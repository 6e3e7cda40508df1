#pragma once
/* app/boot_cache.h -- the caches, made from the settings and put where reads pass by.
 * Threads: main, at start and at the end.   Memory: the boot owns them. */
#include "app/boot.h"

/* Opens b->app.db over b->store.db, so that changes are known to the caches: before anything else
 * takes it. */
enum err boot_cache_watch(struct boot *b) MUST_CHECK;
/* Makes b->app.cache and puts it in front of b->app.telemetry, which must be open. */
enum err boot_cache_open(struct boot *b, struct why *why) MUST_CHECK;
/* Takes over what is LIVE of the settings: behind the limits, which are cached as well. */
void boot_cache_apply(struct boot *b);
/* After everything that reads, and after the telemetry was closed. */
void boot_cache_close(struct boot *b);
/* cache.url names Redis, or spring.data.redis.host does; *ret_any: whether any does. */
enum err boot_cache_find_redis(const struct settings *s, struct redis_place *ret, bool *ret_any,
                               struct why *why) MUST_CHECK;
/* The number that is this installation's alone, from the catalog; made when it is not there yet. */
enum err boot_cache_read_installation(struct boot *b, uint64_t *ret) MUST_CHECK;
