/* Reading a backup (see backup_file.h). */
#include "base/mem.h"
#include "store/embedded/backup_file.h"

#include <inttypes.h>
#include <limits.h>

struct backup_reader {
    struct file file;
    char path[PATH_MAX];
    int64_t at, size;
    struct backup_head head;
    uint64_t number, left; /* of the next frame; bytes that the file under way still needs */
    struct backup_end sums;
    char *payload; /* owned, BACKUP_PAYLOAD_MAX */
};

static enum err damaged(const struct backup_reader *r, const char *what, struct why *why)
{
    return why_say(why, ERR_CORRUPT, "%.150s, offset %" PRId64 ": %s", r->path, r->at, what);
}

/* Exactly so many bytes from `at` on. */
static enum err take(struct backup_reader *r, void *p, size_t n, int64_t at, struct why *why)
{
    enum err e = file_read_at(&r->file, p, n, at);
    if (e == ERR_END) return damaged(r, "the backup ends here; it is not whole", why);
    return e ? why_say(why, e, "%.150s: %s", r->path, err_sentence(e)) : ERR_OK;
}

static enum err read_head(struct backup_reader *r, struct why *why)
{
    uint8_t head[BACKUP_HEAD_BYTES];
    enum err e = take(r, head, sizeof head, 0, why);
    if (e) return e;
    e = backup_frame_decode_head(&r->head, head);
    if (e == ERR_VERSION)
        return why_say(why, e, "%.150s was written by a newer version of this program", r->path);
    if (e) return damaged(r, "this is no backup, or its head is damaged", why);
    r->at = sizeof head;
    return ERR_OK;
}

enum err backup_reader_open(struct backup_reader **ret, const struct fs *fs, const char *path,
                            struct why *why)
{
    if (strlen(path) >= PATH_MAX)
        return why_say(why, ERR_TOOLARGE, "the name of the backup is too long");
    struct backup_reader *r = mem_zalloc(sizeof *r);
    if (!r) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    memcpy(r->path, path, strlen(path) + 1);
    r->payload = mem_alloc(BACKUP_PAYLOAD_MAX);
    r->file = FILE_CLOSED;
    enum err e = r->payload ? file_open(&r->file, fs, path, FILE_READ) : ERR_NOMEM;
    if (!e) e = file_size(&r->file, &r->size);
    if (e)
        (void)why_say(why, e, "%.150s: %s", path, err_sentence(e));
    else
        e = read_head(r, why);
    if (e)
        backup_reader_close(r);
    else
        *ret = r;
    return e;
}

void backup_reader_close(struct backup_reader *r)
{
    if (!r) return;
    file_close(&r->file);
    mem_free(r->payload);
    mem_free(r);
}

int64_t backup_reader_taken_ns(const struct backup_reader *r)
{
    return r->head.taken_ns;
}

int64_t backup_reader_at(const struct backup_reader *r, int64_t *ret_size)
{
    *ret_size = r->size;
    return r->at;
}

/* One frame, checked; r->at stays at its beginning until it is understood. */
static enum err read_frame(struct backup_reader *r, struct backup_frame *ret, struct bytes *payload,
                           struct why *why)
{
    uint8_t head[BACKUP_FRAME_BYTES];
    enum err e = take(r, head, sizeof head, r->at, why);
    if (e) return e;
    if (backup_frame_decode(ret, head)) return damaged(r, "this is no frame of a backup", why);
    e = take(r, r->payload, ret->length, r->at + BACKUP_FRAME_BYTES, why);
    if (e) return e;
    *payload = bytes_of(r->payload, ret->length);
    if (!backup_frame_is_good(&r->head, head, *payload))
        return damaged(r, "the checksum does not fit", why);
    if (ret->number != r->number) return damaged(r, "a frame is missing or out of place", why);
    return ERR_OK;
}

static enum err begin_file(struct backup_reader *r, struct bytes payload, struct backup_item *ret,
                           struct why *why)
{
    if (r->left) return damaged(r, "a file is shorter than it should be", why);
    if (backup_frame_read_file(&ret->about, payload))
        return damaged(r, "this is no name of a file", why);
    ret->begins = true;
    r->left = ret->about.bytes;
    r->sums.files++;
    r->sums.bytes += ret->about.bytes;
    return ERR_OK;
}

static enum err end(struct backup_reader *r, struct bytes payload, int64_t next, struct why *why)
{
    struct backup_end said;
    if (r->left) return damaged(r, "a file is shorter than it should be", why);
    if (backup_frame_read_end(&said, payload) || said.files != r->sums.files ||
        said.bytes != r->sums.bytes)
        return damaged(r, "the sums at the end do not fit", why);
    if (next != r->size) return damaged(r, "something stands behind the end", why);
    r->at = next;
    return ERR_END;
}

enum err backup_reader_next(struct backup_reader *r, struct backup_item *ret, struct why *why)
{
    struct backup_frame frame;
    struct bytes payload;
    *ret = (struct backup_item){.begins = false};
    enum err e = read_frame(r, &frame, &payload, why);
    if (e) return e;
    int64_t next = r->at + BACKUP_FRAME_BYTES + (int64_t)payload.n;
    if (frame.kind == BACKUP_END) return end(r, payload, next, why);
    if (frame.kind == BACKUP_FILE) {
        e = begin_file(r, payload, ret, why);
    } else if (payload.n > r->left) {
        e = damaged(r, "a file is longer than it should be", why);
    } else {
        r->left -= payload.n;
        ret->bytes = payload;
    }
    if (e) return e;
    r->at = next;
    r->number++;
    return ERR_OK;
}
