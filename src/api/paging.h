#pragma once
/* api/paging.h -- lists in slices (contract §3): page, size and sort, or an opaque cursor in
 * `after`.
 *
 *   ?page=0&size=50&sort=name,asc   {"content":[…],"totalElements",…}
 *   ?after=CURSOR&size=50           {"content":[…],"next":CURSOR or null,…}; rows may come and go
 *   neither                         the handler's choice: a bare array with a Link when it was cut
 *
 * Threads: the call's.   Memory: the call's arena. */
#include "api/api.h"
#include "store/catalog_page.h"

enum { PAGING_SIZE = 50 };

struct paging {
    struct catalog_page page;
    bool asked; /* some paging parameter was given */
};
/* False: answered with 400. Without paging parameters the page holds as many as there may be. */
bool paging_read(struct api_call *c, struct paging *ret);
/* Around the elements that the handler writes. */
void paging_open(struct api_call *c, const struct paging *p);
void paging_close(struct api_call *c, const struct paging *p, const struct catalog_listing *l);
