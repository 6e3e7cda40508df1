#pragma once
/* cache/breaker.h -- whether a helper is worth asking. It opens at the first failure, when answers
 * are slow again and again, and when they are wrong again and again; who probes the helper closes
 * it. While it is open nobody else asks.   Threads: the owner's lock.   Memory: the caller's. */
#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_SLOW_MAX = 8, BREAKER_LIES_MAX = 3 };
#define BREAKER_SLOW_NS                                                                            \
    (INT64_C(5) * 1000000) /* an answer is slow past this: the store is faster */

struct breaker {
    bool open;
    int slow; /* slow answers that were not yet outweighed by twice as many quick ones */
    int lies;
    uint64_t opened; /* how often, since start */
};
void breaker_answered(struct breaker *b, int64_t took_ns);
void breaker_failed(struct breaker *b);
void breaker_lied(struct breaker *b);
void breaker_close(struct breaker *b);
