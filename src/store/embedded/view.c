/* Views and how they follow each other (see view.h). */
#include "store/embedded/view.h"

#include "base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum segment_kind view_file_kind(const struct view_file *f)
{
    return segment_about(f->segment)->kind;
}

static void remove_by_name(const struct view_set *s, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", s->dir, name);
    /* A file that stays is a leftover: the next open tries again. */
    if (n > 0 && n < PATH_MAX) (void)!fs_unlink(s->fs, path);
}

static void file_free(const struct view_set *s, struct view_file *f)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, f->id);
    segment_close(f->segment);
    if (f->doomed) remove_by_name(s, name);
    mem_free(f);
}

enum err view_open_file(struct view_set *s, const struct segment_info *info, struct view_file **ret)
{
    struct view_file *f = mem_zalloc(sizeof *f);
    if (!f) return ERR_NOMEM;
    f->id = info->id;
    enum err e = segment_open(&f->segment, s->fs, s->dir, info->id, info, NULL);
    if (e) {
        f->doomed = true;
        file_free(s, f);
        return e;
    }
    *ret = f;
    return ERR_OK;
}

struct view *view_now(struct view_set *s)
{
    lock_take(&s->lock);
    struct view *v = s->now;
    v->refs++;
    lock_release(&s->lock);
    return v;
}

uint64_t view_take_file_id(struct view_set *s)
{
    lock_take(&s->lock);
    uint64_t id = s->next_file_id++;
    lock_release(&s->lock);
    return id;
}

/* Frees the view and the files that nobody has any more; files and disk are touched without the
 * lock. Called with the last reference gone. */
static void view_free(struct view_set *s, struct view *v)
{
    for (size_t i = 0; i < v->manifest.file_count; i++) {
        struct view_file *f = v->files[i];
        lock_take(&s->lock);
        bool last = f && --f->refs == 0;
        lock_release(&s->lock);
        if (last) file_free(s, f);
    }
    mem_free(v->files);
    manifest_done(&v->manifest);
    mem_free(v);
}

void view_unref(struct view_set *s, struct view *v)
{
    if (!v) return;
    lock_take(&s->lock);
    bool last = --v->refs == 0;
    lock_release(&s->lock);
    if (last) view_free(s, v);
}

struct manifest_cutoff view_cutoff(const struct view *v, int64_t org)
{
    for (size_t i = 0; i < v->manifest.cutoff_count; i++)
        if (v->manifest.cutoffs[i].org == org) return v->manifest.cutoffs[i];
    return (struct manifest_cutoff){org, INT64_MIN, INT64_MIN};
}

int64_t view_rollup_floor(const struct manifest_cutoff *cutoff)
{
    return cutoff->rollup_cutoff_ns < cutoff->raw_cutoff_ns ? cutoff->rollup_cutoff_ns
                                                            : cutoff->raw_cutoff_ns;
}

bool view_is_purged(const struct view *v, int64_t org, int64_t device, uint64_t file_id)
{
    for (size_t i = 0; i < v->manifest.purge_count; i++) {
        const struct manifest_purge *p = &v->manifest.purges[i];
        if (p->org == org && p->device == device && file_id < p->before_file) return true;
    }
    return false;
}

bool view_is_dead(const struct view *v, const struct view_file *f, const struct segment_block *b)
{
    struct manifest_cutoff cutoff = view_cutoff(v, b->org);
    bool raw = view_file_kind(f) == SEGMENT_RAW;
    if (b->max_ns < (raw ? cutoff.raw_cutoff_ns : view_rollup_floor(&cutoff))) return true;
    return view_is_purged(v, b->org, b->device, f->id);
}

static int by_offset(const void *a, const void *b)
{
    const struct segment_block *x = *(const struct segment_block *const *)a;
    const struct segment_block *y = *(const struct segment_block *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

enum err view_device_blocks(const struct view_file *f, int64_t org, int64_t device,
                            const struct segment_block ***ret, size_t *ret_n)
{
    size_t n = 0;
    const struct segment_block *b = segment_find(f->segment, org, device, &n);
    *ret = NULL;
    *ret_n = 0;
    if (!n) return ERR_OK;
    const struct segment_block **blocks = mem_array(n, sizeof *blocks);
    if (!blocks) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) blocks[i] = b + i;
    qsort(blocks, n, sizeof *blocks, by_offset);
    *ret = blocks;
    *ret_n = n;
    return ERR_OK;
}

/* --- the next view --- */

static bool is_removed(const struct view_change *c, const struct view_file *f)
{
    for (size_t i = 0; i < c->removed_count; i++)
        if (c->removed[i] == f) return true;
    return false;
}

static void put_file(struct view *next, struct view_file *f)
{
    next->manifest.files[next->manifest.file_count] = *segment_about(f->segment);
    next->files[next->manifest.file_count++] = f;
}

/* Fills in the files of the next view in age order. */
static void place_files(struct view *next, const struct view *now, const struct view_change *c)
{
    bool placed[2] = {!c->added[0], !c->added[1]};
    next->manifest.file_count = 0;
    for (size_t i = 0; i < now->manifest.file_count; i++) {
        struct view_file *f = now->files[i];
        if (!is_removed(c, f)) {
            put_file(next, f);
            continue;
        }
        for (int k = 0; k < 2; k++)
            if (!placed[k] && view_file_kind(c->added[k]) == view_file_kind(f)) {
                put_file(next, c->added[k]);
                placed[k] = true;
            }
    }
    for (int k = 0; k < 2; k++)
        if (!placed[k]) put_file(next, c->added[k]);
}

/* A purge is forgotten when no block and no log record that it hides can be there any more. */
static bool purge_is_done(const struct view *v, const struct manifest_purge *p)
{
    if (v->manifest.replay_lsn < p->before_lsn) return false;
    for (size_t i = 0; i < v->manifest.file_count; i++) {
        size_t n = 0;
        if (v->files[i]->id >= p->before_file) continue;
        segment_find(v->files[i]->segment, p->org, p->device, &n);
        if (n) return false;
    }
    return true;
}

static void drop_done_purges(struct view *v)
{
    size_t kept = 0;
    for (size_t i = 0; i < v->manifest.purge_count; i++)
        if (!purge_is_done(v, &v->manifest.purges[i]))
            v->manifest.purges[kept++] = v->manifest.purges[i];
    v->manifest.purge_count = kept;
}

static enum err view_build(struct view_set *s, const struct view_change *c, struct view **ret)
{
    const struct view *now = s->now;
    size_t room = now->manifest.file_count + 2;
    struct view *next = mem_zalloc(sizeof *next);
    if (!next) return ERR_NOMEM;
    next->refs = 1;
    enum err e = manifest_copy(&next->manifest, &now->manifest);
    if (e) goto fail;
    e = ERR_NOMEM;
    struct segment_info *infos = mem_realloc(next->manifest.files, room * sizeof *infos);
    if (!infos) goto fail;
    next->manifest.files = infos;
    next->files = mem_array(room, sizeof *next->files);
    if (!next->files) goto fail;
    place_files(next, now, c);
    lock_take(&s->lock);
    next->manifest.next_file_id = s->next_file_id;
    lock_release(&s->lock);
    if (c->replay_lsn) next->manifest.replay_lsn = c->replay_lsn;
    e = c->edit ? c->edit(&next->manifest, c->ctx) : ERR_OK;
    if (e) goto fail;
    drop_done_purges(next);
    *ret = next;
    return ERR_OK;
fail:
    mem_free(next->files);
    manifest_done(&next->manifest);
    mem_free(next);
    return e;
}

/* The new manifest could not be made durable: may the files it lists be deleted? Only when the name
 * still leads to a manifest that does not list them; else they stay for the next open to judge. */
static bool is_listed(const struct view_set *s, uint64_t id)
{
    struct manifest on_disk;
    if (manifest_load(&on_disk, s->fs, s->dir, NULL)) return true;
    bool listed = false;
    for (size_t i = 0; i < on_disk.file_count; i++)
        if (on_disk.files[i].id == id) listed = true;
    manifest_done(&on_disk);
    return listed;
}

void view_drop_added(struct view_set *s, const struct view_change *c)
{
    for (int k = 0; k < 2; k++) {
        if (!c->added[k]) continue;
        c->added[k]->doomed = !is_listed(s, c->added[k]->id);
        file_free(s, c->added[k]);
    }
}

enum err view_commit(struct view_set *s, const struct view_change *c)
{
    struct view *next = NULL;
    enum err e = view_build(s, c, &next);
    if (!e) e = manifest_store(&next->manifest, s->fs, s->dir);
    if (e) {
        view_drop_added(s, c);
        if (next) {
            mem_free(next->files);
            manifest_done(&next->manifest);
            mem_free(next);
        }
        return e;
    }
    lock_take(&s->lock);
    struct view *before = s->now;
    for (size_t i = 0; i < next->manifest.file_count; i++) next->files[i]->refs++;
    for (size_t i = 0; i < c->removed_count; i++) c->removed[i]->doomed = true;
    s->now = next;
    lock_release(&s->lock);
    view_unref(s, before);
    return ERR_OK;
}

/* --- at start --- */

/* Names that a directory holds beside what the manifest lists. */
struct listing {
    const struct view *view;           /* NULL: only look whether there is anything of ours */
    char (*names)[SEGMENT_NAME_BYTES]; /* owned */
    size_t count;
    bool any;
    enum err err;
};

static bool lists(const struct view *v, uint64_t id)
{
    for (size_t i = 0; i < v->manifest.file_count; i++)
        if (v->manifest.files[i].id == id) return true;
    return false;
}

static void visit(void *ctx, const char *name)
{
    struct listing *l = ctx;
    uint64_t id;
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, ".wal") == 0) l->any = true;
    if (l->err || !segment_name_parse(name, &id)) return;
    l->any = true;
    if (!l->view || (lists(l->view, id) && !segment_name_is_temporary(name))) return;
    char(*grown)[SEGMENT_NAME_BYTES] = mem_realloc(l->names, (l->count + 1) * sizeof *grown);
    if (!grown) {
        l->err = ERR_NOMEM;
        return;
    }
    l->names = grown;
    memcpy(l->names[l->count++], name, n + 1);
}

static enum err remove_leftovers(const struct view_set *s)
{
    struct listing l = {.view = s->now};
    enum err e = fs_list(s->fs, s->dir, visit, &l);
    if (!e) e = l.err;
    for (size_t i = 0; i < l.count && !e; i++) remove_by_name(s, l.names[i]);
    mem_free(l.names);
    return e;
}

/* A directory without a manifest is a new store, unless files of ours are there. */
static enum err first_manifest(const struct view_set *s, struct manifest *m, struct why *why)
{
    struct listing l = {0};
    enum err e = fs_list(s->fs, s->dir, visit, &l);
    if (e) return why_say(why, e, "%s can not be listed: %s", s->dir, err_sentence(e));
    if (l.any)
        return why_say(why, ERR_CORRUPT, "%s/%s is missing, but the files it lists are there",
                       s->dir, MANIFEST_NAME);
    *m = (struct manifest){.next_file_id = 1, .replay_lsn = 1};
    e = manifest_store(m, s->fs, s->dir);
    if (e) why_say(why, e, "%s/%s can not be written: %s", s->dir, MANIFEST_NAME, err_sentence(e));
    return e;
}

static enum err open_files(struct view_set *s, struct view *v, struct why *why)
{
    const struct manifest *m = &v->manifest;
    v->files = mem_array(m->file_count, sizeof *v->files);
    if (!v->files) return ERR_NOMEM;
    for (size_t i = 0; i < m->file_count; i++) {
        struct view_file *f = mem_zalloc(sizeof *f);
        if (!f) return ERR_NOMEM;
        *f = (struct view_file){.id = m->files[i].id, .refs = 1};
        v->files[i] = f;
        enum err e = segment_open(&f->segment, s->fs, s->dir, f->id, &m->files[i], why);
        if (e == ERR_NOTFOUND) e = ERR_CORRUPT; /* the manifest says it is there */
        if (e) return e;
    }
    return ERR_OK;
}

enum err view_set_open(struct view_set *s, const struct fs *fs, const char *dir, bool only_look,
                       struct why *why)
{
    *s = (struct view_set){.fs = fs, .dir = dir};
    lock_init(&s->lock, LOCK_RANK_STORE);
    struct view *v = mem_zalloc(sizeof *v);
    if (!v) {
        view_set_close(s);
        return why_say(why, ERR_NOMEM, "no memory to open %s", dir);
    }
    v->refs = 1;
    s->now = v;
    enum err e = manifest_load(&v->manifest, fs, dir, why);
    if (e == ERR_NOTFOUND && !only_look) e = first_manifest(s, &v->manifest, why);
    if (!e) e = open_files(s, v, why);
    if (!e && !only_look) e = remove_leftovers(s);
    s->next_file_id = v->manifest.next_file_id;
    if (e) view_set_close(s);
    return e;
}

void view_set_close(struct view_set *s)
{
    if (!s->fs) return;
    if (s->now) {
        if (!s->now->files) s->now->manifest.file_count = 0;
        view_free(s, s->now);
    }
    lock_done(&s->lock);
    *s = (struct view_set){0};
}
