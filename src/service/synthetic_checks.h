#pragma once
/* service/synthetic_checks.h -- what a synthetic variable may be: its texts, its expression, its
 * place among the others of its device. Used by synthetic_service.c and synthetic_preview.c.
 * Threads: any.   Memory: expressions are the caller's. */
#include "service/synthetic_service.h"

/* Fills s from what is given; wrong fields go to the refusal. created: what is needed is there. */
void synthetic_checks_apply(struct synthetic *s, const struct synthetic_change *given, bool created,
                            struct refusal *refusal);
/* Compiles s->expression; ERR_INVALID: the field is named with the place and what was expected. */
enum err synthetic_checks_expression(struct bytes text, struct expression **ret,
                                     struct refusal *refusal) MUST_CHECK;
/* y among all of its device (it takes the place of the row with its id): ERR_IMPOSSIBLE as
 * synthetic_order.h says. */
enum err synthetic_checks_order(struct sql_tx *tx, const struct synthetic *y,
                                const struct expression *x, struct arena *arena,
                                struct why *why) MUST_CHECK;
