/* A snapshot is of one instant: a thread writes a reading, then tells of it in the catalog, then
 * writes the next, as fast as it can; whatever snapshot is taken meanwhile, the catalog tells of
 * the last reading or of the one before. */
#include "app/backup_snapshot.h"

#include "store/catalog.h"
#include "store/catalog_settings.h"
#include "store/embedded/engine.h"
#include "store/embedded/manifest.h"
#include "sys/thread.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { SNAPSHOTS = 40, PATH_BYTES = 400 };

struct chain {
    struct temp_dir dir;
    struct fs fs;
    struct telemetry *engine;
    struct sql_db *db;
    _Atomic int64_t done; /* of which both are there; release, read before a snapshot */
    _Atomic bool stop;
};

static int no_sync(const struct fs *fs, int fd)
{
    (void)fs;
    (void)fd;
    return 0;
}

static void write_reading(struct telemetry *t, int64_t k)
{
    struct record record = {.org = 1, .device = 1, .ts_ns = k, .count = 1};
    struct point point = {.series = 1, .value = (double)k};
    struct record_set set = {&record, 1, &point, 1};
    const struct record_set *sets[] = {&set};
    struct why why;
    assert_int_equal(telemetry_write(t, sets, 1, &why), ERR_OK);
}

static void tell(struct sql_db *db, int64_t k)
{
    char text[24];
    struct sql_tx *tx;
    snprintf(text, sizeof text, "%lld", (long long)k);
    const struct setting s = {BYTES("k"), bytes_str(text), BYTES("test"), k};
    assert_int_equal(sql_begin(db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_settings_put(tx, &s)), ERR_OK);
}

static void *run_chain(void *arg)
{
    struct chain *c = arg;
    for (int64_t k = 1; !atomic_load(&c->stop); k++) {
        write_reading(c->engine, k);
        tell(c->db, k);
        atomic_store(&c->done, k);
    }
    return NULL;
}

/* --- what a snapshot says -------------------------------------------------------------------- */

static int64_t read_told(const char *dir)
{
    struct sql_db *db;
    struct sql_tx *tx;
    struct arena arena;
    struct setting s;
    struct why why;
    int64_t told = 0;
    arena_init(&arena, 1 << 16);
    assert_int_equal(catalog_open_raw(&db, fs_real(), dir, &why), ERR_OK);
    assert_int_equal(sql_begin(db, SQL_READ, &tx), ERR_OK);
    enum err e = catalog_settings_get(tx, BYTES("k"), &arena, &s);
    assert_true(!e || e == ERR_NOTFOUND);
    if (!e) assert_true(bytes_to_i64(s.value, &told));
    sql_rollback(tx);
    catalog_close(db);
    arena_done(&arena);
    return told;
}

static void link_to(const char *from_dir, const char *to_dir, const char *name)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    snprintf(from, sizeof from, "%s/%s", from_dir, name);
    snprintf(to, sizeof to, "%s/%s", to_dir, name);
    assert_int_equal(link(from, to), 0);
}

/* Opened as a restore would: the files that the manifest lists, and no log. */
static int64_t read_last(const struct chain *c, const char *backup)
{
    char telemetry[PATH_BYTES], name[SEGMENT_NAME_BYTES];
    struct temp_dir copy;
    struct manifest m;
    struct telemetry *t;
    struct why why;
    const int64_t series = 1;
    struct sample last;
    temp_dir_make(&copy);
    snprintf(telemetry, sizeof telemetry, "%s/telemetry", c->dir.path);
    assert_int_equal(manifest_load(&m, fs_real(), backup, &why), ERR_OK);
    for (size_t i = 0; i < m.file_count; i++) {
        segment_name(name, m.files[i].id);
        link_to(telemetry, copy.path, name);
    }
    link_to(backup, copy.path, MANIFEST_NAME);
    const struct engine_opts opts = {.dir = copy.path, .fs = &c->fs, .clock = clock_real()};
    assert_int_equal(engine_open(&t, &opts, &why), ERR_OK);
    assert_int_equal(telemetry_latest(t, 1, &series, 1, &last), ERR_OK);
    telemetry_close(t);
    manifest_done(&m);
    temp_dir_remove(&copy);
    return last.ts_ns == INT64_MIN ? 0 : last.ts_ns;
}

static void take_one(struct chain *c)
{
    char backup[PATH_BYTES];
    struct backup_snapshot *s;
    struct why why;
    int64_t before = atomic_load(&c->done);
    snprintf(backup, sizeof backup, "%s/" BACKUP_DIR, c->dir.path);
    assert_int_equal(backup_snapshot_new(&s, c->engine, c->db, c->dir.path, &why), ERR_OK);
    int64_t last = read_last(c, backup), told = read_told(backup);
    if (told < before || last < told || last > told + 1)
        fail_msg("the catalog tells of %lld, the last reading is %lld, %lld were there before",
                 (long long)told, (long long)last, (long long)before);
    backup_snapshot_free(s);
    assert_int_equal(access(backup, F_OK), -1);
}

static void the_catalog_and_the_readings_are_of_one_instant(void **state)
{
    (void)state;
    struct chain c = {.fs = *fs_real()};
    char telemetry[PATH_BYTES];
    struct why why;
    pthread_t thread;
    c.fs.sync = c.fs.data_sync = no_sync;
    temp_dir_make(&c.dir);
    snprintf(telemetry, sizeof telemetry, "%s/telemetry", c.dir.path);
    const struct engine_opts opts = {.dir = telemetry, .fs = &c.fs, .clock = clock_real()};
    assert_int_equal(catalog_open(&c.db, &c.fs, c.dir.path, clock_real(), &why), ERR_OK);
    assert_int_equal(engine_open(&c.engine, &opts, &why), ERR_OK);
    assert_int_equal(thread_start(&thread, run_chain, &c, "chain", 0), ERR_OK);
    for (int i = 0; i < SNAPSHOTS; i++) {
        take_one(&c);
        if (i % 8 == 0) assert_int_equal(telemetry_maintain(c.engine), ERR_OK);
    }
    atomic_store(&c.stop, true);
    pthread_join(thread, NULL);
    telemetry_close(c.engine);
    catalog_close(c.db);
    temp_dir_remove(&c.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalog_and_the_readings_are_of_one_instant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
