#pragma once
/* base/rnd.h -- randomness as a parameter: the kernel's for the server, a seeded stream for tests.
 * Threads: the system source any; a seeded one its owner only. */
#include <stddef.h>
#include <stdint.h>

struct rnd {
    void (*fill)(struct rnd *, void *p, size_t n);
    uint64_t state[4]; /* of the seeded stream */
};

struct rnd *rnd_system(void); /* getrandom(2); aborts when the kernel has none */
/* xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. Not for secrets. */
void rnd_seed(struct rnd *r, uint64_t seed);
static inline void rnd_fill(struct rnd *r, void *p, size_t n)
{
    r->fill(r, p, n);
}
uint64_t rnd_u64(struct rnd *r);
/* 0 … bound-1, without bias; bound > 0. */
uint64_t rnd_below(struct rnd *r, uint64_t bound);
double rnd_unit(struct rnd *r); /* [0, 1) */
