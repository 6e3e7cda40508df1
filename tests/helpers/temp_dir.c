/* A directory of one test (see temp_dir.h). */
#include "temp_dir.h"

#include "base/err.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void temp_dir_make(struct temp_dir *d)
{
    const char *below = getenv("TMPDIR");
    int n = snprintf(d->path, sizeof d->path, "%s/sv-test-XXXXXX", below ? below : "/tmp");
    bug_if(n < 0 || (size_t)n >= sizeof d->path);
    bug_if(!mkdtemp(d->path));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st;
    (void)kind;
    (void)walk;
    return remove(path);
}

void temp_dir_remove(struct temp_dir *d)
{
    nftw(d->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
