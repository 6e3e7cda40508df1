/* When not to ask (see breaker.h). */
#include "cache/breaker.h"

void breaker_failed(struct breaker *b)
{
    if (!b->open) b->opened++;
    b->open = true;
}

void breaker_answered(struct breaker *b, int64_t took_ns)
{
    if (took_ns > BREAKER_SLOW_NS)
        b->slow += 2;
    else if (b->slow)
        b->slow--;
    if (b->slow >= 2 * BREAKER_SLOW_MAX) breaker_failed(b);
}

void breaker_lied(struct breaker *b)
{
    if (++b->lies >= BREAKER_LIES_MAX) breaker_failed(b);
}

void breaker_close(struct breaker *b)
{
    b->open = false;
    b->slow = b->lies = 0;
}
