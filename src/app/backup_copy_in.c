/* Out of a backup into a directory, or only past the checks (see backup_copy.h). */
#include "app/backup_copy.h"

#include "base/mem.h"
#include "store/catalog.h"
#include "store/embedded/manifest.h"
#include "store/embedded/segment.h"

#include <limits.h>
#include <stdio.h>

struct in {
    const char *dir; /* NULL: only looks */
    struct file file;
    char name[BACKUP_NAME_MAX + 1]; /* of the file under way */
    int64_t at;
    struct backup_end sums;
    struct why *why;
};

/* What a backup consists of; any other name is damage, or somebody's attempt to write elsewhere. */
static bool is_ours(const char *name)
{
    static const char below[] = "telemetry/";
    uint64_t id;
    if (strcmp(name, CATALOG_FILE) == 0) return true;
    if (strncmp(name, below, sizeof below - 1) != 0) return false;
    name += sizeof below - 1;
    if (strcmp(name, MANIFEST_NAME) == 0) return true;
    return segment_name_parse(name, &id) && !segment_name_is_temporary(name);
}

static enum err refuse(const struct in *in, enum err e, const char *what)
{
    return why_say(in->why, e, "%s %.64s in %.120s: %s", what, in->name, in->dir, err_sentence(e));
}

/* The file before is whole: on the disk with it. */
static enum err settle(struct in *in)
{
    enum err e = in->file.fd >= 0 ? file_sync(&in->file) : ERR_OK;
    file_close(&in->file);
    return e ? refuse(in, e, "writing") : ERR_OK;
}

static enum err begin(struct in *in, const struct backup_file_about *about)
{
    char path[PATH_MAX];
    enum err e = settle(in);
    if (e) return e;
    memcpy(in->name, about->name, sizeof in->name);
    in->at = 0;
    in->sums.files++;
    in->sums.bytes += about->bytes;
    if (!is_ours(about->name))
        return why_say(in->why, ERR_CORRUPT, "the backup holds a file '%.64s' that is none of its",
                       about->name);
    if (!in->dir) return ERR_OK;
    snprintf(path, sizeof path, "%.*s/%s", PATH_MAX - 128, in->dir, about->name);
    e = file_open(&in->file, fs_real(), path, FILE_CREATE_NEW);
    return e ? refuse(in, e, "making") : ERR_OK;
}

static enum err put(struct in *in, struct bytes bytes)
{
    if (!in->dir) return ERR_OK;
    enum err e = file_write_at(&in->file, bytes.p, bytes.n, in->at);
    in->at += (int64_t)bytes.n;
    return e ? refuse(in, e, "writing") : ERR_OK;
}

static enum err sync_names(const struct in *in)
{
    char telemetry[PATH_MAX];
    if (!in->dir) return ERR_OK;
    snprintf(telemetry, sizeof telemetry, "%.*s/telemetry", PATH_MAX - 128, in->dir);
    enum err e = fs_sync_dir(fs_real(), telemetry);
    if (!e) e = fs_sync_dir(fs_real(), in->dir);
    return e ? why_say(in->why, e, "%.150s: %s", in->dir, err_sentence(e)) : ERR_OK;
}

static enum err read_all(struct in *in, struct backup_reader *from, struct cli_progress *progress)
{
    struct backup_item item;
    enum err e = ERR_OK;
    int64_t size;
    while (!e) {
        e = backup_reader_next(from, &item, in->why);
        if (e) break;
        e = item.begins ? begin(in, &item.about) : put(in, item.bytes);
        cli_progress_show(progress, (uint64_t)backup_reader_at(from, &size) >> 20);
    }
    if (e == ERR_END) e = settle(in);
    return e ? e : sync_names(in);
}

enum err backup_copy_in(struct cli *cli, const char *file, const char *dir, struct backup_end *ret,
                        int64_t *ret_taken_ns, struct why *why)
{
    struct in in = {.dir = dir, .file = FILE_CLOSED, .why = why};
    struct backup_reader *from;
    struct cli_progress progress;
    int64_t size;
    enum err e = backup_reader_open(&from, fs_real(), file, why);
    if (e) return e;
    *ret_taken_ns = backup_reader_taken_ns(from);
    (void)backup_reader_at(from, &size);
    cli_progress_start(&progress, cli, "MiB", (uint64_t)size >> 20);
    e = read_all(&in, from, &progress);
    cli_progress_end(&progress);
    file_close(&in.file);
    backup_reader_close(from);
    *ret = in.sums;
    return e;
}
