/* Appending, rolling over and trimming (see wal.h). */
#include "store/embedded/wal.h"

#include "base/mem.h"
#include "store/embedded/wal_state.h"

#include <limits.h>

/* The first segment after a start is small, so that an idle server writes little and starts fast;
 * the spares made behind the appender's back have the full size. */
#define STARTER_BYTES (UINT64_C(1) << 20)
#define GROUP_MAX     (UINT64_C(256) << 20)
#define BUFFER_KEEP   (UINT64_C(4) << 20)

/* A checksum's seed that bytes inside of a payload do not know. */
static uint32_t salt_of(const struct wal *w, uint64_t number)
{
    uint64_t x = (uint64_t)clock_wall_ns(w->opts.clock) ^ number * UINT64_C(0x9e3779b97f4a7c15);
    x ^= (uint64_t)clock_mono_ns(w->opts.clock) << 20;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(x >> 32);
}

void wal_add_old(struct wal *w, struct wal_old *old)
{
    old->next = NULL;
    if (w->youngest)
        w->youngest->next = old;
    else
        w->oldest = old;
    w->youngest = old;
}

static uint64_t take_number(struct wal *w)
{
    lock_take(&w->lock);
    uint64_t number = w->next_number++;
    lock_release(&w->lock);
    return number;
}

static enum err make(struct wal *w, struct wal_segment *ret, uint64_t bytes)
{
    uint64_t number = take_number(w);
    return wal_segment_make(ret, w->opts.fs, w->opts.dir, number, bytes, salt_of(w, number));
}

void wal_remove(struct wal *w, uint64_t number)
{
    char path[PATH_MAX];
    if (wal_segment_path(path, w->opts.dir, number)) return;
    /* One that stays holds nothing that is replayed; the next open removes it. */
    (void)!fs_unlink(w->opts.fs, path);
}

/* Makes `fresh` the current segment; the one before joins the old ones. */
static enum err hand_over(struct wal *w, struct wal_segment fresh)
{
    struct wal_segment before = w->current;
    struct wal_old *old = NULL;
    if (before.number) {
        old = mem_alloc(sizeof *old);
        if (!old) return ERR_NOMEM;
        *old = (struct wal_old){NULL, before.number, before.last_lsn, before.bytes};
    }
    lock_take(&w->lock);
    if (old) wal_add_old(w, old);
    w->current = fresh;
    w->current_bytes = fresh.bytes;
    w->current_at = fresh.at;
    lock_release(&w->lock);
    file_close(&before.file);
    return ERR_OK;
}

/* A spare that holds `bytes`, or a new segment of its own (slow: the spare was not ready). */
static enum err roll(struct wal *w, uint64_t bytes)
{
    struct wal_segment fresh = {0};
    lock_take(&w->lock);
    if (w->spare.number && w->spare.bytes - w->spare.at >= bytes) {
        fresh = w->spare;
        w->spare = (struct wal_segment){0};
    }
    lock_release(&w->lock);
    enum err e = ERR_OK;
    if (!fresh.number) {
        uint64_t size =
            STARTER_BYTES < w->opts.segment_bytes ? STARTER_BYTES : w->opts.segment_bytes;
        if (size < bytes + WAL_SEGMENT_HEADER) size = bytes + WAL_SEGMENT_HEADER;
        e = make(w, &fresh, size);
    }
    if (!e) e = hand_over(w, fresh);
    if (e && fresh.number) {
        file_close(&fresh.file);
        wal_remove(w, fresh.number);
    }
    return e;
}

static enum err reserve_buffer(struct wal *w, size_t bytes)
{
    if (bytes <= w->buffer_bytes) return ERR_OK;
    mem_free(w->buffer);
    w->buffer_bytes = 0;
    w->buffer = mem_alloc(bytes);
    if (!w->buffer) return ERR_NOMEM;
    w->buffer_bytes = bytes;
    return ERR_OK;
}

static enum err fail(struct wal *w, enum err e, const char *step, struct why *why)
{
    char name[WAL_SEGMENT_NAME_MAX];
    wal_segment_name(name, w->current.number);
    lock_take(&w->lock);
    w->broken = e;
    why_say(&w->broken_why, e, "the log %s/%s could not be %s: %s", w->opts.dir, name, step,
            err_sentence(e));
    if (why) *why = w->broken_why;
    lock_release(&w->lock);
    return e;
}

enum err wal_broken(struct wal *w, struct why *why)
{
    lock_take(&w->lock);
    enum err e = w->broken;
    if (e && why) *why = w->broken_why;
    lock_release(&w->lock);
    return e;
}

uint64_t wal_next_lsn(struct wal *w)
{
    lock_take(&w->lock);
    uint64_t lsn = w->next_lsn;
    lock_release(&w->lock);
    return lsn;
}

enum err wal_append(struct wal *w, const struct record_set *const *sets, size_t n,
                    uint64_t *ret_lsn, struct why *why)
{
    enum err e = wal_broken(w, why);
    if (e) return e;
    size_t bound = wal_record_bound(sets, n) + WAL_SEGMENT_GROUP + 16;
    if (bound > GROUP_MAX)
        return why_say(why, ERR_TOOLARGE, "one group of %zu bytes is past the log's limit", bound);
    e = reserve_buffer(w, bound);
    if (e) return why_say(why, e, "no memory for a log buffer of %zu bytes", bound);
    size_t payload = wal_record_encode(sets, n, w->buffer + WAL_SEGMENT_GROUP);
    size_t bytes = wal_segment_group_bytes(payload);
    if (w->current.at + bytes > w->current.bytes) {
        e = roll(w, bytes);
        if (e)
            return why_say(why, e, "no log segment can be made in %s: %s", w->opts.dir,
                           err_sentence(e));
    }
    lock_take(&w->lock);
    uint64_t lsn = w->next_lsn++; /* keeps W5 */
    lock_release(&w->lock);
    wal_segment_finish_group(w->buffer, payload, lsn, w->current.salt);
    e = file_write_at(&w->current.file, w->buffer, bytes, (int64_t)w->current.at);
    if (e) return fail(w, e, "written", why);
    e = file_data_sync(&w->current.file);
    if (e) return fail(w, e, "synced", why);
    w->current.at += bytes;
    w->current.last_lsn = lsn;
    lock_take(&w->lock);
    w->current_at = w->current.at;
    lock_release(&w->lock);
    if (w->buffer_bytes > BUFFER_KEEP) {
        mem_free(w->buffer);
        w->buffer = NULL;
        w->buffer_bytes = 0;
    }
    *ret_lsn = lsn;
    return ERR_OK;
}

enum err wal_restart(struct wal *w, struct why *why)
{
    /* The failed group may stand there whole: below the replay position, it must look old. */
    w->current.last_lsn = wal_next_lsn(w) - 1;
    enum err e = roll(w, 0);
    if (e)
        return why_say(why, e, "no log segment can be made in %s: %s", w->opts.dir,
                       err_sentence(e));
    lock_take(&w->lock);
    w->broken = ERR_OK;
    lock_release(&w->lock);
    return ERR_OK;
}

bool wal_wants_spare(struct wal *w)
{
    lock_take(&w->lock);
    bool wants = !w->spare.number && !w->preparing && w->current_at > w->current_bytes / 2;
    lock_release(&w->lock);
    return wants;
}

enum err wal_prepare(struct wal *w)
{
    lock_take(&w->lock);
    bool mine = !w->spare.number && !w->preparing;
    if (mine) w->preparing = true;
    lock_release(&w->lock);
    if (!mine) return ERR_OK;
    struct wal_segment fresh = {0};
    enum err e = make(w, &fresh, w->opts.segment_bytes);
    lock_take(&w->lock);
    w->preparing = false;
    /* The appender may have made a later one meanwhile; segments are replayed by number. */
    bool late = !e && fresh.number < w->current.number;
    if (!e && !late) w->spare = fresh;
    lock_release(&w->lock);
    if (late) {
        file_close(&fresh.file);
        wal_remove(w, fresh.number);
    }
    return e;
}

void wal_trim(struct wal *w, uint64_t replay_lsn)
{
    for (;;) {
        lock_take(&w->lock);
        struct wal_old *old = w->oldest;
        if (old && old->last_lsn >= replay_lsn) old = NULL;
        if (old) w->oldest = old->next;
        if (!w->oldest) w->youngest = NULL;
        lock_release(&w->lock);
        if (!old) return;
        wal_remove(w, old->number);
        mem_free(old);
    }
}

uint64_t wal_bytes(struct wal *w)
{
    lock_take(&w->lock);
    uint64_t bytes = w->current_bytes + w->spare.bytes;
    for (const struct wal_old *old = w->oldest; old; old = old->next) bytes += old->bytes;
    lock_release(&w->lock);
    return bytes;
}

enum err wal_open(struct wal **ret, const struct wal_opts *opts, uint64_t replay_lsn,
                  wal_apply apply, void *ctx, struct why *why)
{
    struct wal *w = mem_zalloc(sizeof *w);
    if (!w) return why_say(why, ERR_NOMEM, "no memory to open the log in %s", opts->dir);
    w->opts = *opts;
    w->current.file = w->spare.file = FILE_CLOSED;
    w->next_number = 1;
    lock_init(&w->lock, LOCK_RANK_WAL);
    enum err e = wal_recover(w, replay_lsn, apply, ctx, why);
    if (!e) {
        e = roll(w, 0);
        if (e) why_say(why, e, "no log segment can be made in %s: %s", opts->dir, err_sentence(e));
    }
    if (e) {
        wal_close(w, false);
        return e;
    }
    *ret = w;
    return ERR_OK;
}

void wal_close(struct wal *w, bool discard)
{
    if (!w) return;
    /* An unused spare is only in the way of the next start. */
    bool drop_spare = w->spare.number != 0;
    file_close(&w->current.file);
    file_close(&w->spare.file);
    if (discard) {
        wal_trim(w, UINT64_MAX);
        wal_remove(w, w->current.number);
    }
    if (drop_spare) wal_remove(w, w->spare.number);
    while (w->oldest) {
        struct wal_old *old = w->oldest;
        w->oldest = old->next;
        mem_free(old);
    }
    lock_done(&w->lock);
    mem_free(w->buffer);
    mem_free(w);
}
