#pragma once
/* cache/generations.h -- how often what a cache was made of has changed, in fixed tables of
 * counters: a key looks at one slot, which others may share; then it only ends sooner.
 *
 * G1  who reads a generation, then the source, then stores the value under that generation, never
 *     stores anything that a later generation finds.
 * G2  who changes the source advances the generation after the change is visible and before it is
 *     acknowledged. A reader that starts behind the acknowledgement reads the new generation.
 * G3  a slot that was advanced is "behind" until other nodes were told (generations_take), so that
 *     nothing shared is read for it meanwhile.
 * Threads: any, without locks.   Memory: the tables, 256 KiB each, of which untouched pages cost
 * nothing. */
#include "base/err.h"
#include "cache/cache_key.h"

enum { GENERATIONS_SLOTS = 32768 };

struct generations;
enum err generations_new(struct generations **ret) MUST_CHECK;
void generations_free(struct generations *g); /* NULL is fine */

/* The slot of a key: of organisation and up to two numbers. The same on every node. */
uint32_t generations_slot(int64_t org, int64_t a, int64_t b);
uint64_t generations_read(const struct generations *g, enum cache_id cache, uint32_t slot);
void generations_advance(struct generations *g, enum cache_id cache, uint32_t slot);
void generations_advance_all(struct generations *g, enum cache_id cache);

/* The same for a change that another node made and has told: nothing is behind. */
void generations_hear(struct generations *g, enum cache_id cache, uint32_t slot);
void generations_hear_all(struct generations *g, enum cache_id cache);

bool generations_is_behind(const struct generations *g, enum cache_id cache, uint32_t slot);
/* For the one who tells: 64 slots, from 64 * word on, as bits. They stay behind until told(). */
uint64_t generations_take(struct generations *g, enum cache_id cache, uint32_t word);
bool generations_take_all(struct generations *g, enum cache_id cache);
void generations_told(struct generations *g, enum cache_id cache);
