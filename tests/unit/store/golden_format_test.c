/* The files under tests/golden/embedded-v1/ were written once and are kept for ever: today's
 * code must read them and find what was put in. With the argument --write FOLDER this program
 * writes such files; it is to be used for a new version only, into a new folder. */
#include "base/clock.h"
#include "base/mem.h"
#include "codec/block.h"
#include "codec/block_rollup.h"
#include "codec/column_value.h"
#include "store/embedded/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define GOLDEN "tests/golden/embedded-v1"
#define ROWS   300
#define SHAPES 8
#define HOURS  6

static int64_t ts[2][ROWS];
static double values[SHAPES][ROWS];
static struct block_rollup_row rows[2][HOURS];

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u; /* Numerical Recipes */
    return *state >> 8;
}

static double value_of(int shape, int i, uint32_t u)
{
    switch (shape) {
    case 0: /* a random walk in hundredths */
        return (double)((i ? (int)(values[0][i - 1] * 100 + 0.5) : 2000) + (int)(u % 31) - 15) /
               100;
    case 1: /* constant */
        return 21.5;
    case 2: /* any 24 bits */
        return (double)u / 16777216;
    case 3: /* a step now and then */
        return u % 50 ? (i ? values[3][i - 1] : 1.0) : (double)u;
    case 4: /* decimals with exceptions */
        return u % 40 ? (double)(u % 100) / 10 : -0.0;
    case 5: /* one bit of many */
        return u % 16 > 7 ? 1.0 / 3 : -1.0 / 3;
    case 6: /* a parabola */
        return (double)(i * i);
    default: /* wide */
        return (double)u * (double)u * 1e290;
    }
}

/* Only sums, products and quotients that IEEE 754 rounds correctly: the same on every machine. */
static void make_content(void)
{
    uint32_t state = 2024;
    for (int i = 0; i < ROWS; i++) {
        ts[0][i] = INT64_C(1700000000) * NS_PER_S + i * NS_PER_S;
        ts[1][i] = ts[0][i] + next(&state) % 1000 * NS_PER_MS;
        for (int shape = 0; shape < SHAPES; shape++)
            values[shape][i] = value_of(shape, i, next(&state));
    }
    for (int i = 0; i < 2 * HOURS; i++) {
        int64_t hour = i % HOURS * NS_PER_HOUR;
        struct rollup r = {hour,        60u + (unsigned)i,     0, 1, 9, 5, 6, 0,
                           hour + 1000, hour + NS_PER_HOUR - 1};
        r.min = i < HOURS ? (double)(next(&state) % 1000) / 10 : (double)next(&state) / 7;
        r.max = i < HOURS ? r.min + 2 : r.min * 3;
        r.sum = (double)next(&state) / 3;
        r.m2 = (double)next(&state) / 11;
        rows[i / HOURS][i % HOURS] = (struct block_rollup_row){5 + i % HOURS / 3, r};
    }
}

static enum err write_raw(struct block_encoder *e, const char *dir, struct segment_info *ret)
{
    struct segment_writer *w;
    struct buf out;
    enum err err = segment_writer_open(&w, fs_real(), dir, 1, SEGMENT_RAW);
    if (err) return err;
    buf_init(&out, 1 << 20);
    for (int64_t device = 1; device <= 2 && !err; device++) {
        struct block_input in[SHAPES];
        for (int s = 0; s < SHAPES; s++)
            in[s] =
                (struct block_input){device * 10 + s, ts[device == 2 && s % 2], values[s], ROWS};
        int64_t last = ts[device == 2][ROWS - 1];
        struct segment_block about = {1, device, ts[0][0], last, SHAPES * ROWS, 0, 0};
        if (last < ts[0][ROWS - 1]) about.max_ns = ts[0][ROWS - 1];
        buf_clear(&out);
        err = block_encode(e, &out, 1, device, in, SHAPES);
        if (!err) err = segment_writer_add(w, &about, buf_bytes(&out));
    }
    buf_done(&out);
    if (!err) return segment_writer_finish(w, ret);
    segment_writer_abort(w);
    return err;
}

static enum err write_rollups(struct block_encoder *e, const char *dir, struct segment_info *ret)
{
    struct segment_writer *w;
    struct buf out;
    enum err err = segment_writer_open(&w, fs_real(), dir, 2, SEGMENT_ROLLUP);
    if (err) return err;
    buf_init(&out, 1 << 20);
    for (int64_t device = 1; device <= 2 && !err; device++) {
        struct segment_block about = {1, device, 0, (HOURS - 1) * NS_PER_HOUR, HOURS, 0, 0};
        buf_clear(&out);
        err = block_rollup_encode(e, &out, 1, device, rows[device - 1], HOURS);
        if (!err) err = segment_writer_add(w, &about, buf_bytes(&out));
    }
    buf_done(&out);
    if (!err) return segment_writer_finish(w, ret);
    segment_writer_abort(w);
    return err;
}

static enum err write_all(const char *dir)
{
    struct segment_info files[2];
    struct manifest_cutoff cutoff = {1, 5, INT64_MIN};
    struct manifest_purge purge = {1, 9, 2, 77};
    struct manifest m = {3, 4096, files, &cutoff, &purge, 2, 1, 1};
    struct block_encoder *e;
    enum err err = block_encoder_new(&e);
    if (err) return err;
    err = write_raw(e, dir, &files[0]);
    if (!err) err = write_rollups(e, dir, &files[1]);
    if (!err) err = manifest_store(&m, fs_real(), dir);
    block_encoder_free(e);
    return err;
}

static struct segment *open_listed(size_t i)
{
    struct manifest m;
    struct segment *s;
    struct why why;
    assert_int_equal(manifest_load(&m, fs_real(), GOLDEN, &why), ERR_OK);
    assert_int_equal(segment_open(&s, fs_real(), GOLDEN, m.files[i].id, &m.files[i], &why), ERR_OK);
    assert_int_equal(segment_verify(fs_real(), GOLDEN, m.files[i].id, &m.files[i], &why), ERR_OK);
    manifest_done(&m);
    return s;
}

static char *read_block(const struct segment *s, size_t i, struct bytes *ret)
{
    size_t n;
    const struct segment_block *b = segment_blocks(s, &n) + i;
    assert_true(i < n);
    char *p = mem_alloc(b->length);
    assert_non_null(p);
    assert_int_equal(segment_read(s, b, p), ERR_OK);
    *ret = bytes_of(p, b->length);
    return p;
}

static void the_first_manifest_is_read(void **state)
{
    (void)state;
    struct manifest m;
    struct why why;
    assert_int_equal(manifest_load(&m, fs_real(), GOLDEN, &why), ERR_OK);
    assert_int_equal(m.next_file_id, 3);
    assert_int_equal(m.replay_lsn, 4096);
    assert_int_equal(m.file_count, 2);
    assert_int_equal(m.cutoffs[0].raw_cutoff_ns, 5);
    assert_int_equal(m.purges[0].before_lsn, 77);
    manifest_done(&m);
}

static void the_first_blocks_are_read(void **state)
{
    (void)state;
    struct segment *s = open_listed(0);
    unsigned kinds = 0;
    for (size_t device = 1; device <= 2; device++) {
        struct bytes bytes;
        struct block b;
        struct sample got[ROWS];
        char *p = read_block(s, device - 1, &bytes);
        assert_int_equal(block_open(&b, bytes), ERR_OK);
        assert_int_equal(b.column_count, SHAPES);
        assert_int_equal(b.time_count, device);
        for (uint32_t c = 0; c < SHAPES; c++) {
            assert_int_equal(b.columns[c].series, device * 10 + c);
            assert_int_equal(block_read_samples(&b, &b.columns[c], got), ERR_OK);
            for (int i = 0; i < ROWS; i++) {
                assert_int_equal(got[i].ts_ns, ts[device == 2 && c % 2][i]);
                assert_memory_equal(&got[i].value, &values[c][i], sizeof(double));
            }
            kinds |= 1u << b.columns[c].kind;
        }
        block_close(&b);
        mem_free(p);
    }
    segment_close(s);
    assert_int_equal(kinds, 1 << COLUMN_DECIMAL | 1 << COLUMN_BITS | 1 << COLUMN_XOR);
}

static void the_first_rollups_are_read(void **state)
{
    (void)state;
    struct segment *s = open_listed(1);
    for (size_t device = 1; device <= 2; device++) {
        struct bytes bytes;
        struct block_rollup_head head;
        struct block_rollup_row got[HOURS];
        char *p = read_block(s, device - 1, &bytes);
        assert_int_equal(block_rollup_open(bytes, &head), ERR_OK);
        assert_int_equal(head.rows, HOURS);
        assert_int_equal(block_rollup_read(bytes, got), ERR_OK);
        assert_memory_equal(got, rows[device - 1], sizeof got);
        mem_free(p);
    }
    segment_close(s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_manifest_is_read),
        cmocka_unit_test(the_first_blocks_are_read),
        cmocka_unit_test(the_first_rollups_are_read),
    };
    make_content();
    if (argc == 3 && bytes_is(bytes_str(argv[1]), "--write")) return (int)write_all(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
