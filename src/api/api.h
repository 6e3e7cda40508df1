#pragma once
/* api/api.h -- one request on its way through the routes: who asks, for what, and the answer.
 *
 *   head ──> routes_match ──> auth ──> [body] ──> handler on the loop, or on the route's executor
 *
 * The route table (routes.c) is the single source of paths, permissions, body limits, metrics
 * labels, OpenAPI and docs/API.md. A handler fills the answer with the helpers below and returns;
 * it is called exactly once per request. A handler that cannot answer yet (ingest) keeps the call
 * and ends it later with api_end().
 * Threads: a call belongs to one thread at a time.   Memory: call->arena lives until the answer is
 * out. */
#include "base/clock.h"
#include "base/err.h"
#include "model/principal.h"
#include "net/http.h"
#include "query/query_limit.h"

struct app; /* what the handlers may use: services, store, registry, … (api/app.h) */
struct api_call;

/* Who may; every other caller is refused before the handler runs. 401 without a valid credential,
 * 403 with one whose kind or role may not. */
enum who {
    WHO_ANYONE,      /* no credential needed; one that is sent is ignored */
    WHO_USER,        /* any user */
    WHO_READER,      /* users who may read telemetry and devices: not PILOT_ADMIN */
    WHO_WRITER,      /* users who may change things: not VIEWER, not PILOT_ADMIN */
    WHO_ORG_ADMIN,   /* ORG_ADMIN or ADMIN */
    WHO_ADMIN,       /* ADMIN */
    WHO_PILOT_ADMIN, /* ADMIN or PILOT_ADMIN */
    WHO_SENDER,      /* a device token, or a user who may write */
    WHO_SENDER_P,    /* the same, also by Basic or ?p=, as clients of line protocol say it */
    WHO_DEVICE_OWN,  /* the token of the device in the path, or a user who may read */
    WHO_LIVE, /* live socket: decided in the handshake, which completes and closes with 1008 */
};

enum where {
    ON_LOOP,      /* never blocks */
    ON_ASYNC,     /* the catalog */
    ON_TELEMETRY, /* decoding large bodies, provisioning */
    ON_PASSWORDS, /* the same threads, but never all of them: Argon2 takes its time on purpose */
    ON_ANALYTICS, /* scans and aggregates, exports */
};

struct route {
    enum http1_method method;
    const char *path; /* "/api/v1/devices/{id}/token"; a literal segment wins over a parameter */
    enum who who;
    enum where where;
    size_t body_max; /* bytes; 0: a body is refused */
    void (*handler)(struct api_call *c);
    const char *id;      /* operation id: metrics label, OpenAPI operationId */
    const char *summary; /* what it answers, one line for docs */
};

enum { API_PARAMS_MAX = 4 };

struct api_call {
    struct app *app;
    struct http_exchange *exchange;
    const struct route *route;
    struct bytes params[API_PARAMS_MAX]; /* percent-decoded, in order of the path */
    struct principal who;
    struct arena *arena;
    struct buf *body;          /* of the answer */
    struct bytes request_body; /* inflated */
    void *user;                /* the handler's own, while it waits */
    int status;                /* of the answer, once it is known */
    const char *content_type;
    bool on_loop;                /* the handler runs on an event loop: it must not block */
    bool kept;                   /* the handler answers later, with api_end() */
    bool waited;                 /* the caller asked to wait: its time is no figure of ours */
    bool uncounted;              /* its place in a daily limit has to be asked for, off the loop */
    bool unpaced;                /* the same of the limit per minute */
    bool cacheable;              /* the handler set Cache-Control itself */
    struct api_pending *pending; /* the dispatcher's */
    struct query_limit limit;    /* of its queries (api/deadline.h) */
    int deadline_kind;
};

/* --- reading the request ---------------------------------------------------------------------- */
/* Query parameter, decoded (first of that name); p == NULL when absent. */
struct bytes api_query(struct api_call *c, const char *name);

/* A JSON body as a cJSON tree. False: the answer (400, 415) is given already. The tree is freed
 * with the call. */
struct cJSON;
bool api_json(struct api_call *c, struct cJSON **ret);
/* Member of an object as text, p == NULL when absent or null; wrong type adds to the field errors.
 * */
struct api_fields {
    struct api_call *call;
    const struct cJSON *object;
    struct buf errors; /* "name":"why",… */
};
void api_fields_open(struct api_fields *f, struct api_call *c, const struct cJSON *object);
struct bytes api_field_text(struct api_fields *f, const char *name, size_t max_chars);
bool api_field_bool(struct api_fields *f, const char *name, bool absent);
bool api_field_number(struct api_fields *f, const char *name,
                      double *ret);                               /* false: absent or null */
bool api_field_has(const struct api_fields *f, const char *name); /* present, null counts */
void api_field_error(struct api_fields *f, const char *name, const char *why);
/* True when nothing was wrong; else 400 problem+json with errors{field: why} is the answer. */
bool api_fields_close(struct api_fields *f);

/* --- answering -------------------------------------------------------------------------------- */
/* The body in c->body is complete. content type application/json. */
void api_ok(struct api_call *c, int status);
/* The same with another content type; 204 sends none. */
void api_answer(struct api_call *c, int status, const char *content_type);
/* problem+json (RFC 9457). detail tells the person what to do. */
void api_problem(struct api_call *c, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Status from an enum err (api/answer.c); detail from why when it has text, else the sentence. */
void api_fail(struct api_call *c, enum err e, const struct why *why);
/* The one 404: to the byte the same for missing and for foreign. `what`: "device", "dashboard". */
void api_not_found(struct api_call *c, const char *what);
/* The handler sets kept = true first, fills an answer with the helpers above whenever it is ready,
 * and then gives it back to the loop with api_end(). Any thread. */
void api_end(struct api_call *c);
/* From a handler on a loop that met work which blocks: runs the route's handler again on this
 * executor, with on_loop == false. A full executor answers 503. */
void api_offload(struct api_call *c, enum where where);
