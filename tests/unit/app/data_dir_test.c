/* The data directory: who gets it, and what everybody else is told. */
#include "app/data_dir.h"
#include "temp_dir.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct temp_dir temp;

static int make_dir(void **state)
{
    (void)state;
    temp_dir_make(&temp);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    temp_dir_remove(&temp);
    return 0;
}

static const char *inside(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", temp.path, name);
    return path;
}

static void missing_parents_are_made_for_the_owner_only(void **state)
{
    (void)state;
    struct data_dir d;
    struct stat about;
    assert_int_equal(data_dir_open(&d, fs_real(), inside("a/b/c"), DATA_DIR_CREATE, NULL), ERR_OK);
    assert_int_equal(stat(inside("a/b/c"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    data_dir_close(&d);
    data_dir_close(&d); /* closed already is fine */
}

static void second_owner_is_refused_and_told_the_pid(void **state)
{
    (void)state;
    struct data_dir first, second;
    struct why why;
    char pid[32];
    assert_int_equal(data_dir_open(&first, fs_real(), temp.path, DATA_DIR_CREATE, &why), ERR_OK);
    assert_int_equal(data_dir_open(&second, fs_real(), temp.path, DATA_DIR_EXISTING, &why),
                     ERR_LOCKED);
    snprintf(pid, sizeof pid, "process %d;", (int)getpid());
    assert_non_null(strstr(why.text, pid));
    assert_non_null(strstr(why.text, temp.path));
    data_dir_close(&first);
    assert_int_equal(data_dir_open(&second, fs_real(), temp.path, DATA_DIR_EXISTING, &why), ERR_OK);
    data_dir_close(&second);
}

static void looking_at_nothing_makes_nothing(void **state)
{
    (void)state;
    struct data_dir d;
    struct why why;
    assert_int_equal(data_dir_open(&d, fs_real(), inside("none"), DATA_DIR_EXISTING, &why),
                     ERR_NOTFOUND);
    assert_non_null(strstr(why.text, "no installation"));
    assert_int_equal(access(inside("none"), F_OK), -1);
}

static int refuse_mkdir(const struct fs *fs, const char *path, int mode)
{
    (void)fs;
    (void)path;
    (void)mode;
    return -EROFS;
}

/* As a kernel answers below a directory of somebody else: not allowed, then not there. */
static int refuse_mkdir_of_parents(const struct fs *fs, const char *path, int mode)
{
    (void)fs;
    (void)mode;
    return strstr(path, "/new/deep") ? -ENOENT : -EACCES;
}

static int refuse_open(const struct fs *fs, const char *path, int flags, int mode)
{
    (void)fs;
    (void)path;
    (void)flags;
    (void)mode;
    return -EACCES;
}

static void directory_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct data_dir d;
    struct why why;
    struct fs fs = *fs_real();
    fs.open = refuse_open;
    assert_int_equal(data_dir_open(&d, &fs, temp.path, DATA_DIR_CREATE, &why), ERR_READONLY);
    assert_non_null(strstr(why.text, "not writable"));
    assert_non_null(strstr(why.text, temp.path));
    fs = *fs_real();
    fs.mkdir = refuse_mkdir;
    assert_int_equal(data_dir_open(&d, &fs, inside("new"), DATA_DIR_CREATE, &why), ERR_READONLY);
    assert_non_null(strstr(why.text, "--data"));
    fs.mkdir = refuse_mkdir_of_parents;
    assert_int_equal(data_dir_open(&d, &fs, inside("new/deep"), DATA_DIR_CREATE, &why),
                     ERR_READONLY);
    assert_non_null(strstr(why.text, "not writable"));
}

static void path_below_a_file_or_too_long_is_refused(void **state)
{
    (void)state;
    struct data_dir d;
    struct why why;
    char path[1000];
    FILE *f = fopen(inside("file"), "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(data_dir_open(&d, fs_real(), inside("file/x"), DATA_DIR_CREATE, &why),
                     ERR_INVALID);
    assert_int_equal(data_dir_open(&d, fs_real(), inside("file"), DATA_DIR_CREATE, &why),
                     ERR_INVALID);
    assert_non_null(strstr(why.text, "file is not a directory"));
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    assert_int_equal(data_dir_open(&d, fs_real(), path, DATA_DIR_CREATE, &why), ERR_TOOLARGE);
    assert_int_equal(data_dir_open(&d, fs_real(), "", DATA_DIR_CREATE, &why), ERR_TOOLARGE);
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(missing_parents_are_made_for_the_owner_only),
        IN_DIR(second_owner_is_refused_and_told_the_pid),
        IN_DIR(looking_at_nothing_makes_nothing),
        IN_DIR(directory_that_cannot_be_written_is_named),
        IN_DIR(path_below_a_file_or_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
