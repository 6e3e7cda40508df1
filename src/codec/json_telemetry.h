#pragma once
/* codec/json_telemetry.h -- the JSON telemetry bodies A to F of contract §6 -> raw records, in one
 * pass over the body, names and ids left where they stand.
 *
 * J1  malformed JSON anywhere refuses the whole body (ERR_INVALID; why says line and byte),
 *     nothing of the batch is to be used.
 * J2  in D and F a well-formed but wrong record is marked with its error and the others go on;
 *     in A, B, C and E it is ERR_INVALID with the same sentence in why.
 * J3  values: numbers, numeric strings, booleans (1/0); null is skipped; a record with nothing
 *     left to store is wrong. NaN, infinities, objects and arrays are wrong.
 * Unknown members of a record are ignored.
 * Other errors: ERR_TOOLARGE (ceilings of the batch), ERR_NOMEM.
 * Threads: any, on one's own batch and arena.   Memory: as raw_batch.h says. */
#include "codec/raw_batch.h"

/* A: a flat object of variables; one record without device and time. A reserved name is wrong. */
enum err json_telemetry_flat(struct bytes body, struct arena *arena, struct raw_batch *batch,
                             struct why *why) MUST_CHECK;
/* B: {deviceId|externalId, timestamp?, variables{}, metadata?}; one record. */
enum err json_telemetry_one(struct bytes body, struct arena *arena, struct raw_batch *batch,
                            struct why *why) MUST_CHECK;
/* E: as B, the device stands in the path: one in the body is optional and left in device_id. */
enum err json_telemetry_for_device(struct bytes body, struct arena *arena, struct raw_batch *batch,
                                   struct why *why) MUST_CHECK;
/* C: a bare value or {"value": v}. */
enum err json_telemetry_value(struct bytes body, struct arena *arena, double *ret,
                              struct why *why) MUST_CHECK;
/* D: an array of B. An empty array is a batch without records. */
enum err json_telemetry_array(struct bytes body, struct arena *arena, struct raw_batch *batch,
                              struct why *why) MUST_CHECK;
/* F: {"telemetry": [B…]}. */
enum err json_telemetry_wrapped(struct bytes body, struct arena *arena, struct raw_batch *batch,
                                struct why *why) MUST_CHECK;
