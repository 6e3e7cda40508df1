#pragma once
/* api/dispatch.h -- between the transport and the handlers: finds the route, asks who is calling,
 * inflates the body, runs the handler on the loop or on its executor, and notes how it went.
 * Threads: callbacks of net/http.h.   Memory: a call lives in its exchange's arena. */
#include "api/app.h"

/* The callbacks to give to http_server_start(); app must outlive the server. */
/* Before the first request: the headers that every answer carries. buf_done() is the caller's. */
enum err dispatch_prepare(struct app *app, const char *csp) MUST_CHECK;
struct http_handler dispatch_handler(struct app *app);
