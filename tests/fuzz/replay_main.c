/* Feeds every file of a corpus folder to one fuzz target, so that plain builds replay what fuzzing
 * found. Prints how many files it fed; an empty or missing folder fails. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int feed(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f) return 1;
    uint8_t *p = malloc(1 << 20);
    size_t n = p ? fread(p, 1, 1 << 20, f) : 0;
    fclose(f);
    uint8_t *exact = malloc(n ? n : 1); /* its own block, so that a read past the end is seen */
    if (!p || !exact) return 1;
    for (size_t i = 0; i < n; i++) exact[i] = p[i];
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    free(p);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    int fed = 0, failed = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.') {
            failed |= feed(argv[1], e->d_name);
            fed++;
        }
    closedir(dir);
    printf("%d corpus files replayed\n", fed);
    return failed || !fed;
}
