/* The manifest: whole, exact, and no damaged byte goes unseen. */
#include "store/embedded/manifest.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/column_bits.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct segment_info files[] = {{4, SEGMENT_RAW, 1000, 0xdeadbeef},
                                      {9, SEGMENT_ROLLUP, UINT64_C(1) << 40, 0},
                                      {7, SEGMENT_RAW, 72, 1}};
static struct manifest_cutoff cutoffs[] = {{-1, INT64_MIN, INT64_MIN}, {3, 12, INT64_MAX}};
static struct manifest_purge purges[] = {{3, 8, 9, UINT64_MAX}};

static struct manifest sample(void)
{
    return (struct manifest){10, 123456789012345, files, cutoffs, purges, 3, 2, 1};
}

static void check_sample(const struct manifest *m)
{
    assert_int_equal(m->next_file_id, 10);
    assert_int_equal(m->replay_lsn, 123456789012345);
    assert_int_equal(m->file_count, 3);
    assert_int_equal(m->cutoff_count, 2);
    assert_int_equal(m->purge_count, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(m->files[i].id, files[i].id);
        assert_int_equal(m->files[i].kind, files[i].kind);
        assert_int_equal(m->files[i].bytes, files[i].bytes);
        assert_int_equal(m->files[i].index_crc, files[i].index_crc);
    }
    assert_memory_equal(m->cutoffs, cutoffs, sizeof cutoffs);
    assert_memory_equal(m->purges, purges, sizeof purges);
}

static void what_is_stored_is_loaded(void **state)
{
    (void)state;
    struct temp_dir temp;
    struct manifest m, copy, in = sample();
    struct why why;
    temp_dir_make(&temp);
    assert_int_equal(manifest_load(&m, fs_real(), temp.path, &why), ERR_NOTFOUND);
    assert_int_equal(manifest_store(&in, fs_real(), temp.path), ERR_OK);
    assert_int_equal(manifest_load(&m, fs_real(), temp.path, &why), ERR_OK);
    check_sample(&m);
    assert_int_equal(manifest_copy(&copy, &m), ERR_OK);
    manifest_done(&m);
    check_sample(&copy);
    copy.file_count = copy.cutoff_count = copy.purge_count = 0;
    assert_int_equal(manifest_store(&copy, fs_real(), temp.path), ERR_OK);
    manifest_done(&copy);
    assert_int_equal(manifest_load(&m, fs_real(), temp.path, &why), ERR_OK);
    assert_int_equal(m.file_count, 0);
    manifest_done(&m);
    temp_dir_remove(&temp);
}

static void encode(struct buf *out)
{
    struct manifest in = sample();
    buf_init(out, 1 << 20);
    manifest_encode(out, &in);
    assert_int_equal(out->err, ERR_OK);
}

static void every_flipped_bit_and_every_cut_is_corrupt(void **state)
{
    (void)state;
    struct buf out;
    struct manifest m;
    struct why why;
    encode(&out);
    for (size_t bit = 0; bit < out.n * 8; bit++) {
        out.p[bit / 8] = (char)(out.p[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(manifest_decode(&m, buf_bytes(&out), &why), ERR_CORRUPT);
        out.p[bit / 8] = (char)(out.p[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t n = 0; n < out.n; n++)
        assert_int_equal(manifest_decode(&m, bytes_of(out.p, n), &why), ERR_CORRUPT);
    buf_done(&out);
}

static void seal_again(struct buf *b)
{
    column_store32((uint8_t *)b->p + b->n - 4, crc32c(0, b->p, b->n - 4));
}

static void a_newer_version_says_so(void **state)
{
    (void)state;
    struct buf out;
    struct manifest m;
    struct why why;
    encode(&out);
    out.p[8] = 2;
    seal_again(&out);
    assert_int_equal(manifest_decode(&m, buf_bytes(&out), &why), ERR_VERSION);
    assert_non_null(strstr(why.text, "format 2"));
    buf_done(&out);
}

/* Each change gives a sealed manifest that contradicts itself. */
static void what_contradicts_itself_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        char to;
    } changes[] = {
        {10, 1},  /* reserved */
        {44, 1},  /* reserved */
        {16, 9},  /* next id is not above all */
        {32, 4},  /* one file more than there is room */
        {48, 9},  /* an id twice */
        {68, 3},  /* an unknown kind */
        {69, 1},  /* reserved */
        {127, 4}, /* organisations not ascending */
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct buf out;
        struct manifest m;
        struct why why;
        encode(&out);
        out.p[changes[i].at] = changes[i].to;
        seal_again(&out);
        assert_int_equal(manifest_decode(&m, buf_bytes(&out), &why), ERR_CORRUPT);
        buf_done(&out);
    }
}

static void a_failing_allocation_leaks_nothing(void **state)
{
    (void)state;
    struct buf out;
    struct why why;
    encode(&out);
    int64_t alive = mem_blocks();
    bool fired = true;
    for (int n = 1; fired; n++) {
        struct manifest m = {0}, copy = {0};
        mem_fail_at(n);
        enum err e = manifest_decode(&m, buf_bytes(&out), &why);
        if (!e) e = manifest_copy(&copy, &m);
        fired = mem_fail_fired();
        assert_int_equal(e, fired ? ERR_NOMEM : ERR_OK);
        manifest_done(&m);
        manifest_done(&copy);
        assert_int_equal(mem_blocks(), alive);
    }
    mem_fail_at(0);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_loaded),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_corrupt),
        cmocka_unit_test(a_newer_version_says_so),
        cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(a_failing_allocation_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
