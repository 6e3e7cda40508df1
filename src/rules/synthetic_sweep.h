#pragma once
/* rules/synthetic_sweep.h -- computes a group again over a range of time from what the store holds,
 * in steps: after a gap or a restart, after late readings, for history on request. A result that is
 * there already with the same value is not written again.
 * Threads: owner only.   Memory: owns its cursors. */
#include "rules/synthetic_group.h"

struct synthetic_sweep;
/* Over [from, to]. The group belongs to the sweep until its end; with `goes_on` it goes on from
 * where it is, because nothing lies between its position and from_ns. */
enum err synthetic_sweep_begin(struct synthetic_sweep **ret, struct synthetic_group *g,
                               int64_t from_ns, int64_t to_ns, bool goes_on) MUST_CHECK;
/* At most `rows` times further. ERR_END: done, the group stands at `to`. */
enum err synthetic_sweep_step(struct synthetic_sweep *s, size_t rows,
                              const struct synthetic_emit *emit) MUST_CHECK;
void synthetic_sweep_free(struct synthetic_sweep *s); /* NULL is fine */
