#pragma once
/* api/docs_api.h -- the surface described from the route table: OpenAPI, docs/API.md, /docs.
 * Threads: any.   Memory: appends to the caller's buffer. */
#include "api/routes.h"

void docs_write_openapi(const struct route_table *t, struct buf *out);
void docs_write_markdown(const struct route_table *t, struct buf *out);
