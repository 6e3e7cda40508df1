#pragma once
/* api/etag.h -- versions over HTTP (RFC 9110, 13): a version is the strong entity tag "7". A read
 * answers it and is 304 for who has it; a change says in If-Match which it may replace.
 * Threads: the call's.   Memory: the call's arena. */
#include "api/api.h"
#include "service/if_match.h"

/* Is `tag` in the list of If-None-Match? Weak or strong is all the same there. */
bool etag_is_listed(struct bytes list, struct bytes tag);
/* If-Match of the request. A tag that is none of our versions matches nothing. */
struct if_match etag_if_match(struct api_call *c);
/* c->body is complete: `status` with the version's tag, or 304 when a read has it already. */
void etag_answer(struct api_call *c, int status, int64_t version);
