/* The catalog's file under damage, failing disks, missing memory and a sudden end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "fault_fs.h"
#include "store/catalog.h"
#include "store/embedded/sqlite_sql.h"
#include "store/embedded/sqlite_vfs.h"
#include "temp_dir.h"

#include <stdio.h>

enum { IMAGE_MAX = 32 << 20, ROWS = 40 };

static struct temp_dir dir;
static char db_path[128], journal_path[128];
static struct fault_fs quick; /* the real disk without its syncs */

static int make_dir(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    fault_fs_init(&quick, fs_real());
    quick.skip_sync = true;
    snprintf(db_path, sizeof db_path, "%s/" CATALOG_FILE, dir.path);
    snprintf(journal_path, sizeof journal_path, "%s/" CATALOG_FILE "-journal", dir.path);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

static enum err open_db(struct sql_db **ret, const struct fs *fs, struct why *why)
{
    return sqlite_sql_open(ret, &(struct sqlite_sql_opts){fs, db_path, 0}, why);
}

static enum err put_row(struct sql_tx *tx, int64_t key, const char *value)
{
    return sql_exec(tx, "INSERT INTO t (k, v) VALUES ($1, $2)",
                    SQL_ARGS(SQL_I(key), SQL_T(bytes_str(value))), NULL);
}

static enum err write_rows(struct sql_db *db, int64_t first, int64_t n, const char *value)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    if (e) return e;
    for (int64_t i = 0; !e && i < n; i++) e = put_row(tx, first + i, value);
    return sql_end(tx, e);
}

static enum err make_table(struct sql_db *db)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    if (e) return e;
    e = tx->ops->script(tx,
                        "CREATE TABLE IF NOT EXISTS t (k BIGINT PRIMARY KEY, v TEXT);"
                        "CREATE INDEX IF NOT EXISTS t_v ON t (v);",
                        NULL);
    return sql_end(tx, e);
}

/* Reads everything: the number of rows and a sum over their keys and values. */
static enum err read_rows(struct sql_db *db, int64_t *ret_n, uint64_t *ret_sum)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    *ret_n = 0;
    *ret_sum = 0;
    e = sql_query(tx, "SELECT k, v FROM t ORDER BY v, k", SQL_NO_ARGS, &c);
    if (!e) {
        while (!(e = sql_next(c, &row))) {
            ++*ret_n;
            *ret_sum = *ret_sum * 31 + (uint64_t)row.columns[0].as.i * 7 +
                       bytes_hash(row.columns[1].as.b, 1);
        }
        sql_finish(c);
    }
    sql_rollback(tx);
    return e == ERR_END ? ERR_OK : e;
}

static char *slurp(const char *path, size_t *ret_n)
{
    char *p = NULL;
    assert_int_equal(fs_read_file(fs_real(), path, IMAGE_MAX, &p, ret_n), ERR_OK);
    return p;
}

static void spill(const char *path, const void *p, size_t n)
{
    struct file f;
    assert_int_equal(file_open(&f, fs_real(), path, FILE_CREATE), ERR_OK);
    assert_int_equal(file_truncate(&f, 0), ERR_OK);
    assert_int_equal(file_write_at(&f, p, n, 0), ERR_OK);
    file_close(&f);
}

static void make_small(void)
{
    struct sql_db *db;
    assert_int_equal(open_db(&db, &quick.fs, NULL), ERR_OK);
    assert_int_equal(make_table(db), ERR_OK);
    assert_int_equal(write_rows(db, 0, ROWS, "a value that fills the page a little"), ERR_OK);
    catalog_close(db);
}

static void no_flipped_bit_passes_the_check_of_a_page(void **state)
{
    (void)state;
    size_t n;
    make_small();
    uint8_t *image = (uint8_t *)slurp(db_path, &n);
    assert_true(n >= 4 * SQLITE_VFS_PAGE && n % SQLITE_VFS_PAGE == 0);
    for (size_t bit = 0; bit < n * 8; bit++) {
        uint8_t *page = image + bit / 8 / SQLITE_VFS_PAGE * SQLITE_VFS_PAGE;
        uint32_t number = (uint32_t)(bit / 8 / SQLITE_VFS_PAGE) + 1;
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (sqlite_vfs_page_is_good(page, number)) fail_msg("bit %zu passes", bit);
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (bit % 32768 == 0) assert_true(sqlite_vfs_page_is_good(page, number));
    }
    assert_false(sqlite_vfs_page_is_good(image + SQLITE_VFS_PAGE, 3)); /* a page in a wrong place */
    mem_free(image);
}

static void keep_offset(void *ctx, const char *file, int64_t offset, const char *what)
{
    (void)what;
    assert_string_equal(file, db_path);
    *(int64_t *)ctx = offset;
}

/* Never a wrong row: an error, or exactly what was written. */
static bool is_detected_or_harmless(int64_t rows, uint64_t sum)
{
    struct sql_db *db;
    int64_t n = 0;
    uint64_t got = 0;
    enum err e = open_db(&db, &quick.fs, NULL);
    if (e) return e == ERR_CORRUPT;
    e = read_rows(db, &n, &got);
    catalog_close(db);
    return e ? e == ERR_CORRUPT : n == rows && got == sum;
}

static void a_flipped_bit_is_never_a_wrong_row_and_verify_says_where(void **state)
{
    (void)state;
    struct sql_db *db;
    struct rnd rnd;
    uint64_t seed = rnd_u64(rnd_system()), sum;
    int64_t rows;
    size_t n;
    make_small();
    assert_int_equal(open_db(&db, &quick.fs, NULL), ERR_OK);
    assert_int_equal(read_rows(db, &rows, &sum), ERR_OK);
    catalog_close(db);
    assert_int_equal(catalog_verify(&quick.fs, dir.path, keep_offset, NULL), ERR_OK);
    char *image = slurp(db_path, &n);
    rnd_seed(&rnd, seed);
    for (int i = 0; i < 300; i++) {
        size_t bit = i < 100 * 8 && i < 200 ? (size_t)i * 4 : rnd_below(&rnd, n * 8);
        int64_t at = -2;
        image[bit / 8] ^= (char)(1u << bit % 8);
        spill(db_path, image, n);
        if (!is_detected_or_harmless(rows, sum))
            fail_msg("seed %llu bit %zu", (unsigned long long)seed, bit);
        spill(db_path, image, n);
        assert_int_equal(catalog_verify(&quick.fs, dir.path, keep_offset, &at), ERR_CORRUPT);
        assert_int_equal(at, bit / 8 / SQLITE_VFS_PAGE * SQLITE_VFS_PAGE);
        image[bit / 8] ^= (char)(1u << bit % 8);
    }
    mem_free(image);
}

static void the_reason_of_damage_names_file_and_byte(void **state)
{
    (void)state;
    struct sql_db *db;
    struct sql_tx *tx;
    struct why why = {""};
    size_t n;
    make_small();
    char *image = slurp(db_path, &n);
    image[3 * SQLITE_VFS_PAGE + 77] ^= 4;
    spill(db_path, image, n);
    assert_int_equal(open_db(&db, &quick.fs, &why), ERR_OK);
    assert_int_equal(sql_begin(db, SQL_READ, &tx), ERR_OK);
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx, "SELECT k, v FROM t ORDER BY v", SQL_NO_ARGS, &c);
    while (!e) e = sql_next(c, &row);
    sql_finish(c);
    assert_int_equal(e, ERR_CORRUPT);
    assert_non_null(strstr(tx->ops->message(tx), CATALOG_FILE ": page 4 at byte 12288"));
    sql_rollback(tx);
    catalog_close(db);
    image[3 * SQLITE_VFS_PAGE + 77] ^= 4;
    image[50] ^= 4;
    spill(db_path, image, n);
    assert_int_equal(open_db(&db, &quick.fs, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, "page 1 at byte 0"));
    mem_free(image);
}

/* A file of somebody else is refused and left as it is. */
static void a_foreign_file_is_refused_unchanged(void **state)
{
    (void)state;
    struct sql_db *db;
    struct why why = {""};
    char text[9000];
    size_t n;
    memset(text, 'x', sizeof text);
    spill(db_path, text, sizeof text);
    assert_int_equal(open_db(&db, &quick.fs, &why), ERR_CORRUPT);
    assert_non_null(strstr(why.text, CATALOG_FILE));
    char *after = slurp(db_path, &n);
    assert_true(n == sizeof text && memcmp(after, text, n) == 0);
    mem_free(after);
}

/* What stands on the disk when the process dies inside a transaction that had to spill its pages:
 * pages of before and after, in one well-formed tree, and a hot journal. */
struct crash {
    char *db, *journal;
    size_t db_n, journal_n;
    int64_t rows;
    uint64_t sum;
};

static void run_script(struct sql_db *db, const char *sql)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(tx->ops->script(tx, sql, NULL), ERR_OK);
    assert_int_equal(sql_commit(tx), ERR_OK);
}

static void make_crash(struct crash *c)
{
    struct sql_db *db;
    struct sql_tx *tx;
    char value[1500];
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = 0;
    assert_int_equal(open_db(&db, &quick.fs, NULL), ERR_OK);
    assert_int_equal(make_table(db), ERR_OK);
    run_script(db, "DROP INDEX t_v");
    assert_int_equal(write_rows(db, 0, 1400, value), ERR_OK);
    assert_int_equal(read_rows(db, &c->rows, &c->sum), ERR_OK);
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    value[0] = 'w'; /* as long as before: nothing but values changes */
    assert_int_equal(sql_exec(tx, "UPDATE t SET v = $1", SQL_ARGS(SQL_T(bytes_str(value))), NULL),
                     ERR_OK);
    c->db = slurp(db_path, &c->db_n);
    c->journal = slurp(journal_path, &c->journal_n);
    sql_rollback(tx);
    catalog_close(db);
    assert_true(c->journal_n > 600 * SQLITE_VFS_PAGE);
}

static void put_crash(const struct crash *c)
{
    spill(db_path, c->db, c->db_n);
    spill(journal_path, c->journal, c->journal_n);
}

static void a_death_inside_a_transaction_leaves_the_rows_of_before(void **state)
{
    (void)state;
    struct crash c;
    struct sql_db *db;
    int64_t n;
    uint64_t sum;
    make_crash(&c);
    put_crash(&c);
    assert_int_equal(open_db(&db, &quick.fs, NULL), ERR_OK);
    assert_int_equal(read_rows(db, &n, &sum), ERR_OK);
    assert_true(n == c.rows && sum == c.sum);
    catalog_close(db);
    spill(db_path, c.db, c.db_n); /* without its journal other rows would be read */
    assert_int_equal(open_db(&db, &quick.fs, NULL), ERR_OK);
    assert_int_equal(read_rows(db, &n, &sum), ERR_OK);
    assert_true(sum != c.sum);
    catalog_close(db);
    mem_free(c.db);
    mem_free(c.journal);
}

static void a_flipped_bit_in_a_hot_journal_is_never_a_wrong_row(void **state)
{
    (void)state;
    struct crash c;
    struct rnd rnd;
    uint64_t seed = rnd_u64(rnd_system());
    rnd_seed(&rnd, seed);
    make_crash(&c);
    for (size_t i = 0; i < 240; i++) {
        size_t bit = rnd_below(&rnd, c.journal_n * 8);
        if (i < 96) bit = i;                                            /* magic and count */
        if (i >= 96 && i < 144) bit = 96 + (i - 96) * 4;                /* the rest of the header */
        if (i >= 144 && i < 176) bit = (4096 + 4 + 4096) * 8 + i - 144; /* a sum */
        if (i >= 176 && i < 208) bit = 4096 * 8 + i - 176;              /* a page number */
        c.journal[bit / 8] ^= (char)(1u << bit % 8);
        put_crash(&c);
        if (!is_detected_or_harmless(c.rows, c.sum))
            fail_msg("seed %llu bit %zu", (unsigned long long)seed, bit);
        c.journal[bit / 8] ^= (char)(1u << bit % 8);
    }
    mem_free(c.db);
    mem_free(c.journal);
}

/* Five transactions; ret: how many said that they are durable. Stops at the first refusal. */
static int workload(const struct fs *fs, enum err *ret)
{
    struct sql_db *db;
    int done = 0;
    enum err e = open_db(&db, fs, NULL);
    if (!e) {
        e = make_table(db);
        for (; !e && done < 5; done += !e) e = write_rows(db, done * 10, 10, "row");
        catalog_close(db);
    }
    *ret = e;
    return done;
}

static void check_rows_after(int done)
{
    struct sql_db *db;
    struct why why = {""};
    int64_t n = 0;
    uint64_t sum;
    if (open_db(&db, &quick.fs, &why)) fail_msg("%s", why.text);
    assert_int_equal(make_table(db), ERR_OK);
    assert_int_equal(read_rows(db, &n, &sum), ERR_OK);
    assert_int_equal(n % 10, 0);
    /* A commit whose outcome is unknown to it may be there, nothing more. */
    if (n != done * 10 && n != done * 10 + 10)
        fail_msg("%d transactions were durable, %lld rows", done, (long long)n);
    catalog_close(db);
    assert_int_equal(catalog_verify(&quick.fs, dir.path, keep_offset, &n), ERR_OK);
}

static void any_failing_call_of_the_disk_loses_nothing(void **state)
{
    (void)state;
    struct fault_fs f;
    fault_fs_init(&f, fs_real());
    f.skip_sync = true;
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        for (int for_good = 0; for_good < 2; for_good++)
            for (int64_t n = 1;; n++) {
                enum err e;
                remove_dir(NULL);
                make_dir(NULL);
                fault_fs_arm(&f, FAULT_ALL, n, (enum fault_kind)kind, for_good);
                int done = workload(&f.fs, &e);
                bool fired = fault_fs_fired(&f);
                if (!fired) assert_int_equal(e, ERR_OK);
                if (e && e != ERR_IO && e != ERR_NOSPACE)
                    fail_msg("kind %d call %lld: %s", kind, (long long)n, err_name(e));
                check_rows_after(done);
                if (!fired) break;
            }
}

static void the_same_connection_goes_on_when_the_disk_does(void **state)
{
    (void)state;
    struct fault_fs f;
    struct sql_db *db;
    int64_t key = 0, n;
    uint64_t sum;
    fault_fs_init(&f, fs_real());
    f.skip_sync = true;
    assert_int_equal(open_db(&db, &f.fs, NULL), ERR_OK);
    assert_int_equal(make_table(db), ERR_OK);
    int64_t durable = 0, unknown = 0;
    for (int64_t at = 1;; at++) {
        fault_fs_arm(&f, FAULT_ALL, at, FAULT_ENOSPC, true);
        enum err e = write_rows(db, key++, 1, "x");
        bool fired = fault_fs_fired(&f);
        if (!fired) assert_int_equal(e, ERR_OK);
        durable += !e;
        unknown += e != ERR_OK;
        fault_fs_arm(&f, 0, 0, FAULT_EIO, false);
        assert_int_equal(write_rows(db, key++, 1, "y"), ERR_OK); /* space came back */
        durable++;
        if (!fired) break;
    }
    assert_int_equal(read_rows(db, &n, &sum), ERR_OK);
    assert_true(n >= durable && n <= durable + unknown);
    catalog_close(db);
}

static void any_failing_allocation_is_clean_and_leaks_nothing(void **state)
{
    (void)state;
    enum err e;
    assert_int_equal(workload(&quick.fs, &e),
                     5); /* SQLite keeps a few blocks of its own for ever */
    for (int64_t n = 1;; n += n < 400 ? 1 : 17) {
        remove_dir(NULL);
        make_dir(NULL);
        int64_t before = mem_blocks();
        mem_fail_at(n);
        int done = workload(&quick.fs, &e);
        bool fired = mem_fail_fired();
        mem_fail_at(0);
        assert_true(e == ERR_OK || e == ERR_NOMEM);
        assert_int_equal(mem_blocks(), before);
        if (n % 10 == 1) check_rows_after(done);
        if (!fired) break;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_flipped_bit_passes_the_check_of_a_page),
        TEST(a_flipped_bit_is_never_a_wrong_row_and_verify_says_where),
        TEST(the_reason_of_damage_names_file_and_byte),
        TEST(a_foreign_file_is_refused_unchanged),
        TEST(a_death_inside_a_transaction_leaves_the_rows_of_before),
        TEST(a_flipped_bit_in_a_hot_journal_is_never_a_wrong_row),
        TEST(any_failing_call_of_the_disk_loses_nothing),
        TEST(the_same_connection_goes_on_when_the_disk_does),
        TEST(any_failing_allocation_is_clean_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
