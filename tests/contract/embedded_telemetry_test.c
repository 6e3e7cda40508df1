/* The embedded store keeps the contract of store/telemetry.h. Nothing here is about power loss,
 * so that syncs, which take most of the time, do nothing. */
#include "fault_fs.h"
#include "store/embedded/engine.h"
#include "telemetry_suite.h"
#include "temp_dir.h"

struct embedded_maker {
    struct telemetry_maker maker;
    struct temp_dir dir;
    struct fs fs;
};

static int no_sync(const struct fs *fs, int fd)
{
    (void)fs;
    (void)fd;
    return 0;
}

/* Little memory and short log segments: flushes, merges and rolling over happen all the time. */
static enum err open_engine(struct telemetry_maker *maker, struct telemetry **ret, struct why *why)
{
    struct embedded_maker *m = (struct embedded_maker *)maker;
    struct engine_opts opts = {m->dir.path, &m->fs, clock_real(), UINT64_C(4) << 20,
                               UINT64_C(256) << 10};
    return engine_open(ret, &opts, why);
}

static void wipe(struct telemetry_maker *maker)
{
    struct embedded_maker *m = (struct embedded_maker *)maker;
    temp_dir_remove(&m->dir);
    temp_dir_make(&m->dir);
}

/* Long reads of dense series; and the very operations that PostgreSQL makes. */
static const struct telemetry_random runs[] = {
    {2024, 200000, 1},
    {2024, RANDOM_POSTGRES, 10},
    {2025, RANDOM_POSTGRES, 10},
};

int main(void)
{
    struct embedded_maker m = {.maker = {"embedded", open_engine, wipe}, .fs = *fs_real()};
    m.fs.sync = no_sync;
    m.fs.data_sync = no_sync;
    temp_dir_make(&m.dir);
    int failed = telemetry_suite_run(&m.maker);
    failed += telemetry_suite_run_copies(&m.maker);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        failed += telemetry_suite_run_random(&m.maker, &runs[i]);
    temp_dir_remove(&m.dir);
    return failed;
}
