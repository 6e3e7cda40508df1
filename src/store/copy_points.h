#pragma once
/* store/copy_points.h -- the readings of an installation from one store into another, and the proof
 * that they arrived. It knows both stores by their contract only (store/telemetry.h); which devices
 * and series there are says the source's catalog.
 *
 *   run:     organisation ── its edges of retention ──> device by device, group of series by group,
 *            in time order: raw points, then the hours that outlive theirs
 *   catch up: hours of which the stores say different sums are copied again: what was written
 *            behind the position of a copy, late or over something else
 *   verify:  for each series: number and checksum of its raw points, and each hour's sums, read
 *            from both stores
 *
 * A point written again changes nothing, so a copy goes on from a position that may be old: nothing
 * is lost and nothing is there twice.
 * Threads: one, beside the writer's own (store/copy_writer.h).   Memory: constant but for the hours
 * of one series and the numbers of one device's series. */
#include "store/sql.h"
#include "store/telemetry.h"

#include <stdbool.h>

struct copy_position { /* everything before is durable in the target */
    int64_t org, device;
    int64_t group, ts_ns; /* of that device; ts_ns INT64_MIN: its beginning */
};

struct copy_job {
    struct telemetry *from, *to;
    struct sql_db *catalog; /* of the source */
    struct copy_position at;
    uint64_t devices, points, hours; /* so far: copied, or compared */
    uint64_t series;                 /* compared */
    /* What was copied up to j->at is durable. */
    enum err (*saved)(void *ctx, const struct copy_job *j);
    /* Often; false: stop (ERR_CLOSED). */
    bool (*shown)(void *ctx, const struct copy_job *j);
    void *ctx;
};

/* From j->at on. */
enum err copy_points_run(struct copy_job *j, struct why *why) MUST_CHECK;
/* What is known to be the same is not read; without j->at, which stays. */
enum err copy_points_catch_up(struct copy_job *j, struct why *why) MUST_CHECK;
/* One device anew, without looking at j->at. */
enum err copy_points_device(struct copy_job *j, int64_t org, int64_t device,
                            struct why *why) MUST_CHECK;
/* Compares every series. `differs` is told each device that is not the same and says what follows:
 * ERR_OK: it is compared once more, and has to be the same. */
typedef enum err copy_differs_fn(void *ctx, struct copy_job *j, int64_t org, int64_t device,
                                 const struct why *how);
enum err copy_points_verify(struct copy_job *j, copy_differs_fn *differs, void *ctx,
                            struct why *why) MUST_CHECK;
/* Devices there are in the source's catalog. */
enum err copy_points_count_devices(struct sql_db *catalog, uint64_t *ret) MUST_CHECK;
