/* The catalog and the power switch: after each change of the disk the power goes, in several ways,
 * and the catalog that is found afterwards holds every transaction that was acknowledged, whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "memory_fs.h"
#include "store/catalog.h"
#include "store/embedded/sqlite_sql.h"

#include <stdio.h>

#define DIR  "/data"
#define PATH DIR "/" CATALOG_FILE

enum { TRANSACTIONS = 6, ROWS = 10, IMAGES_MAX = 4000, IMAGES_EACH = 3, RUNS = 16 };

struct image {
    struct memory_fs *disk;
    int done; /* transactions acknowledged when the power went */
};

static struct image images[IMAGES_MAX];
static size_t image_count;
static int done;
static struct rnd rnd;

/* Only kept here: SQLite is at work, and its images are opened when it is not. */
static void cut_power(void *ctx, struct memory_fs *disk)
{
    (void)ctx;
    for (int i = 0; i < IMAGES_EACH && image_count < IMAGES_MAX; i++) {
        struct memory_fs *after =
            i ? memory_fs_after_power_loss(disk, &rnd) : memory_fs_after_kill(disk);
        images[image_count++] = (struct image){after, done};
    }
}

static enum err script(struct sql_db *db, const char *sql)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    return e ? e : sql_end(tx, tx->ops->script(tx, sql, NULL));
}

static enum err write_rows(struct sql_db *db, int64_t first)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    if (e) return e;
    for (int64_t i = 0; !e && i < ROWS; i++)
        e = sql_exec(tx, "INSERT INTO t (k, v) VALUES ($1, $2)",
                     SQL_ARGS(SQL_I(first + i), SQL_T(BYTES("a value of some length"))), NULL);
    if (!e) /* touches every page of before */
        e = sql_exec(tx, "UPDATE t SET n = $1", SQL_ARGS(SQL_I(1000 + first)), NULL);
    return sql_end(tx, e);
}

static void work(struct memory_fs *disk)
{
    struct sql_db *db;
    const struct fs *fs = memory_fs_ops(disk);
    done = -1; /* not even the table */
    assert_int_equal(sqlite_sql_open(&db, &(struct sqlite_sql_opts){fs, PATH, 0}, NULL), ERR_OK);
    assert_int_equal(
        script(db, "CREATE TABLE t (k BIGINT PRIMARY KEY, v TEXT, n BIGINT DEFAULT 1000);"),
        ERR_OK);
    done = 0;
    for (int i = 0; i < TRANSACTIONS; i++) {
        assert_int_equal(write_rows(db, (int64_t)i * ROWS), ERR_OK);
        done++;
    }
    db->ops->close(db);
}

/* Rows, and how many different values of n: more than one is half a transaction. */
static enum err look(struct sql_db *db, int64_t *ret_rows, int64_t *ret_kinds)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    e = sql_query(tx, "SELECT count(*), count(DISTINCT n) FROM t", SQL_NO_ARGS, &c);
    if (!e) {
        e = sql_next(c, &row);
        if (!e) {
            *ret_rows = row.columns[0].as.i;
            *ret_kinds = row.columns[1].as.i;
        }
        sql_finish(c);
    }
    sql_rollback(tx);
    return e;
}

static void say_fault(void *ctx, const char *file, int64_t offset, const char *what)
{
    (void)ctx;
    print_error("%s, byte %lld: %s\n", file, (long long)offset, what);
}

static void check(const struct image *image, size_t which, uint64_t seed)
{
    struct sql_db *db;
    struct why why = {""};
    const struct fs *fs = memory_fs_ops(image->disk);
    int64_t rows = 0, kinds = 0;
    if (sqlite_sql_open(&db, &(struct sqlite_sql_opts){fs, PATH, 0}, &why))
        fail_msg("seed %llu image %zu: %s", (unsigned long long)seed, which, why.text);
    enum err e = look(db, &rows, &kinds);
    db->ops->close(db);
    if (image->done < 0 && e == ERR_INTERNAL) return; /* no table yet, and none was promised */
    assert_int_equal(e, ERR_OK);
    int64_t least = (image->done < 0 ? 0 : image->done) * ROWS;
    if ((rows != least && rows != least + ROWS) || kinds > 1)
        fail_msg("seed %llu image %zu: %lld rows of %lld, %lld kinds", (unsigned long long)seed,
                 which, (long long)rows, (long long)least, (long long)kinds);
    assert_int_equal(catalog_verify(fs, DIR, say_fault, NULL), ERR_OK);
}

static void every_acknowledged_transaction_survives_a_power_loss(void **state)
{
    (void)state;
    size_t total = 0;
    for (int run = 0; run < RUNS; run++) {
        uint64_t seed = rnd_u64(rnd_system());
        rnd_seed(&rnd, seed);
        struct memory_fs *disk = memory_fs_new();
        assert_int_equal(fs_mkdir(memory_fs_ops(disk), DIR), ERR_OK);
        assert_int_equal(fs_sync_dir(memory_fs_ops(disk), "/"), ERR_OK);
        image_count = 0;
        memory_fs_hook(disk, cut_power, NULL);
        work(disk);
        for (size_t i = 0; i < image_count; i++) {
            check(&images[i], i, seed);
            memory_fs_free(images[i].disk);
        }
        total += image_count;
        memory_fs_free(disk);
    }
    print_message("%zu images, 0 lost\n", total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_acknowledged_transaction_survives_a_power_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
