#pragma once
/* tests/helpers/temp_dir.h -- a directory of one test, removed with everything in it.
 * Threads: any.   Memory: the caller owns the struct. */
struct temp_dir {
    char path[64];
};
void temp_dir_make(struct temp_dir *d); /* aborts when it cannot */
void temp_dir_remove(struct temp_dir *d);
