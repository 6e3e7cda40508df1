#pragma once
/* codec/json_record.h -- inside the JSON telemetry decoders: one record being read off a body.
 * json_telemetry.h and json_message.h are the contracts for others; the first thing that is wrong
 * with a record is noted while reading goes on, because the JSON behind it may be malformed, which
 * refuses the body.
 * Threads: owner only.   Memory: as raw_batch.h says. */
#include "codec/json_text.h"
#include "codec/raw_batch.h"

struct json_record {
    struct json_reader json;
    struct arena *arena;
    struct raw_batch *batch;
    struct raw_record *record; /* the one being read */
    const char *wrong;         /* first thing wrong with it, NULL = good so far */
    struct why *why;
};

void json_record_start(struct json_record *d, struct bytes body, struct arena *arena,
                       struct raw_batch *batch, struct why *why);
static inline enum err json_record_next(struct json_record *d, struct json_token *t)
{
    return json_text_next(&d->json, t, d->why);
}
enum err json_record_wrong(struct json_record *d, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));
/* The value of token t, whose object or array is passed over. *ret_taken false: null, or wrong. */
enum err json_record_read_value(struct json_record *d, struct bytes name,
                                const struct json_token *t, bool *ret_taken,
                                double *ret) MUST_CHECK;
/* One variable, whose name was just read; the members of an object that was just opened, all of
 * them variables. */
enum err json_record_take_variable(struct json_record *d, struct bytes name) MUST_CHECK;
enum err json_record_take_variables(struct json_record *d) MUST_CHECK;
/* The values of the members beside the variables. */
enum err json_record_take_device(struct json_record *d, const char *name) MUST_CHECK;
enum err json_record_take_time(struct json_record *d) MUST_CHECK;
enum err json_record_take_metadata(struct json_record *d) MUST_CHECK;
enum err json_record_open_object(struct json_record *d, const char *name,
                                 bool *ret_open) MUST_CHECK;
/* Whatever the body is behind its value must be white space. */
enum err json_record_finish(struct json_record *d) MUST_CHECK;
enum err json_record_begin(struct json_record *d) MUST_CHECK;
void json_record_end(struct json_record *d, bool needs_device);
/* Form B of json_telemetry.h, whose first token is t. */
enum err json_record_take(struct json_record *d, const struct json_token *t,
                          bool needs_device) MUST_CHECK;
/* Gives a ceiling or memory error its sentence and, for single records, makes their error the
 * body's. */
enum err json_record_conclude(struct json_record *d, enum err e, bool single) MUST_CHECK;
