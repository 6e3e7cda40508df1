/* SQLite's memory (see sqlite_mem.h). SQLite asks how large a block is, so each one carries its
 * size in the eight bytes in front of it. */
#include "store/embedded/sqlite_mem.h"

#include "base/mem.h"

#include <pthread.h>
#include <sqlite3.h>

enum { HEAD = 8, LOOKASIDE_BYTES = 256, LOOKASIDE_SLOTS = 32 };

static void *with_size(void *block, int n)
{
    if (!block) return NULL;
    *(int64_t *)block = n;
    return (char *)block + HEAD;
}

static void *block_of(void *p)
{
    return (char *)p - HEAD;
}

static void *take(int n)
{
    return n > 0 ? with_size(mem_alloc((size_t)n + HEAD), n) : NULL;
}

static void give(void *p)
{
    if (p) mem_free(block_of(p));
}

static void *resize(void *p, int n)
{
    return with_size(mem_realloc(block_of(p), (size_t)n + HEAD), n);
}

static int size_of(void *p)
{
    return p ? (int)*(int64_t *)block_of(p) : 0;
}

static int round_up(int n)
{
    return (n + 7) & ~7;
}

static int start(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void stop(void *unused)
{
    (void)unused;
}

static int setup_result;

static void setup(void)
{
    static const sqlite3_mem_methods methods = {
        .xMalloc = take,
        .xFree = give,
        .xRealloc = resize,
        .xSize = size_of,
        .xRoundup = round_up,
        .xInit = start,
        .xShutdown = stop,
    };
    int result = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    if (!result) result = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    /* Every connection is used by one thread at a time: sqlite_sql.c holds a lock. */
    if (!result) result = sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    if (!result) result = sqlite3_config(SQLITE_CONFIG_LOOKASIDE, LOOKASIDE_BYTES, LOOKASIDE_SLOTS);
    setup_result = result;
}

enum err sqlite_mem_setup(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, setup);
    if (setup_result) return ERR_INTERNAL;
    /* Not part of the one time: it can run out of memory and be tried again. */
    return sqlite3_initialize() ? ERR_NOMEM : ERR_OK;
}
