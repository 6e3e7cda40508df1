#pragma once
/* app/import_send.h -- records and lines on their way to the server, in batches through its public
 * API: POST /api/v1/data/bulk, and /api/v2/write for line protocol.
 *
 * S1  everything before the line a refusal names is stored; sending a record twice changes
 *     nothing, so going on at that line is always right.
 * S2  a full server (429, 503 with Retry-After up to 30 s) is waited for, five times at most.
 * Threads: owner only.   Memory: holds one batch. */
#include "app/http_client.h"
#include "app/import_read.h"

enum { IMPORT_BATCH_MAX = 10000 };

struct import_sender;
/* client: borrowed. shift_ns is added to every time. */
enum err import_send_open(struct import_sender **ret, struct http_client *client, size_t batch,
                          int64_t shift_ns) MUST_CHECK;
void import_send_close(struct import_sender *s); /* what was not sent is dropped; NULL is fine */

/* Each may send the batch. ERR_INVALID: the server refused; why has its words. */
enum err import_send_record(struct import_sender *s, const struct import_record *record,
                            struct why *why) MUST_CHECK;
enum err import_send_line(struct import_sender *s, uint64_t line, struct bytes text,
                          struct why *why) MUST_CHECK;
enum err import_send_flush(struct import_sender *s, struct why *why) MUST_CHECK;
/* Sends what waits and ends there: ERR_CLOSED, to go on at `line`. */
enum err import_send_stop(struct import_sender *s, uint64_t line, struct why *why) MUST_CHECK;

struct import_sent {
    uint64_t records;   /* acknowledged */
    uint64_t from_line; /* where to go on: the first line that is not known to be stored, or 0 */
};
struct import_sent import_send_result(const struct import_sender *s);
