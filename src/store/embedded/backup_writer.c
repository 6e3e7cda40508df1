/* Writing a backup (see backup_file.h). */
#include "store/embedded/backup_file.h"

#include "base/mem.h"

#include <limits.h>
#include <stdio.h>

struct backup_writer {
    const struct fs *fs;
    struct file file;
    struct backup_head head;
    char path[PATH_MAX], part[PATH_MAX];
    uint64_t number, left; /* of the next frame; bytes that the file under way still needs */
    struct backup_end sums;
    int64_t at;
};

/* The directory that the name is in: "." for a bare one. */
static void directory_of(const char *path, char ret[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (slash == path) n = 1;
    memcpy(ret, path, n);
    ret[n] = 0;
    if (!slash) memcpy(ret, ".", 2);
}

enum err backup_writer_look(const struct fs *fs, const char *path, struct why *why)
{
    struct file f = FILE_CLOSED;
    enum err e = file_open(&f, fs, path, FILE_READ);
    file_close(&f);
    if (e == ERR_NOTFOUND) return ERR_OK;
    return e ? why_say(why, e, "%.200s: %s", path, err_sentence(e))
             : why_say(why, ERR_EXISTS, "%.200s exists already, and is not overwritten", path);
}

static enum err begin(struct backup_writer *w, struct why *why)
{
    uint8_t head[BACKUP_HEAD_BYTES];
    enum err e = backup_writer_look(w->fs, w->path, why);
    if (e) return e;
    e = file_open(&w->file, w->fs, w->part, FILE_CREATE);
    /* Two commands with one name: the lock tells the second, and a leftover from a leftover. */
    if (!e) e = file_lock(&w->file);
    if (e == ERR_LOCKED) return why_say(why, e, "another command is writing %.200s", w->part);
    if (!e) e = file_truncate(&w->file, 0);
    backup_frame_encode_head(head, &w->head);
    if (!e) e = file_write_at(&w->file, head, sizeof head, 0);
    w->at = sizeof head;
    return e ? why_say(why, e, "%.200s: %s", w->part, err_sentence(e)) : ERR_OK;
}

enum err backup_writer_open(struct backup_writer **ret, const struct fs *fs, const char *path,
                            int64_t taken_ns, struct rnd *rnd, struct why *why)
{
    if (strlen(path) > PATH_MAX - 8)
        return why_say(why, ERR_TOOLARGE, "the name of the backup is too long");
    struct backup_writer *w = mem_zalloc(sizeof *w);
    if (!w) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    w->fs = fs;
    w->file = FILE_CLOSED;
    w->head = (struct backup_head){(uint32_t)rnd_u64(rnd), taken_ns};
    memcpy(w->path, path, strlen(path) + 1);
    snprintf(w->part, sizeof w->part, "%.*s.part", PATH_MAX - 8, path);
    enum err e = begin(w, why);
    if (e == ERR_LOCKED || e == ERR_EXISTS) { /* not ours to remove */
        file_close(&w->file);
        mem_free(w);
    } else if (e) {
        backup_writer_abort(w);
    } else {
        *ret = w;
    }
    return e;
}

static enum err put(struct backup_writer *w, enum backup_frame_kind kind, struct bytes payload)
{
    uint8_t head[BACKUP_FRAME_BYTES];
    backup_frame_encode(head, &w->head, w->number++, kind, payload);
    enum err e = file_write_at(&w->file, head, sizeof head, w->at);
    if (!e) e = file_write_at(&w->file, payload.p, payload.n, w->at + BACKUP_FRAME_BYTES);
    w->at += BACKUP_FRAME_BYTES + (int64_t)payload.n;
    return e;
}

enum err backup_writer_begin(struct backup_writer *w, const char *name, uint64_t bytes)
{
    uint8_t payload[8 + BACKUP_NAME_MAX];
    struct backup_file_about about = {.bytes = bytes};
    bug_if(w->left || strlen(name) > BACKUP_NAME_MAX);
    memcpy(about.name, name, strlen(name) + 1);
    w->left = bytes;
    w->sums.files++;
    w->sums.bytes += bytes;
    return put(w, BACKUP_FILE, bytes_of(payload, backup_frame_file(payload, &about)));
}

enum err backup_writer_add(struct backup_writer *w, struct bytes bytes)
{
    enum err e = ERR_OK;
    bug_if(bytes.n > w->left);
    w->left -= bytes.n;
    while (bytes.n && !e) {
        size_t n = bytes.n < BACKUP_PAYLOAD_MAX ? bytes.n : BACKUP_PAYLOAD_MAX;
        e = put(w, BACKUP_BYTES, bytes_of(bytes.p, n));
        bytes = bytes_of(bytes.p + n, bytes.n - n);
    }
    return e;
}

/* The name comes last, and never takes another file's place. */
static enum err give_name(struct backup_writer *w, struct why *why)
{
    char dir[PATH_MAX];
    directory_of(w->path, dir);
    enum err e = backup_writer_look(w->fs, w->path, why);
    if (e) return e;
    e = fs_rename(w->fs, w->part, w->path);
    if (!e) e = fs_sync_dir(w->fs, dir);
    return e ? why_say(why, e, "%.200s: %s", w->path, err_sentence(e)) : ERR_OK;
}

enum err backup_writer_finish(struct backup_writer *w, struct backup_end *ret, struct why *why)
{
    uint8_t payload[16];
    bug_if(w->left);
    enum err e = put(w, BACKUP_END, bytes_of(payload, backup_frame_end(payload, &w->sums)));
    if (!e) e = file_sync(&w->file);
    if (e)
        (void)why_say(why, e, "%.200s: %s", w->part, err_sentence(e));
    else
        e = give_name(w, why);
    *ret = w->sums;
    if (e) {
        backup_writer_abort(w);
        return e;
    }
    file_close(&w->file);
    mem_free(w);
    return ERR_OK;
}

void backup_writer_abort(struct backup_writer *w)
{
    if (!w) return;
    /* One that stays has no end, and the next command writes over it. */
    if (w->file.fd >= 0) (void)!fs_unlink(w->fs, w->part);
    file_close(&w->file);
    mem_free(w);
}
