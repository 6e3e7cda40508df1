/* The limit of a query (see query_limit.h). */
#include "query/query_limit.h"

#include <stddef.h>

enum err query_limit_check(const struct query_limit *l)
{
    if (!l) return ERR_OK;
    if (l->is_unwanted && l->is_unwanted(l->ctx)) return ERR_CLOSED;
    return l->deadline_ns && clock_mono_ns(l->clock) >= l->deadline_ns ? ERR_TIMEOUT : ERR_OK;
}
