#pragma once
/* service/if_match.h -- which versions of a thing a change may replace, as the caller said
 * (If-Match): a change over any other version is ERR_STALE, so nobody's work is lost unseen. Who
 * says nothing replaces whatever is there.   Threads: a value. */
#include "base/err.h"

#include <stdbool.h>

enum { IF_MATCH_MAX = 8 };

struct if_match {
    bool said; /* false, or `any`: whatever is there */
    bool any;
    int64_t versions[IF_MATCH_MAX];
    size_t n;
};

/* ERR_STALE when `version` is none of those. */
MUST_CHECK static inline enum err if_match_check(const struct if_match *m, int64_t version)
{
    if (!m->said || m->any) return ERR_OK;
    for (size_t i = 0; i < m->n; i++)
        if (m->versions[i] == version) return ERR_OK;
    return ERR_STALE;
}
