#pragma once
/* store/embedded/sqlite_mem.h -- sets SQLite up once per process: its memory comes from base/mem.h,
 * so a test can make its N-th allocation fail and see that nothing leaks.   Threads: any. */
#include "base/err.h"

/* Before any other call of SQLite; later calls do nothing. */
enum err sqlite_mem_setup(void) MUST_CHECK;
