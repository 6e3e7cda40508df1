#pragma once
/* store/catalog_page.h -- which slice of a list is wanted, and what came back, for every list of
 * the catalog. Two ways to walk: by page number (with a sort), or by cursor: ids above `after` (for
 * newest-first lists: below), which stays right while rows come and go.
 * Threads: values.   Memory: sort is borrowed. */
#include "base/bytes.h"

enum { CATALOG_PAGE_MAX = 1000 };

struct catalog_page {
    int64_t number;    /* from 0; ignored with a cursor */
    int64_t size;      /* 1 … CATALOG_PAGE_MAX; clamped into that range */
    struct bytes sort; /* a name of the list's whitelist; empty: by id */
    bool descending;
    bool by_cursor; /* use `after`, in order of id; sort must be empty */
    int64_t after;  /* id of the last one seen; 0: from the start */
    bool no_total;  /* total is not counted (and is 0) */
};

struct catalog_listing {
    int64_t total; /* rows that match, over all pages */
    size_t count;  /* rows in this page */
    bool more;     /* there are rows behind this page */
    int64_t last;  /* id of the last row of this page, the next `after`; 0 when empty */
};
