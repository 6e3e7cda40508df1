/* Segment files: written whole or not at all, and every damaged byte is seen and named. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/block.h"
#include "codec/block_rollup.h"
#include "codec/column_bits.h"
#include "fault_fs.h"
#include "store/embedded/segment.h"
#include "temp_dir.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 30

static struct temp_dir temp;
#define dir temp.path

static void path_of(char *ret, uint64_t id)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(name, id);
    snprintf(ret, 128, "%s/%s", dir, name);
}

static enum err add_raw(struct segment_writer *w, struct block_encoder *e, int64_t org,
                        int64_t device)
{
    int64_t ts[ROWS];
    double values[ROWS];
    struct buf out;
    for (int i = 0; i < ROWS; i++) {
        ts[i] = device * 1000 + i * 10;
        values[i] = (double)(device * i % 97) / 10;
    }
    struct block_input in = {org * 1000 + device, ts, values, ROWS};
    struct segment_block about = {org, device, ts[0], ts[ROWS - 1], ROWS, 0, 0};
    buf_init(&out, 1 << 20);
    enum err err = block_encode(e, &out, org, device, &in, 1);
    if (!err) err = segment_writer_add(w, &about, buf_bytes(&out));
    buf_done(&out);
    return err;
}

static enum err add_rollup(struct segment_writer *w, struct block_encoder *e, int64_t org,
                           int64_t device)
{
    struct block_rollup_row rows[2] = {{device, {0, 3, 6, 1, 3, 1, 3, 2, 10, 20}},
                                       {device, {3600, 1, 1.5, 1.5, 1.5, 1.5, 1.5, 0, 3601, 3601}}};
    struct segment_block about = {org, device, 0, 3600, 2, 0, 0};
    struct buf out;
    buf_init(&out, 1 << 20);
    enum err err = block_rollup_encode(e, &out, org, device, rows, 2);
    if (!err) err = segment_writer_add(w, &about, buf_bytes(&out));
    buf_done(&out);
    return err;
}

/* `devices` of organisations 1 and 2, in an order that the index must undo. */
static enum err write_file(const struct fs *fs, uint64_t id, enum segment_kind kind, int devices,
                           struct segment_info *ret)
{
    struct segment_writer *w;
    struct block_encoder *e;
    enum err err = block_encoder_new(&e);
    if (err) return err;
    err = segment_writer_open(&w, fs, dir, id, kind);
    if (err) {
        block_encoder_free(e);
        return err;
    }
    for (int device = devices; device > 0 && !err; device--)
        for (int64_t org = 1; org <= 2 && !err; org++)
            err = kind == SEGMENT_RAW ? add_raw(w, e, org, device) : add_rollup(w, e, org, device);
    block_encoder_free(e);
    if (!err) return segment_writer_finish(w, ret);
    segment_writer_abort(w);
    return err;
}

static void blocks_come_back_in_the_order_of_the_index(void **state)
{
    (void)state;
    struct segment_info info;
    struct segment *s;
    struct why why;
    size_t n;
    char bytes[4096];
    struct sample samples[ROWS];
    assert_int_equal(write_file(fs_real(), 1, SEGMENT_RAW, 20, &info), ERR_OK);
    assert_int_equal(segment_open(&s, fs_real(), dir, 1, &info, &why), ERR_OK);
    assert_int_equal(segment_about(s)->bytes, info.bytes);
    const struct segment_block *blocks = segment_blocks(s, &n);
    assert_int_equal(n, 40);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(blocks[i].org, 1 + i / 20);
        assert_int_equal(blocks[i].device, 1 + i % 20);
    }
    const struct segment_block *found = segment_find(s, 2, 7, &n);
    assert_int_equal(n, 1);
    assert_ptr_equal(found, blocks + 26);
    assert_int_equal(segment_read(s, found, bytes), ERR_OK);
    struct block b;
    assert_int_equal(block_open(&b, bytes_of(bytes, found->length)), ERR_OK);
    assert_int_equal(block_read_samples(&b, block_find(&b, 2007), samples), ERR_OK);
    assert_int_equal(samples[3].ts_ns, 7030);
    assert_true(samples[3].value == 2.1);
    block_close(&b);
    segment_find(s, 3, 1, &n);
    assert_int_equal(n, 0);
    segment_find(s, 1, 21, &n);
    assert_int_equal(n, 0);
    segment_close(s);
    assert_int_equal(segment_verify(fs_real(), dir, 1, &info, &why), ERR_OK);
}

static void an_empty_file_is_a_file(void **state)
{
    (void)state;
    struct segment_info info;
    struct why why;
    assert_int_equal(write_file(fs_real(), 5, SEGMENT_ROLLUP, 0, &info), ERR_OK);
    assert_int_equal(info.bytes, 72);
    assert_int_equal(segment_verify(fs_real(), dir, 5, &info, &why), ERR_OK);
}

static char *read_file(uint64_t id, size_t *ret_n)
{
    char path[128], *p;
    path_of(path, id);
    assert_int_equal(fs_read_file(fs_real(), path, 1 << 20, &p, ret_n), ERR_OK);
    return p;
}

static void write_bytes(uint64_t id, const char *p, size_t n)
{
    char path[128];
    struct file f;
    path_of(path, id);
    assert_int_equal(file_open(&f, fs_real(), path, FILE_CREATE), ERR_OK);
    assert_int_equal(file_truncate(&f, 0), ERR_OK);
    assert_int_equal(file_write_at(&f, p, n, 0), ERR_OK);
    file_close(&f);
}

static bool inside_a_block(const struct segment_block *blocks, size_t n, size_t at)
{
    for (size_t i = 0; i < n; i++)
        if (at >= blocks[i].offset && at < blocks[i].offset + blocks[i].length) return true;
    return false;
}

/* The offset that `why` names is that of the part with the flipped byte. */
static void check_offset(const struct why *why, const struct segment_block *blocks, size_t n,
                         size_t at)
{
    const char *p = strstr(why->text, "offset ");
    assert_non_null(p);
    uint64_t named = strtoull(p + 7, NULL, 10);
    for (size_t i = 0; i < n; i++) {
        if (at < blocks[i].offset || at >= blocks[i].offset + blocks[i].length) continue;
        assert_int_equal(named, blocks[i].offset);
        return;
    }
    assert_true(named <= at);
}

static void flip_every_bit(uint64_t id, enum segment_kind kind)
{
    struct segment_info info;
    struct segment *s;
    struct why why;
    size_t bytes, n;
    assert_int_equal(write_file(fs_real(), id, kind, 2, &info), ERR_OK);
    assert_int_equal(segment_open(&s, fs_real(), dir, id, &info, &why), ERR_OK);
    const struct segment_block *blocks = segment_blocks(s, &n);
    char *p = read_file(id, &bytes), path[128];
    struct file f;
    path_of(path, id);
    assert_int_equal(file_open(&f, fs_real(), path, FILE_READ_WRITE), ERR_OK);
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        char flipped = (char)(p[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(file_write_at(&f, &flipped, 1, (int64_t)(bit / 8)), ERR_OK);
        assert_int_equal(segment_verify(fs_real(), dir, id, NULL, &why), ERR_CORRUPT);
        check_offset(&why, blocks, n, bit / 8);
        if (!inside_a_block(blocks, n, bit / 8)) {
            struct segment *damaged;
            assert_int_equal(segment_open(&damaged, fs_real(), dir, id, NULL, &why), ERR_CORRUPT);
        }
        assert_int_equal(file_write_at(&f, p + bit / 8, 1, (int64_t)(bit / 8)), ERR_OK);
    }
    file_close(&f);
    segment_close(s);
    assert_int_equal(segment_verify(fs_real(), dir, id, NULL, &why), ERR_OK);
    mem_free(p);
}

static void every_flipped_bit_is_found_and_its_place_named(void **state)
{
    (void)state;
    flip_every_bit(10, SEGMENT_RAW);
    flip_every_bit(11, SEGMENT_ROLLUP);
}

static void every_cut_and_every_tail_is_refused(void **state)
{
    (void)state;
    struct segment_info info;
    struct segment *s;
    struct why why;
    size_t bytes;
    assert_int_equal(write_file(fs_real(), 12, SEGMENT_RAW, 3, &info), ERR_OK);
    char *p = read_file(12, &bytes);
    for (size_t n = 0; n < bytes; n++) {
        write_bytes(12, p, n);
        assert_int_equal(segment_open(&s, fs_real(), dir, 12, NULL, &why), ERR_CORRUPT);
    }
    write_bytes(12, p, bytes + 1); /* with the NUL behind it */
    assert_int_equal(segment_open(&s, fs_real(), dir, 12, NULL, &why), ERR_CORRUPT);
    mem_free(p);
}

static void another_file_than_the_manifest_lists_is_refused(void **state)
{
    (void)state;
    struct segment_info info, other;
    struct segment *s;
    struct why why;
    size_t bytes;
    assert_int_equal(write_file(fs_real(), 13, SEGMENT_RAW, 3, &info), ERR_OK);
    other = info;
    other.index_crc++;
    assert_int_equal(segment_open(&s, fs_real(), dir, 13, &other, &why), ERR_CORRUPT);
    other = info;
    other.kind = SEGMENT_ROLLUP;
    assert_int_equal(segment_open(&s, fs_real(), dir, 13, &other, &why), ERR_CORRUPT);
    assert_int_equal(segment_open(&s, fs_real(), dir, 14, NULL, &why), ERR_NOTFOUND);
    char *p = read_file(13, &bytes);
    write_bytes(14, p, bytes); /* a copy under another id */
    assert_int_equal(segment_open(&s, fs_real(), dir, 14, NULL, &why), ERR_CORRUPT);
    mem_free(p);
}

static void names_tell_what_they_are(void **state)
{
    (void)state;
    char name[SEGMENT_NAME_BYTES];
    uint64_t id = 0;
    segment_name(name, UINT64_MAX - 15);
    assert_string_equal(name, "s-fffffffffffffff0.seg");
    assert_true(segment_name_parse(name, &id));
    assert_true(id == UINT64_MAX - 15);
    assert_false(segment_name_is_temporary(name));
    assert_true(segment_name_is_temporary("s-0000000000000001.tmp"));
    assert_false(segment_name_parse("s-000000000000000A.seg", &id));
    assert_false(segment_name_parse("s-0000000000000001.segx", &id));
    assert_false(segment_name_parse("MANIFEST", &id));
}

static bool exists(uint64_t id, const char *ending)
{
    char path[128];
    snprintf(path, sizeof path, "%s/s-%016" PRIx64 "%s", dir, id, ending);
    return access(path, F_OK) == 0;
}

static void a_failing_disk_leaves_no_file_and_no_memory_behind(void **state)
{
    (void)state;
    struct segment_info info;
    struct why why;
    struct fault_fs f;
    const unsigned ops = FAULT_OPEN | FAULT_WRITE | FAULT_TRUNCATE | FAULT_SYNC | FAULT_RENAME;
    int64_t alive = mem_blocks(), n = 1;
    fault_fs_init(&f, fs_real());
    for (;; n++) {
        fault_fs_arm(&f, ops, n, FAULT_TORN, false);
        enum err e = write_file(&f.fs, 20, SEGMENT_RAW, 3, &info);
        assert_int_equal(mem_blocks(), alive);
        if (!fault_fs_fired(&f)) break;
        assert_int_equal(e, ERR_IO);
        assert_false(exists(20, ".seg"));
        assert_false(exists(20, ".tmp"));
    }
    /* open, truncate, two writes, sync, rename, open and sync of the directory; then one without */
    assert_int_equal(n, 9);
    assert_int_equal(segment_verify(fs_real(), dir, 20, &info, &why), ERR_OK);
}

static void every_fault_while_reading_is_told(void **state)
{
    (void)state;
    struct segment_info info;
    struct why why;
    struct fault_fs f;
    assert_int_equal(write_file(fs_real(), 24, SEGMENT_RAW, 3, &info), ERR_OK);
    fault_fs_init(&f, fs_real());
    int64_t alive = mem_blocks(), n = 1;
    for (;; n++) {
        fault_fs_arm(&f, FAULT_OPEN | FAULT_READ | FAULT_SIZE, n, FAULT_EIO, false);
        enum err e = segment_verify(&f.fs, dir, 24, &info, &why);
        assert_int_equal(mem_blocks(), alive);
        if (!fault_fs_fired(&f)) break;
        assert_int_equal(e, ERR_IO);
        assert_non_null(strstr(why.text, "s-0000000000000018.seg"));
    }
    assert_true(n > 10); /* open, size, header, trailer, index, six blocks */
}

static void a_failing_allocation_leaves_no_file_and_no_memory_behind(void **state)
{
    (void)state;
    struct segment_info info;
    struct why why;
    int64_t alive = mem_blocks();
    for (int n = 1;; n++) {
        mem_fail_at(n);
        enum err e = write_file(fs_real(), 21, SEGMENT_RAW, 3, &info);
        if (!e) e = segment_verify(fs_real(), dir, 21, &info, &why);
        bool fired = mem_fail_fired();
        assert_int_equal(mem_blocks(), alive);
        assert_int_equal(e, fired ? ERR_NOMEM : ERR_OK);
        if (!fired) break;
        assert_false(exists(21, ".tmp"));
    }
    mem_fail_at(0);
}

static void a_leftover_of_the_same_name_does_not_matter(void **state)
{
    (void)state;
    struct segment_info info;
    struct why why;
    char path[128];
    struct file f;
    static const char junk[9999];
    snprintf(path, sizeof path, "%s/s-%016x.tmp", dir, 22);
    assert_int_equal(file_open(&f, fs_real(), path, FILE_CREATE), ERR_OK);
    assert_int_equal(file_write_at(&f, junk, sizeof junk, 0), ERR_OK);
    file_close(&f);
    assert_int_equal(write_file(fs_real(), 22, SEGMENT_RAW, 1, &info), ERR_OK);
    assert_int_equal(segment_verify(fs_real(), dir, 22, &info, &why), ERR_OK);
}

static enum err write_and_verify(const struct segment_block *about, struct bytes block,
                                 struct why *why)
{
    struct segment_writer *w;
    struct segment_info info;
    assert_int_equal(segment_writer_open(&w, fs_real(), dir, 23, SEGMENT_RAW), ERR_OK);
    assert_int_equal(segment_writer_add(w, about, block), ERR_OK);
    assert_int_equal(segment_writer_finish(w, &info), ERR_OK);
    return segment_verify(fs_real(), dir, 23, &info, why);
}

static void encode_walk(struct buf *out, int64_t *ret_last)
{
    struct block_encoder *e;
    int64_t ts[20] = {5};
    double values[20] = {3.5};
    for (int i = 1; i < 20; i++) {
        ts[i] = ts[i - 1] + 1 + i * i % 7;
        values[i] = values[i - 1] + (double)(i * 37 % 11) - 5;
    }
    struct block_input in = {1, ts, values, 20};
    buf_init(out, 1 << 20);
    assert_int_equal(block_encoder_new(&e), ERR_OK);
    assert_int_equal(block_encode(e, out, 1, 1, &in, 1), ERR_OK);
    block_encoder_free(e);
    *ret_last = ts[19];
}

static void verify_sees_an_index_that_lies(void **state)
{
    (void)state;
    struct buf out;
    struct why why;
    struct segment_block about = {1, 1, 5, 0, 20, 0, 0};
    encode_walk(&out, &about.max_ns);
    assert_int_equal(write_and_verify(&about, buf_bytes(&out), &why), ERR_OK);
    about.max_ns++;
    assert_int_equal(write_and_verify(&about, buf_bytes(&out), &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "offset 32: the index describes another block"));
    buf_done(&out);
}

/* Nearly every byte of a block is said twice, by index, statistics or structure. Not so the
 * series, the digits (values and statistics change alike) and spare bits at the end of a group. */
static void verify_sees_a_block_that_lies_under_a_right_checksum(void **state)
{
    (void)state;
    struct buf out;
    struct why why;
    unsigned statistics = 0, unseen = 0;
    struct segment_block about = {1, 1, 5, 0, 20, 0, 0};
    encode_walk(&out, &about.max_ns);
    for (size_t at = 8; at < out.n; at++) {
        uint8_t *p = (uint8_t *)out.p;
        p[at] ^= 2;
        column_store32(p + 4, crc32c(crc32c(0, p, 4), p + 8, out.n - 8));
        enum err e = write_and_verify(&about, buf_bytes(&out), &why);
        assert_true(e == ERR_OK || e == ERR_CORRUPT || e == ERR_VERSION);
        if (e && strstr(why.text, "the statistics are not those of the data")) statistics++;
        if (!e) unseen++;
        p[at] ^= 2;
    }
    assert_true(statistics > 10);
    assert_true(unseen <= 3);
    buf_done(&out);
}

static int make_dir(void **state)
{
    (void)state;
    temp_dir_make(&temp);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    temp_dir_remove(&temp);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_come_back_in_the_order_of_the_index),
        cmocka_unit_test(an_empty_file_is_a_file),
        cmocka_unit_test(every_flipped_bit_is_found_and_its_place_named),
        cmocka_unit_test(every_cut_and_every_tail_is_refused),
        cmocka_unit_test(another_file_than_the_manifest_lists_is_refused),
        cmocka_unit_test(names_tell_what_they_are),
        cmocka_unit_test(a_failing_disk_leaves_no_file_and_no_memory_behind),
        cmocka_unit_test(every_fault_while_reading_is_told),
        cmocka_unit_test(a_failing_allocation_leaves_no_file_and_no_memory_behind),
        cmocka_unit_test(a_leftover_of_the_same_name_does_not_matter),
        cmocka_unit_test(verify_sees_an_index_that_lies),
        cmocka_unit_test(verify_sees_a_block_that_lies_under_a_right_checksum),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
