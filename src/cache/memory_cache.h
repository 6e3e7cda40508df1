#pragma once
/* cache/memory_cache.h -- the tier in this process: one memory for all caches, bounded in bytes.
 *
 * M1  what is counted never exceeds max_bytes for longer than one memory_cache_fill().
 * M2  room is made where most is used: of the organisation with the most bytes its least recently
 *     used entries go. One that uses less than an equal share loses nothing to the others.
 * M3  of a missing key one caller is told LEAD; until it fills or gives up, others are told FLYING
 *     and may wait. A newer generation starts a flight of its own.
 * M4  an entry that is used is renewed ahead of its end: in the last eighth of its life one caller
 *     is told RENEW, while all go on reading the old value.
 * Threads: any; one lock over memory, and over an allocation when a map grows.
 * Memory: values are shared by references; keys are copied. */
#include "base/err.h"
#include "cache/cache_key.h"

enum { MEMORY_CACHE_RENEW_HITS = 2 }; /* an entry with as many since it was made is hot */

struct memory_cache_opts {
    size_t max_bytes;           /* of keys, values and what manages them */
    int64_t life_ns[CACHE_IDS]; /* of an entry of each cache */
    uint64_t seed;              /* of its hash tables */
};
struct memory_cache;
enum err memory_cache_new(struct memory_cache **ret, const struct memory_cache_opts *o) MUST_CHECK;
void memory_cache_free(struct memory_cache *m); /* NULL is fine */

/* From now on: also for what is there already. opts->seed is not looked at. */
void memory_cache_configure(struct memory_cache *m, const struct memory_cache_opts *o);

/* *ret: with HIT and RENEW, a reference of the caller's. now_ns: monotonic. */
enum cache_found memory_cache_look(struct memory_cache *m, const struct cache_key *k,
                                   int64_t now_ns, struct cache_value **ret);
/* Ends the flight of LEAD or RENEW. The value is referenced, not taken. One that is larger than an
 * eighth of the memory, or older than what is there, is not kept. */
void memory_cache_fill(struct memory_cache *m, const struct cache_key *k, int64_t now_ns,
                       struct cache_value *v);
void memory_cache_give_up(struct memory_cache *m, const struct cache_key *k);
/* Returns when nobody makes the key any more, or after ns; look again then. */
void memory_cache_wait(struct memory_cache *m, const struct cache_key *k, int64_t ns);

/* The value without a flight, for who waited: a hit, or NULL and a miss. FLYING counts as neither.
 */
struct cache_value *memory_cache_peek(struct memory_cache *m, const struct cache_key *k,
                                      int64_t now_ns);
/* The same for who looks again, with a flight, when there is nothing: NULL is not counted. */
struct cache_value *memory_cache_glance(struct memory_cache *m, const struct cache_key *k,
                                        int64_t now_ns);
/* True: as RENEW (M4), but nothing is counted or used. */
bool memory_cache_claim(struct memory_cache *m, const struct cache_key *k, int64_t now_ns);

/* Entries that went. Not counted as evictions. */
uint64_t memory_cache_clear(struct memory_cache *m, enum cache_id cache);
struct cache_stats memory_cache_read_stats(struct memory_cache *m, enum cache_id cache);
size_t memory_cache_bytes(struct memory_cache *m); /* of all caches now */
