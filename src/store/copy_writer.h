#pragma once
/* store/copy_writer.h -- points on their way into a store: gathered into large groups that several
 * threads write, so that reading and writing overlap.
 *
 *   add ──> the group at hand ── full ──> a free thread writes it; drain: all are durable
 *
 * Threads: add, drain and free by one; it has threads of its own, as many as the store takes.
 * Memory: two groups for each of its threads, COPY_WRITER_POINTS each. */
#include "store/telemetry.h"

enum { COPY_WRITER_POINTS = 50000, COPY_WRITER_THREADS = 4 };

struct copy_writer;
enum err copy_writer_new(struct copy_writer **ret, struct telemetry *to) MUST_CHECK;
/* One record; points are copied. An error may be one of a group before. */
enum err copy_writer_add(struct copy_writer *w, const struct record *key,
                         const struct point *points, size_t n, struct why *why) MUST_CHECK;
/* ERR_OK: everything that was added is durable. */
enum err copy_writer_drain(struct copy_writer *w, struct why *why) MUST_CHECK;
void copy_writer_free(struct copy_writer *w); /* what was not drained may be written or not */
