#pragma once
/* app/http_client.h -- HTTP requests to a server, one after the other on a connection that is kept:
 * what import, export and the demo speak the public API with. libcurl does it, loaded when the
 * first client opens (docs/decisions: "HTTP client"), so that a server without a client never pays
 * for it. A loopback address is never asked for through a proxy.
 * Threads: a client belongs to one thread at a time; http_client_open() any.
 * Memory: the client owns the answer's body until the next request. */
#include "base/buf.h"

struct http_client;
/* base: "http://127.0.0.1:8080", with or without a path. ERR_UNSUPPORTED: libcurl is not
 * installed. */
enum err http_client_open(struct http_client **ret, const char *base, struct why *why) MUST_CHECK;
void http_client_close(struct http_client *c); /* NULL is fine */
/* A header for every request from now on; replaces one of that name. */
enum err http_client_set_header(struct http_client *c, const char *name,
                                const char *value) MUST_CHECK;

struct http_request {
    const char *method;       /* "GET", "POST" */
    const char *path;         /* "/api/v1/data/bulk?x=y", behind the base */
    const char *content_type; /* of the body, NULL: no body */
    struct bytes body;
    /* Takes the body of a 2xx answer as it comes; false stops (ERR_CLOSED). NULL: it is kept, at
     * most 64 MiB. */
    bool (*sink)(void *ctx, struct bytes part);
    void *sink_ctx;
};
struct http_answer {
    int status;
    int64_t retry_after_s; /* 0: not said */
    struct bytes body;     /* borrowed until the next request; empty with a sink and 2xx */
};
/* ERR_OK: there is an answer, whatever its status. ERR_IO: none, or not whole; why names the
 * reason. */
enum err http_client_send(struct http_client *c, const struct http_request *request,
                          struct http_answer *ret, struct why *why) MUST_CHECK;
/* The sentence of a refusal: "detail" or "message" of a JSON body, else the body's beginning. */
void http_client_explain(const struct http_answer *answer, struct why *why);
/* Percent-encodes one path segment or query value. */
void http_client_escape(struct buf *out, struct bytes text);
