#pragma once
/* api/ingest_call.h -- one telemetry request between decoding and its answer, whatever its form.
 *
 *   decode ──> raw batch ──> admit ──> reply written ahead ──> batch_submit ── durable ──> api_end
 *                                └ something is new, and we are on a loop: again on an executor
 *
 * The reply is written before the batch is submitted, so the writer's thread only hands it over;
 * when the write fails it is replaced by a problem.
 * Threads: the handler's, then the writer's.   Memory: the call owns its arena and its raw batch.
 * */
#include "api/app.h"
#include "codec/raw_batch.h"
#include "ingest/admit.h"

struct ingest_metrics {
    struct histogram decode, admit; /* by request; queue and write are the pipeline's */
    struct counter messages_http, messages_line_protocol, messages_import, messages_mqtt;
    struct counter points, records_refused;
    /* points as it stood at the last 61 full minutes, a ring; the housekeeper writes it. */
    _Atomic uint64_t points_at[61];
    _Atomic unsigned minute; /* how many were noted */
};
/* Once a minute. */
void ingest_metrics_note_minute(struct ingest_metrics *m);
/* Points made durable in the last 60 minutes, or since the start if that is later. */
uint64_t ingest_metrics_last_hour(const struct ingest_metrics *m);

struct ingest_call {
    struct batch_ticket ticket;
    struct api_call *c;
    struct app *app;
    int64_t org;
    struct arena arena;
    struct raw_batch raw;
    struct admission admission;
    int status;               /* of the answer once durable */
    const char *content_type; /* of that answer */
    struct bytes skipped;     /* value of X-Skipped-Fields, or p == NULL */
    int64_t charged;          /* points of the daily limit; given back unless they are stored */
    bool history;             /* an import: the device itself was not heard */
    bool queued;              /* answered at once: the call is not waiting */
};

enum { INGEST_VALUES_MAX = 2000000, INGEST_ARENA_MAX = 256 << 20 };

/* NULL: the answer (503) is given. */
struct ingest_call *ingest_call_new(struct api_call *c);
void ingest_call_free(struct ingest_call *k);

/* Admits the raw batch. True: go on with the reply. False: answered, or running again on an
 * executor; the call is freed. path_device: of the URL, or empty. */
bool ingest_call_admit(struct ingest_call *k, struct bytes path_device);
/* The body of the answer is in c->body; gives it out when the set is durable. Frees the call. */
void ingest_call_submit(struct ingest_call *k, int status, const char *content_type);
/* The one record would have made a device too many. Frees the call. */
void ingest_call_refuse_room(struct ingest_call *k, const char *why);
/* Decoding refused the body. Frees the call. */
void ingest_call_refuse(struct ingest_call *k, enum err e, const struct why *why);
