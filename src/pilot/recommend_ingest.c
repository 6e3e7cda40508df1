/* Batches and their queue. */
#include "pilot/recommend_internal.h"

#include <math.h>

#define BATCHES_MIN   100  /* in the window, to speak of batches at all */
#define FULL_SHARE    0.5  /* of all batches were closed because they were full */
#define LONG_QUEUE_MS 20.0 /* records wait so long for a batch before them */
#define LONG_WRITE_MS 250.0
#define LARGE_RECORDS 5000.0
#define QUEUE_NEAR    0.8
#define GROW          4
#define BATCH_LARGEST 20000.0

/* A batch costs a sync whatever it holds: full ones behind which others wait are too small. */
void recommend_ingest_batch_small(struct report *r, const struct evidence *e)
{
    double share = e->full_batches / e->batches, to = e->batch_size * GROW;
    if (!(e->batches >= BATCHES_MIN) || !(share >= FULL_SHARE)) return;
    if (!(e->queue_ms >= LONG_QUEUE_MS) || !(e->batch_size < BATCH_LARGEST)) return;
    struct recommendation *rec = recommend_add(r, BYTES("batch-size-small"));
    if (!rec) return;
    if (to > BATCH_LARGEST) to = BATCH_LARGEST;
    double per_s = e->batches / e->window_s;
    rec->category = "ingest";
    rec->priority = e->queue_ms >= 10 * LONG_QUEUE_MS ? RECOMMEND_HIGH : RECOMMEND_MEDIUM;
    rec->title = BYTES("Batches are too small for what comes in");
    rec->description = recommend_text(
        r,
        "%.0f %% of the batches were closed because %.0f records were reached, and records waited "
        "%.0f ms for the batches before them.",
        share * 100, e->batch_size, e->queue_ms);
    rec->gain = share * per_s * (1 - e->batch_size / to) * e->batch_write_ms;
    rec->gain_unit = "ms/s";
    rec->impact = recommend_text(r, "%.0f of %.0f syncs a second fewer, about %.0f ms of writing",
                                 share * per_s * (1 - e->batch_size / to), per_s, rec->gain);
    rec->effort = "none";
    recommend_figure(rec, "fullBatchesPercent", share * 100);
    recommend_figure(rec, "batchesPerSecond", per_s);
    recommend_figure(rec, "queueMeanMs", e->queue_ms);
    recommend_figure(rec, "writeMeanMs", e->batch_write_ms);
    rec->key = "pilot.telemetry.batch-size";
    rec->value = recommend_text(r, "%.0f", to);
}

/* One that takes long to write makes everybody behind it wait as long. */
void recommend_ingest_batch_large(struct report *r, const struct evidence *e)
{
    double records = e->records / e->batches, to = floor(records / GROW);
    if (!(e->batches > 0) || !(e->batch_write_ms >= LONG_WRITE_MS)) return;
    if (!(records >= LARGE_RECORDS) || !(e->batch_size > to)) return;
    struct recommendation *rec = recommend_add(r, BYTES("batch-size-large"));
    if (!rec) return;
    rec->category = "ingest";
    rec->priority = RECOMMEND_MEDIUM;
    rec->title = BYTES("Batches are too large");
    rec->description = recommend_text(
        r,
        "A batch holds %.0f records and takes %.0f ms to write: who sends one reading waits for "
        "all of them.",
        records, e->batch_write_ms);
    rec->gain = e->batch_write_ms * (1 - 1.0 / GROW);
    rec->gain_unit = "ms";
    rec->impact =
        recommend_text(r, "an answer to a single reading about %.0f ms sooner", rec->gain);
    rec->effort = "none";
    recommend_figure(rec, "recordsPerBatch", records);
    recommend_figure(rec, "writeMeanMs", e->batch_write_ms);
    recommend_figure(rec, "batchSize", e->batch_size);
    rec->key = "pilot.telemetry.batch-size";
    rec->value = recommend_text(r, "%.0f", to);
}

void recommend_ingest_queue(struct report *r, const struct evidence *e)
{
    double share = e->queue_peak / e->queue_capacity;
    if (!(share >= QUEUE_NEAR) && !(e->queue_refused > 0)) return;
    struct recommendation *rec = recommend_add(r, BYTES("queue-near-bound"));
    if (!rec) return;
    rec->category = "ingest";
    rec->priority = e->queue_refused > 0 ? RECOMMEND_HIGH : RECOMMEND_MEDIUM;
    rec->title = BYTES("The queue of records comes near its bound");
    rec->description = recommend_text(
        r,
        "%.0f of %.0f places were taken at once; %.0f requests were refused because there was "
        "none.",
        e->queue_peak, e->queue_capacity, e->queue_refused);
    rec->gain = e->queue_refused / e->window_s;
    rec->gain_unit = "requests/s";
    rec->impact = recommend_text(
        r, "a burst twice as long is taken; %.2g requests a second are not refused", rec->gain);
    rec->effort = "none";
    recommend_figure(rec, "queuePeakRecords", e->queue_peak);
    recommend_figure(rec, "queueCapacityRecords", e->queue_capacity);
    recommend_figure(rec, "refusedRequests", e->queue_refused);
    rec->key = "pilot.telemetry.queue-capacity";
    rec->value = recommend_text(r, "%.0f", e->queue_capacity * 2);
}
