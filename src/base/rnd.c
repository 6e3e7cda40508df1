/* Randomness as a parameter (see rnd.h). */
#include "base/rnd.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static void system_fill(struct rnd *r, void *p, size_t n)
{
    (void)r;
    char *at = p;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        bug_if(got < 0 && errno != EINTR);
        if (got < 0) continue;
        at += got;
        n -= (size_t)got;
    }
}

struct rnd *rnd_system(void)
{
    static struct rnd system = {.fill = system_fill};
    return &system;
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t seeded_next(struct rnd *r)
{
    uint64_t *s = r->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static void seeded_fill(struct rnd *r, void *p, size_t n)
{
    char *at = p;
    while (n) {
        uint64_t word = seeded_next(r);
        size_t part = n < sizeof word ? n : sizeof word;
        memcpy(at, &word, part);
        at += part;
        n -= part;
    }
}

void rnd_seed(struct rnd *r, uint64_t seed)
{
    r->fill = seeded_fill;
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->state[i] = z ^ (z >> 31);
    }
}

uint64_t rnd_u64(struct rnd *r)
{
    uint64_t v;
    rnd_fill(r, &v, sizeof v);
    return v;
}

uint64_t rnd_below(struct rnd *r, uint64_t bound)
{
    bug_if(!bound);
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, v;
    do v = rnd_u64(r);
    while (v >= limit);
    return v % bound;
}

double rnd_unit(struct rnd *r)
{
    return (double)(rnd_u64(r) >> 11) * 0x1p-53;
}
