/* The log: what was appended comes back; what is torn is cut; what is damaged is said to be. */
#include "base/mem.h"
#include "base/rnd.h"
#include "fault_fs.h"
#include "memory_fs.h"
#include "store/embedded/wal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DIR    "/d"
#define HEADER 32

struct world {
    struct memory_fs *disk;
    struct fault_fs faults;
    struct wal *wal;
    struct why why;
    uint64_t first, last; /* lsns that the last open replayed */
    double sum;
};

static enum err note_group(void *ctx, uint64_t lsn, struct wal_reader *records)
{
    struct world *w = ctx;
    struct record record;
    struct point point;
    enum err e;
    if (!w->first) w->first = lsn;
    w->last = lsn;
    while (!(e = wal_record_next(records, &record)))
        for (uint32_t i = 0; i < record.count; i++) {
            e = wal_record_point(records, &point);
            if (e) return e;
            w->sum += point.value;
        }
    return e == ERR_END ? ERR_OK : e;
}

static enum err open_log(struct world *w, uint64_t replay_lsn)
{
    struct wal_opts opts = {DIR, &w->faults.fs, clock_real(), 4096};
    w->first = w->last = 0;
    w->sum = 0;
    return wal_open(&w->wal, &opts, replay_lsn, note_group, w, &w->why);
}

static void close_log(struct world *w)
{
    wal_close(w->wal, false);
    w->wal = NULL;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->disk = memory_fs_new();
    fault_fs_init(&w->faults, memory_fs_ops(w->disk));
    assert_int_equal(fs_mkdir(&w->faults.fs, DIR), ERR_OK);
    assert_int_equal(open_log(w, 1), ERR_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    close_log(w);
    memory_fs_free(w->disk);
    free(w);
    return 0;
}

/* One record of n points with the values lsn, lsn, ... */
static enum err append(struct world *w, double value, uint32_t n)
{
    static struct point points[5000];
    uint64_t lsn;
    struct record record = {1, 2, 3, 0, n};
    struct record_set set = {&record, 1, points, n};
    const struct record_set *sets[] = {&set};
    for (uint32_t i = 0; i < n; i++) points[i] = (struct point){i + 1, value};
    return wal_append(w->wal, sets, 1, &lsn, &w->why);
}

static unsigned char *file_of(struct world *w, unsigned number, size_t *ret_bytes)
{
    char name[64];
    const char *path;
    snprintf(name, sizeof name, DIR "/w-%016x.wal", number);
    for (size_t i = 0;; i++) {
        unsigned char *p = memory_fs_file(w->disk, i, ret_bytes, &path);
        if (!p || strcmp(path, name) == 0) return p;
    }
}

/* Where the used part of a segment ends. */
static size_t used(const unsigned char *p, size_t n)
{
    while (n && !p[n - 1]) n--;
    return n;
}

static void appended_groups_come_back_in_order(void **state)
{
    struct world *w = *state;
    double sum = 0;
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(append(w, i, 20), ERR_OK);
        sum += 20 * i;
    }
    close_log(w);
    assert_int_equal(open_log(w, 1), ERR_OK);
    assert_int_equal(w->first, 1);
    assert_int_equal(w->last, 100);
    assert_true(w->sum == sum);
    close_log(w);
    assert_int_equal(open_log(w, 90), ERR_OK);
    assert_int_equal(w->first, 90);
}

static void a_tail_torn_at_any_byte_is_cut_and_nothing_before_it(void **state)
{
    struct world *w = *state;
    size_t n;
    assert_int_equal(append(w, 1, 10), ERR_OK);
    size_t from = used(file_of(w, 1, &n), 4096);
    assert_int_equal(append(w, 2, 10), ERR_OK);
    close_log(w);
    size_t to = used(file_of(w, 1, &n), n);
    for (size_t cut = from; cut < to; cut++) {
        struct memory_fs *whole = w->disk;
        w->disk = memory_fs_after_kill(whole);
        fault_fs_init(&w->faults, memory_fs_ops(w->disk));
        memset(file_of(w, 1, &n) + cut, 0, to - cut);
        assert_int_equal(open_log(w, 1), ERR_OK);
        assert_int_equal(w->last, 1);
        assert_int_equal(append(w, 3, 1), ERR_OK);
        close_log(w);
        assert_int_equal(open_log(w, 1), ERR_OK);
        assert_int_equal(w->last, 2);
        close_log(w);
        memory_fs_free(w->disk);
        w->disk = whole;
    }
    fault_fs_init(&w->faults, memory_fs_ops(w->disk));
    assert_int_equal(open_log(w, 1), ERR_OK);
}

static void any_flipped_bit_of_the_last_group_is_corruption(void **state)
{
    struct world *w = *state;
    size_t n;
    assert_int_equal(append(w, 1, 3), ERR_OK);
    size_t from = used(file_of(w, 1, &n), 4096);
    assert_int_equal(append(w, 2, 3), ERR_OK);
    close_log(w);
    size_t to = used(file_of(w, 1, &n), n);
    for (size_t bit = from * 8; bit < to * 8; bit++) {
        file_of(w, 1, &n)[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(open_log(w, 1), ERR_CORRUPT);
        assert_non_null(strstr(w->why.text, "w-0000000000000001.wal"));
        file_of(w, 1, &n)[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_int_equal(open_log(w, 1), ERR_OK);
}

static void damage_before_a_sound_group_is_corruption_with_its_offset(void **state)
{
    struct world *w = *state;
    size_t n;
    for (int i = 1; i < 4; i++) assert_int_equal(append(w, i, 10), ERR_OK);
    close_log(w);
    memset(file_of(w, 1, &n) + HEADER, 0x5a, 24);
    assert_int_equal(open_log(w, 1), ERR_CORRUPT);
    assert_non_null(strstr(w->why.text, "offset 32"));
    int64_t at = 0;
    assert_int_equal(wal_verify(DIR, &w->faults.fs, 1, &w->why, &at), ERR_CORRUPT);
    assert_int_equal(at, 32);
    file_of(w, 1, &n)[0] ^= 1;
    assert_int_equal(open_log(w, 1), ERR_CORRUPT);
    assert_non_null(strstr(w->why.text, "offset 0"));
    memset(file_of(w, 1, &n), 0, n); /* teardown opens nothing */
}

static void a_segment_lost_in_the_middle_is_corruption(void **state)
{
    struct world *w = *state;
    for (int i = 1; i <= 100; i++) assert_int_equal(append(w, i, 50), ERR_OK);
    close_log(w);
    assert_int_equal(fs_unlink(&w->faults.fs, DIR "/w-0000000000000002.wal"), ERR_OK);
    assert_int_equal(open_log(w, 1), ERR_CORRUPT);
    assert_int_equal(fs_unlink(&w->faults.fs, DIR "/w-0000000000000001.wal"), ERR_OK);
    assert_int_equal(open_log(w, 1), ERR_CORRUPT);
}

static void nothing_is_appended_after_a_failed_sync_until_a_restart(void **state)
{
    struct world *w = *state;
    assert_int_equal(append(w, 1, 1), ERR_OK);
    fault_fs_arm(&w->faults, FAULT_SYNC, 1, FAULT_EIO, false);
    assert_int_equal(append(w, 2, 1), ERR_IO);
    assert_int_equal(append(w, 3, 1), ERR_IO);
    assert_non_null(strstr(w->why.text, "synced"));
    assert_int_equal(wal_next_lsn(w->wal), 3); /* 2 is spent, 3 was not tried */
    assert_int_equal(wal_restart(w->wal, &w->why), ERR_OK);
    assert_int_equal(append(w, 4, 1), ERR_OK);
    close_log(w);
    assert_int_equal(open_log(w, 3), ERR_OK); /* the caller passed over the failed group */
    assert_int_equal(w->first, 3);
    assert_true(w->sum == 4);
}

static void a_group_larger_than_a_segment_gets_one_of_its_own(void **state)
{
    struct world *w = *state;
    assert_int_equal(append(w, 0.1234567, 5000), ERR_OK);
    assert_int_equal(append(w, 1, 1), ERR_OK);
    close_log(w);
    assert_int_equal(open_log(w, 1), ERR_OK);
    assert_int_equal(w->last, 2);
}

static void a_full_segment_goes_over_to_the_spare_and_trimming_removes_it(void **state)
{
    struct world *w = *state;
    while (!wal_wants_spare(w->wal)) assert_int_equal(append(w, 1, 50), ERR_OK);
    uint64_t before = wal_bytes(w->wal);
    assert_int_equal(wal_prepare(w->wal), ERR_OK);
    assert_int_equal(wal_bytes(w->wal), before + 4096);
    assert_false(wal_wants_spare(w->wal));
    fault_fs_arm(&w->faults, FAULT_OPEN, 1, FAULT_EIO, true); /* no segment can be made now */
    for (int i = 0; i < 14; i++) assert_int_equal(append(w, 1, 50), ERR_OK);
    wal_trim(w->wal, wal_next_lsn(w->wal));
    assert_int_equal(wal_bytes(w->wal), 4096);
    fault_fs_arm(&w->faults, FAULT_ALL, 0, FAULT_EIO, false);
}

static void no_space_for_a_segment_refuses_one_group_and_breaks_nothing(void **state)
{
    struct world *w = *state;
    enum err e;
    fault_fs_arm(&w->faults, FAULT_OPEN, 1, FAULT_ENOSPC, true);
    while (!(e = append(w, 1, 50))) {
    }
    assert_int_equal(e, ERR_NOSPACE);
    assert_int_equal(wal_broken(w->wal, NULL), ERR_OK);
    fault_fs_arm(&w->faults, FAULT_ALL, 0, FAULT_EIO, false);
    assert_int_equal(append(w, 1, 50), ERR_OK);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(appended_groups_come_back_in_order),
        WITH_WORLD(a_tail_torn_at_any_byte_is_cut_and_nothing_before_it),
        WITH_WORLD(any_flipped_bit_of_the_last_group_is_corruption),
        WITH_WORLD(damage_before_a_sound_group_is_corruption_with_its_offset),
        WITH_WORLD(a_segment_lost_in_the_middle_is_corruption),
        WITH_WORLD(nothing_is_appended_after_a_failed_sync_until_a_restart),
        WITH_WORLD(a_group_larger_than_a_segment_gets_one_of_its_own),
        WITH_WORLD(a_full_segment_goes_over_to_the_spare_and_trimming_removes_it),
        WITH_WORLD(no_space_for_a_segment_refuses_one_group_and_breaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
