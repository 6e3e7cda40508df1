#pragma once
/* store/embedded/view.h -- what the store consists of at one moment: its files, oldest first, and
 * what is hidden in them. A view never changes; a change makes the next one. Who reads keeps his
 * view, and with it the files, until he gives it back: a file that a later view no longer has is
 * deleted when its last reader is gone.
 * V1  a view is published after its manifest is durable, never before.
 * V2  within a view a later file is newer, and within a file the block at the higher offset is.
 * Threads: any; views are changed by one thread at a time (the job gate).
 * Memory: view_now() gives a reference, view_unref() takes it back. */
#include "store/embedded/manifest.h"
#include "store/embedded/segment.h"
#include "sys/lock.h"

struct view_file {
    struct segment *segment; /* owned */
    uint64_t id;
    unsigned refs; /* under view_set.lock: views that have it */
    bool doomed;   /* delete when the last reference goes */
};

struct view {
    unsigned refs; /* under view_set.lock */
    struct manifest manifest;
    struct view_file **files; /* parallel to manifest.files */
};

struct view_set {
    struct lock lock;
    const struct fs *fs;
    const char *dir; /* borrowed */
    struct view *now;
    uint64_t next_file_id;
};

/* Loads the manifest and opens every file it lists; a store without one is new and gets one.
 * Removes leftovers. ERR_CORRUPT when files are there but the manifest is not. With `only_look`
 * nothing is made or removed, and without a manifest there is ERR_NOTFOUND. */
enum err view_set_open(struct view_set *s, const struct fs *fs, const char *dir, bool only_look,
                       struct why *why) MUST_CHECK;
void view_set_close(struct view_set *s); /* no reader is left; zeroed is fine */

struct view *view_now(struct view_set *s);
void view_unref(struct view_set *s, struct view *v); /* NULL is fine */
uint64_t view_take_file_id(struct view_set *s);

/* A file just written, opened for reading. */
enum err view_open_file(struct view_set *s, const struct segment_info *info,
                        struct view_file **ret) MUST_CHECK;

struct view_change {
    struct view_file *const *removed; /* borrowed */
    size_t removed_count;
    struct view_file *added[2]; /* NULL: none; taken over, also on failure */
    uint64_t replay_lsn;        /* 0: as before */
    /* May change cutoffs and purges of the next manifest; NULL: as they are. */
    enum err (*edit)(struct manifest *m, void *ctx);
    void *ctx;
};
/* Makes the change durable and publishes it. What is added takes the place of the first removed
 * file of its kind, or stands last. */
enum err view_commit(struct view_set *s, const struct view_change *change) MUST_CHECK;

/* For a change that is not made after all. */
void view_drop_added(struct view_set *s, const struct view_change *change);

/* INT64_MIN: nothing is hidden. */
struct manifest_cutoff view_cutoff(const struct view *v, int64_t org);
/* Rows before this are given back: rollups are kept at least as long as the raw points they
 * tell of, even when they are shown no more (flushing and the start need them). */
int64_t view_rollup_floor(const struct manifest_cutoff *cutoff);
/* Was the device forgotten after this file was written? */
bool view_is_purged(const struct view *v, int64_t org, int64_t device, uint64_t file_id);
/* Is nothing in the block shown any more? */
bool view_is_dead(const struct view *v, const struct view_file *f, const struct segment_block *b);
/* The file's blocks of a device, oldest first (V2); mem_free() the array, which is NULL when
 * there is none. */
enum err view_device_blocks(const struct view_file *f, int64_t org, int64_t device,
                            const struct segment_block ***ret, size_t *ret_n) MUST_CHECK;
enum segment_kind view_file_kind(const struct view_file *f);
