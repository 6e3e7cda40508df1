#pragma once
/* service/dashboard_state.h -- what the files of the dashboard family share; nobody else includes
 * it.   Threads: as the transaction.   Memory: copied into the arena. */
#include "service/dashboard_service.h"
#include "service/event_service.h"
#include "store/sql.h"

/* "42", borrowed from text: entity ids of events. */
struct bytes dashboard_state_id(int64_t id, char text[24]);
/* With its widgets. */
enum err dashboard_state_find(struct sql_tx *tx, int64_t org, int64_t id, struct arena *arena,
                              struct dashboard *ret) MUST_CHECK;
enum err dashboard_state_event(struct dashboard_service *s, struct sql_tx *tx,
                               const struct actor *actor, const struct event_note *note) MUST_CHECK;
/* A device that is to be named: *text becomes its external id, or absent when it is empty.
 * ERR_NOTFOUND: the organisation has no such device; refusal says so. What is named already is not
 * asked again, so that a dashboard outlives its devices. */
enum err dashboard_state_device(struct dashboard_service *s, int64_t org,
                                const struct dashboard_text *said, struct bytes *text,
                                struct refusal *refusal) MUST_CHECK;
/* Printable UTF-8 of at most max characters; else the field is wrong. */
void dashboard_state_text(struct bytes text, size_t max, const char *field,
                          struct refusal *refusal);
static inline void dashboard_state_apply(struct bytes *to, const struct dashboard_text *t)
{
    if (t->set) *to = t->value.n ? t->value : (struct bytes){NULL, 0};
}
