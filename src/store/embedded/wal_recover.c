/* Reading the log back at start (see wal.h, W2). Segments are read in the order of their numbers;
 * their groups must follow each other without a gap, except that a segment given up after a failed
 * sync may end anywhere when the next one starts exactly at the replay position. */
#include "base/mem.h"
#include "store/embedded/wal_state.h"

#include <limits.h>
#include <stdlib.h>

/* The log's files in the directory. */
struct listing {
    uint64_t *numbers, *leftovers; /* owned */
    size_t count, leftover_count;
    enum err err;
};

static enum err append_number(uint64_t **numbers, size_t *count, uint64_t number)
{
    uint64_t *grown = *numbers;
    if ((*count & (*count - 1)) == 0) { /* room doubles at each power of two */
        grown = mem_realloc(grown, (*count ? *count * 2 : 1) * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        *numbers = grown;
    }
    grown[(*count)++] = number;
    return ERR_OK;
}

static void visit(void *ctx, const char *name)
{
    struct listing *l = ctx;
    uint64_t number;
    bool temporary;
    if (l->err || !wal_segment_name_parse(name, &number, &temporary)) return;
    l->err = temporary ? append_number(&l->leftovers, &l->leftover_count, number)
                       : append_number(&l->numbers, &l->count, number);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void listing_done(struct listing *l)
{
    mem_free(l->numbers);
    mem_free(l->leftovers);
}

static enum err list(struct listing *l, const struct fs *fs, const char *dir)
{
    *l = (struct listing){0};
    enum err e = fs_list(fs, dir, visit, l);
    if (!e) e = l->err;
    if (!e && l->count) qsort(l->numbers, l->count, sizeof *l->numbers, by_number);
    if (e) listing_done(l);
    return e;
}

static void remove_leftovers(const struct listing *l, const struct fs *fs, const char *dir)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < l->leftover_count; i++) {
        if (wal_segment_path(path, dir, l->leftovers[i])) continue;
        memcpy(path + strlen(path) - 4, ".tmp", 4);
        (void)!fs_unlink(fs, path); /* in nobody's way when it stays */
    }
}

/* One pass over the log. */
struct pass {
    const char *dir;
    const struct fs *fs;
    uint64_t replay_lsn;
    wal_apply apply; /* NULL: only look */
    void *ctx;
    struct why *why;
    uint64_t last;   /* lsn of the last sound group, 0 = none yet */
    int64_t *ret_at; /* where the damage is */
};

static enum err damaged(const struct pass *p, uint64_t number, size_t at, const char *what)
{
    char name[WAL_SEGMENT_NAME_MAX];
    wal_segment_name(name, number);
    *p->ret_at = (int64_t)at;
    return why_say(p->why, ERR_CORRUPT, "%s/%s, offset %zu: %s", p->dir, name, at, what);
}

static bool follows(const struct pass *p, uint64_t lsn, bool first_of_segment)
{
    if (!p->last) return lsn != 0 && lsn <= p->replay_lsn;
    return lsn == p->last + 1 ||
           (first_of_segment && lsn == p->replay_lsn && p->last < p->replay_lsn);
}

/* What reading a segment gave. */
struct reading {
    struct wal_segment_scan scan; /* until reading_done() */
    uint64_t last;                /* lsn of its last sound group, 0 = none */
    size_t last_at;               /* where that begins; scan.at is where it ends */
};

static enum err read_groups(struct pass *p, struct reading *r, uint64_t number)
{
    struct wal_segment_scan *s = &r->scan;
    uint64_t lsn;
    struct bytes payload;
    for (;;) {
        size_t at = s->at;
        enum err e = wal_segment_next(s, &lsn, &payload);
        if (e == ERR_END) return ERR_OK;
        if (e) return e;
        if (!follows(p, lsn, r->last == 0))
            return damaged(p, number, at, "groups before this one are missing");
        p->last = r->last = lsn;
        r->last_at = at;
        if (lsn < p->replay_lsn || !p->apply) continue;
        struct wal_reader reader = wal_record_reader(payload);
        e = p->apply(p->ctx, lsn, &reader);
        if (e == ERR_CORRUPT) return damaged(p, number, at, "a group is not well formed");
        if (e) return why_say(p->why, e, "the log can not be replayed: %s", err_sentence(e));
    }
}

/* Reads one segment; the caller ends the reading's scan, also on failure. */
static enum err read_segment(struct pass *p, uint64_t number, struct reading *r)
{
    char path[PATH_MAX];
    const char *what = "";
    *r = (struct reading){0};
    enum err e = wal_segment_path(path, p->dir, number);
    if (!e) e = wal_segment_scan_open(&r->scan, p->fs, path, number, &what);
    if (e == ERR_CORRUPT) return damaged(p, number, 0, what);
    if (e) return why_say(p->why, e, "%s: %s", path, e == ERR_VERSION ? what : err_sentence(e));
    e = read_groups(p, r, number);
    if (!e && wal_segment_tail(&r->scan, p->last) == WAL_TAIL_DAMAGED)
        e = damaged(p, number, r->scan.at, "a group is damaged");
    return e;
}

/* Cuts what stands behind the last sound group, and makes sure of that group: nothing may be shown
 * before it is durable (T1), and after a kill it may be in the page cache only. A sync alone does
 * not bring it to the disk when an earlier sync of it failed, because then its pages count as
 * clean; so it is written again first. Every group before it was acknowledged after a sync of its
 * own. */
static enum err settle(const struct pass *p, uint64_t number, const struct reading *r)
{
    const size_t page = 4096;
    size_t from = r->last_at / page * page;
    char path[PATH_MAX];
    struct file f = FILE_CLOSED;
    enum err e = wal_segment_path(path, p->dir, number);
    if (!e) e = file_open(&f, p->fs, path, FILE_READ_WRITE);
    if (!e) e = file_truncate(&f, (int64_t)r->scan.at);
    if (!e) e = file_write_at(&f, r->scan.bytes + from, r->scan.at - from, (int64_t)from);
    if (!e) e = file_sync(&f);
    file_close(&f);
    if (e) why_say(p->why, e, "%s can not be synced: %s", path, err_sentence(e));
    return e;
}

static enum err keep_segment(struct wal *w, struct pass *p, uint64_t number,
                             const struct reading *r)
{
    if (r->last == 0 || r->last < p->replay_lsn) {
        wal_remove(w, number);
        return ERR_OK;
    }
    enum err e = settle(p, number, r);
    if (e) return e;
    struct wal_old *old = mem_alloc(sizeof *old);
    if (!old) return why_say(p->why, ERR_NOMEM, "no memory to open the log in %s", p->dir);
    *old = (struct wal_old){NULL, number, r->last, r->scan.at};
    wal_add_old(w, old);
    return ERR_OK;
}

static enum err take_segment(struct wal *w, struct pass *p, uint64_t number)
{
    struct reading r;
    enum err e = read_segment(p, number, &r);
    if (!e) e = keep_segment(w, p, number, &r);
    wal_segment_scan_done(&r.scan);
    return e;
}

enum err wal_recover(struct wal *w, uint64_t replay_lsn, wal_apply apply, void *ctx,
                     struct why *why)
{
    struct listing l;
    int64_t at = 0;
    struct pass p = {.dir = w->opts.dir,
                     .fs = w->opts.fs,
                     .replay_lsn = replay_lsn,
                     .apply = apply,
                     .ctx = ctx,
                     .why = why,
                     .ret_at = &at};
    enum err e = list(&l, w->opts.fs, w->opts.dir);
    if (e) return why_say(why, e, "%s can not be listed: %s", w->opts.dir, err_sentence(e));
    remove_leftovers(&l, w->opts.fs, w->opts.dir);
    for (size_t i = 0; i < l.count && !e; i++) e = take_segment(w, &p, l.numbers[i]);
    if (!e && l.count) w->next_number = l.numbers[l.count - 1] + 1;
    w->next_lsn = p.last + 1 > replay_lsn ? p.last + 1 : replay_lsn;
    listing_done(&l);
    return e;
}

enum err wal_verify(const char *dir, const struct fs *fs, uint64_t replay_lsn, struct why *why,
                    int64_t *ret_at)
{
    struct listing l;
    struct pass p = {.dir = dir, .fs = fs, .replay_lsn = replay_lsn, .why = why, .ret_at = ret_at};
    enum err e = list(&l, fs, dir);
    if (e) return why_say(why, e, "%s can not be listed: %s", dir, err_sentence(e));
    *ret_at = 0;
    for (size_t i = 0; i < l.count && !e; i++) {
        struct reading r;
        e = read_segment(&p, l.numbers[i], &r);
        wal_segment_scan_done(&r.scan);
    }
    listing_done(&l);
    return e;
}
