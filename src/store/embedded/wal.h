#pragma once
/* store/embedded/wal.h -- makes a group durable before it is acknowledged.
 * W1  wal_append() == ERR_OK: the group survives power loss.
 * W2  wal_open() cuts a torn tail and nothing before it; damage that is not a torn tail, by one
 *     flipped bit anywhere or by a lost file in the middle, is ERR_CORRUPT with file and offset.
 * W3  a segment file has its full size, zeroed and synced, before it has its name; so an append is
 *     one pwrite and one fdatasync that has no metadata to carry.
 * W4  after a failed append nothing is written to that segment again, and every append fails until
 *     wal_restart(). Nothing that failed is ever written a second time by the log itself.
 * W5  an lsn is used for one group only, also when its append failed.
 * Threads: one appender, who also restarts; wal_prepare() one other; wal_trim() and the figures
 * any. Memory: sets are borrowed for the call; one buffer of the largest group (kept up to 4 MiB).
 * Bytes: FORMAT.md, "WAL". */
#include "base/clock.h"
#include "model/record.h"
#include "store/embedded/wal_record.h"
#include "sys/file.h"

struct wal;

struct wal_opts {
    const char *dir; /* borrowed while the log is open */
    const struct fs *fs;
    const struct clock *clock;
    uint64_t segment_bytes;
};

/* Called for each group from `replay_lsn` on, in order. What it returns ends wal_open(). */
typedef enum err (*wal_apply)(void *ctx, uint64_t lsn, struct wal_reader *records);

enum err wal_open(struct wal **ret, const struct wal_opts *opts, uint64_t replay_lsn,
                  wal_apply apply, void *ctx, struct why *why) MUST_CHECK;
/* ERR_TOOLARGE: the group is past 256 MiB. ERR_NOSPACE without anything written: only this group
 * is refused (no segment could be made). Else see W4. */
enum err wal_append(struct wal *w, const struct record_set *const *sets, size_t n,
                    uint64_t *ret_lsn, struct why *why) MUST_CHECK;
/* ERR_OK, or why appends fail now. */
enum err wal_broken(struct wal *w, struct why *why) MUST_CHECK;
/* The lsn of the next group; everything below was appended, or failed. */
uint64_t wal_next_lsn(struct wal *w);
/* After a failure: goes on in a new segment. The caller has made everything that was acknowledged
 * durable elsewhere and has stored wal_next_lsn() as the replay position. */
enum err wal_restart(struct wal *w, struct why *why) MUST_CHECK;
/* Is the spare segment missing although the current one is half full? */
bool wal_wants_spare(struct wal *w);
enum err wal_prepare(struct wal *w) MUST_CHECK;
/* Removes segments that hold nothing at or past replay_lsn. A file that can not be removed now is
 * removed by the next wal_open(). */
void wal_trim(struct wal *w, uint64_t replay_lsn);
uint64_t wal_bytes(struct wal *w); /* on disk */
/* With `discard` every file is removed: the caller has stored wal_next_lsn() as replay position.
 * NULL is fine. */
void wal_close(struct wal *w, bool discard);

/* Reads the log of a store that nobody has open and writes nothing. ERR_CORRUPT: `why` names the
 * damaged file, *ret_at the offset in it. */
enum err wal_verify(const char *dir, const struct fs *fs, uint64_t replay_lsn, struct why *why,
                    int64_t *ret_at) MUST_CHECK;
