#pragma once
/* codec/json_message.h -- the JSON of an MQTT message -> raw records: one object in the form of the
 * old clients, nested or flat, or what ThingsBoard's devices send.
 * Malformed JSON, or a record that is wrong, refuses the message (ERR_INVALID, why names the
 * field); values and names are as J3 of json_telemetry.h.
 * Threads: any, on one's own batch and arena.   Memory: as raw_batch.h says. */
#include "codec/raw_batch.h"

/* {deviceId?, externalId?, apiToken?, timestamp?, variables{}, metadata?}, where other members are
 * passed over; without "variables" those other members are the variables. One record.
 * *ret_token: apiToken, p == NULL when there is none. */
enum err json_message_device(struct bytes body, struct arena *arena, struct raw_batch *batch,
                             struct bytes *ret_token, struct why *why) MUST_CHECK;
/* {"ts": milliseconds, "values": {}} or a flat object of variables, or an array of either, which is
 * taken whole or not at all. */
enum err json_message_thingsboard(struct bytes body, struct arena *arena, struct raw_batch *batch,
                                  struct why *why) MUST_CHECK;
