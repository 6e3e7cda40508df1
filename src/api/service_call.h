#pragma once
/* api/service_call.h -- between a handler and a service: who acts, why it was refused, small
 * pieces of JSON that more than one resource writes.   Threads: the call's.   Memory: the call's
 * arena. */
#include "api/api.h"
#include "model/actor.h"
#include "model/device.h"
#include "service/refusal.h"

/* The caller as events know it; from an anonymous one only address and request id. */
struct actor service_call_actor(struct api_call *c);

/* Wrong fields that a service finds go where the handler's own go. */
struct refusal service_call_refusal(struct api_fields *f);
/* The answer to a failed call: 404 of `what`, errors by field, limits by name. Closes f (may be
 * NULL). */
void service_call_refuse(struct api_call *c, struct api_fields *f, enum err e,
                         const struct refusal *refusal, const char *what);

/* A limit refused so much of what the caller asked for: into the ledger. Answers by limits do it
 * themselves. */
void service_call_note_refusal(struct api_call *c, const char *limit, int64_t amount);

/* An integer id of the path; false for anything else: the caller answers 404. */
bool service_call_id(struct bytes text, int64_t *ret);
/* Query parameter `name`: false when absent. False: it is neither true nor false, answered. */
bool service_call_query_bool(struct api_call *c, const char *name, bool *ret);
/* The organisation's device that `deviceId` of the query names; 0: absent. -1: there is none, which
 * no row matches, so that a foreign device looks like a missing one. */
int64_t service_call_query_device(struct api_call *c, int64_t org);
/* 0 becomes null. */
void service_call_time(struct buf *b, const char *key, int64_t ns);
/* The member is there and not null, whatever its type. */
bool service_call_has_value(const struct api_fields *f, const char *name);
/* Member `key` as RFC 3339 or number: false when absent or null; a wrong one adds to the errors. */
bool service_call_field_time(struct api_fields *f, const char *name, int64_t *ret_ns);
/* c->body is complete: 200 with its ETag, or 304 when the caller has it already. Stores between us
 * and the caller keep nothing (no-store): the ETag is for callers that ask again on purpose. */
void service_call_cacheable(struct api_call *c);
