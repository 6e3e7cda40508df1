/* Out of a snapshot into one file (see backup_copy.h). */
#include "app/backup_copy.h"

#include "app/backup_snapshot.h"
#include "base/mem.h"
#include "store/catalog.h"
#include "store/embedded/manifest.h"
#include "store/embedded/segment.h"

#include <limits.h>
#include <stdio.h>

struct out {
    struct backup_writer *to;
    struct cli_progress progress;
    const char *dir;
    uint64_t done; /* bytes */
    char *chunk;   /* owned, BACKUP_PAYLOAD_MAX */
    struct why *why;
};

static enum err add_bytes(struct out *o, const struct file *f, uint64_t size)
{
    enum err e = ERR_OK;
    for (uint64_t at = 0, n; at < size && !e; at += n) {
        n = size - at < BACKUP_PAYLOAD_MAX ? size - at : BACKUP_PAYLOAD_MAX;
        e = file_read_at(f, o->chunk, n, (int64_t)at);
        if (!e) e = backup_writer_add(o->to, bytes_of(o->chunk, n));
        o->done += n;
        cli_progress_show(&o->progress, o->done >> 20);
    }
    return e;
}

/* One file of the snapshot under its name in the backup. */
static enum err add_file(struct out *o, const char *from, const char *name)
{
    char path[PATH_MAX];
    struct file f = FILE_CLOSED;
    int64_t size = 0;
    snprintf(path, sizeof path, "%.*s/%s", PATH_MAX - 128, o->dir, from);
    enum err e = file_open(&f, fs_real(), path, FILE_READ);
    if (!e) e = file_size(&f, &size);
    if (!e) e = backup_writer_begin(o->to, name, (uint64_t)size);
    if (!e) e = add_bytes(o, &f, (uint64_t)size);
    file_close(&f);
    if (e == ERR_NOTFOUND)
        return why_say(o->why, e, "%.150s is gone: the server has ended meanwhile; run it again",
                       path);
    return e ? why_say(o->why, e, "copying %.150s: %s", path, err_sentence(e)) : ERR_OK;
}

/* Checked first, which also brings it into memory. */
static enum err add_segment(struct out *o, const struct segment_info *info)
{
    char telemetry[PATH_MAX], name[SEGMENT_NAME_BYTES], path[SEGMENT_NAME_BYTES + 16];
    snprintf(telemetry, sizeof telemetry, "%.*s/telemetry", PATH_MAX - 128, o->dir);
    segment_name(name, info->id);
    snprintf(path, sizeof path, "telemetry/%s", name);
    enum err e = segment_verify(fs_real(), telemetry, info->id, info, o->why);
    return e ? e : add_file(o, path, path);
}

static enum err add_all(struct out *o, const struct manifest *m)
{
    enum err e = add_file(o, BACKUP_DIR "/" CATALOG_FILE, CATALOG_FILE);
    for (size_t i = 0; i < m->file_count && !e; i++) e = add_segment(o, &m->files[i]);
    return e ? e : add_file(o, BACKUP_DIR "/" MANIFEST_NAME, "telemetry/" MANIFEST_NAME);
}

enum err backup_copy_out(struct cli *cli, const char *dir, const char *file, int64_t taken_ns,
                         struct backup_end *ret, struct why *why)
{
    char snapshot[PATH_MAX];
    struct manifest m;
    struct out o = {.dir = dir, .why = why};
    uint64_t total = 0;
    snprintf(snapshot, sizeof snapshot, "%.*s/" BACKUP_DIR, PATH_MAX - 128, dir);
    enum err e = manifest_load(&m, fs_real(), snapshot, why);
    if (e) return e;
    for (size_t i = 0; i < m.file_count; i++) total += m.files[i].bytes;
    e = backup_writer_open(&o.to, fs_real(), file, taken_ns, rnd_system(), why);
    if (e) goto done;
    cli_progress_start(&o.progress, cli, "MiB", total >> 20);
    o.chunk = mem_alloc(BACKUP_PAYLOAD_MAX);
    e = o.chunk ? add_all(&o, &m) : why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    if (e)
        backup_writer_abort(o.to);
    else
        e = backup_writer_finish(o.to, ret, why);
    cli_progress_end(&o.progress);
done:
    mem_free(o.chunk);
    manifest_done(&m);
    return e;
}
