/* The one file of a backup: whole and exact, or not there. tests/golden/backup-v1/ was written once
 * (--write FILE) and is kept for ever. */
#include "store/embedded/backup_file.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "fault_fs.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define GOLDEN "tests/golden/backup-v1/backup.svb"
#define TAKEN  INT64_C(1700000000123456789)

static const struct {
    const char *name, *bytes;
} files[] = {{"catalog.db", "some pages"},
             {"telemetry/s-0000000000000001.seg", ""},
             {"telemetry/MANIFEST", "a list"}};
enum { FILES = sizeof files / sizeof *files };

static enum err write_backup(const struct fs *fs, const char *path)
{
    struct backup_writer *w;
    struct backup_end sums;
    struct rnd rnd;
    struct why why;
    rnd_seed(&rnd, 1);
    enum err e = backup_writer_open(&w, fs, path, TAKEN, &rnd, &why);
    if (e) return e;
    for (size_t i = 0; i < FILES && !e; i++) {
        size_t n = strlen(files[i].bytes);
        e = backup_writer_begin(w, files[i].name, n);
        if (!e) e = backup_writer_add(w, bytes_of(files[i].bytes, n / 2)); /* in two pieces */
        if (!e) e = backup_writer_add(w, bytes_of(files[i].bytes + n / 2, n - n / 2));
    }
    if (!e) return backup_writer_finish(w, &sums, &why);
    backup_writer_abort(w);
    return e;
}

/* ERR_OK: all files were there, as they were put in. */
static enum err read_backup(const char *path, struct why *why)
{
    struct backup_reader *r;
    struct backup_item item;
    char got[FILES][32] = {{0}};
    size_t n = 0, at = 0;
    enum err e = backup_reader_open(&r, fs_real(), path, why);
    if (e) return e;
    assert_int_equal(backup_reader_taken_ns(r), TAKEN);
    while (!(e = backup_reader_next(r, &item, why))) {
        if (item.begins) {
            assert_string_equal(item.about.name, files[n].name);
            n++;
            at = 0;
            continue;
        }
        assert_memory_equal(item.bytes.p, files[n - 1].bytes + at, item.bytes.n);
        memcpy(got[n - 1] + at, item.bytes.p, item.bytes.n);
        at += item.bytes.n;
    }
    backup_reader_close(r);
    if (e != ERR_END) return e;
    assert_int_equal(n, FILES);
    for (size_t i = 0; i < FILES; i++) assert_string_equal(got[i], files[i].bytes);
    return ERR_OK;
}

static void what_is_put_in_comes_out(void **state)
{
    (void)state;
    struct temp_dir temp;
    struct why why;
    char path[96], part[104];
    temp_dir_make(&temp);
    snprintf(path, sizeof path, "%s/b", temp.path);
    snprintf(part, sizeof part, "%s.part", path);
    assert_int_equal(write_backup(fs_real(), path), ERR_OK);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(read_backup(path, &why), ERR_OK);
    assert_int_equal(write_backup(fs_real(), path), ERR_EXISTS);
    assert_int_equal(read_backup(path, &why), ERR_OK);
    temp_dir_remove(&temp);
}

static void the_first_backup_is_read(void **state)
{
    (void)state;
    struct why why;
    assert_int_equal(read_backup(GOLDEN, &why), ERR_OK);
}

static void put_file(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void no_flipped_bit_no_cut_and_nothing_behind_it_goes_unseen(void **state)
{
    (void)state;
    struct temp_dir temp;
    struct why why;
    char path[96], *bytes;
    size_t n;
    temp_dir_make(&temp);
    snprintf(path, sizeof path, "%s/b", temp.path);
    assert_int_equal(fs_read_file(fs_real(), GOLDEN, 1 << 16, &bytes, &n), ERR_OK);
    char *longer = mem_alloc(n + 1);
    assert_non_null(longer);
    memcpy(longer, bytes, n);
    longer[n] = 0;
    for (size_t bit = 0; bit < n * 8; bit++) {
        longer[bit / 8] ^= (char)(1 << bit % 8);
        put_file(path, longer, n);
        enum err e = read_backup(path, &why);
        if (e != ERR_CORRUPT) fail_msg("bit %zu of byte %zu: %s", bit % 8, bit / 8, err_name(e));
        longer[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < n; cut++) {
        put_file(path, longer, cut);
        assert_int_equal(read_backup(path, &why), ERR_CORRUPT);
    }
    put_file(path, longer, n + 1);
    assert_int_equal(read_backup(path, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "behind the end"));
    mem_free(longer);
    mem_free(bytes);
    temp_dir_remove(&temp);
}

/* Frames that are whole by themselves but not where they belong: two of one, or one of another. */
static void frames_out_of_place_are_seen(void **state)
{
    (void)state;
    struct temp_dir temp;
    struct why why;
    char path[96], *bytes, wrong[4096];
    size_t n, first = BACKUP_FRAME_BYTES + 8 + 10, head = BACKUP_HEAD_BYTES;
    temp_dir_make(&temp);
    snprintf(path, sizeof path, "%s/b", temp.path);
    assert_int_equal(fs_read_file(fs_real(), GOLDEN, sizeof wrong / 2, &bytes, &n), ERR_OK);
    memcpy(wrong, bytes, head + first); /* its first frame twice */
    memcpy(wrong + head + first, bytes + head, n - head);
    put_file(path, wrong, n + first);
    assert_int_equal(read_backup(path, &why), ERR_CORRUPT);
    memcpy(wrong + head, bytes + head + first, n - head - first); /* without it */
    put_file(path, wrong, n - first);
    assert_int_equal(read_backup(path, &why), ERR_CORRUPT);
    mem_free(bytes);
    temp_dir_remove(&temp);
}

static void a_newer_backup_is_refused_as_such(void **state)
{
    (void)state;
    const struct backup_head head = {7, TAKEN};
    struct backup_head got;
    uint8_t bytes[BACKUP_HEAD_BYTES];
    backup_frame_encode_head(bytes, &head);
    assert_int_equal(backup_frame_decode_head(&got, bytes), ERR_OK);
    bytes[8] = 2;
    assert_int_equal(backup_frame_decode_head(&got, bytes), ERR_CORRUPT);
    uint32_t crc = crc32c(0, bytes, 28);
    memcpy(bytes + 28, &crc, sizeof crc);
    assert_int_equal(backup_frame_decode_head(&got, bytes), ERR_VERSION);
}

static void a_disk_that_fails_leaves_no_backup(void **state)
{
    (void)state;
    struct temp_dir temp;
    struct fault_fs fault;
    struct why why;
    char path[96];
    int64_t n = 1;
    temp_dir_make(&temp);
    snprintf(path, sizeof path, "%s/b", temp.path);
    fault_fs_init(&fault, fs_real());
    atomic_store(&fault.skip_sync, true);
    for (;; n++) {
        fault_fs_arm(&fault, FAULT_ALL, n, FAULT_EIO, false);
        enum err e = write_backup(&fault.fs, path);
        bool fired = fault_fs_fired(&fault);
        fault_fs_arm(&fault, FAULT_ALL, 0, FAULT_EIO, false);
        if (!fired) break;
        /* The last sync is of the directory: then the name is there, and what has it is whole. */
        bool there = access(path, F_OK) == 0;
        assert_true(e || there);
        if (there) assert_int_equal(read_backup(path, &why), ERR_OK);
        (void)unlink(path);
    }
    assert_true(n > 15);
    temp_dir_remove(&temp);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_in_comes_out),
        cmocka_unit_test(the_first_backup_is_read),
        cmocka_unit_test(no_flipped_bit_no_cut_and_nothing_behind_it_goes_unseen),
        cmocka_unit_test(frames_out_of_place_are_seen),
        cmocka_unit_test(a_newer_backup_is_refused_as_such),
        cmocka_unit_test(a_disk_that_fails_leaves_no_backup),
    };
    if (argc == 3 && bytes_is(bytes_str(argv[1]), "--write"))
        return (int)write_backup(fs_real(), argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
