/* embed -- writes web_assets.c from the files of the page, for cmake/embed.cmake:
 *
 *     embed OUT.c FILE...            paths are the files' names; index.html is "/"
 *
 * The output depends on the files only (gzip without a time), so equal sources give equal binaries.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct blob {
    unsigned char *bytes;
    size_t size;
};

static const struct {
    const char *suffix, *content_type;
} types[] = {
    {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},   {".svg", "image/svg+xml"},
    {".json", "application/json"},         {".txt", "text/plain; charset=utf-8"},
};

static const char *content_type_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(dot, types[i].suffix) == 0) return types[i].content_type;
    return NULL;
}

static bool read_whole(const char *file, struct blob *ret)
{
    FILE *in = fopen(file, "rb");
    if (!in) return false;
    long size = -1;
    if (fseek(in, 0, SEEK_END) == 0) size = ftell(in);
    rewind(in);
    unsigned char *bytes = size > 0 ? malloc((size_t)size) : NULL;
    bool whole = bytes && fread(bytes, 1, (size_t)size, in) == (size_t)size;
    fclose(in);
    if (!whole) {
        free(bytes);
        return false;
    }
    *ret = (struct blob){bytes, (size_t)size};
    return true;
}

/* gzip (windowBits 15 + 16), best level, no time in the header. */
static bool compress_whole(struct blob in, struct blob *ret)
{
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    size_t room = deflateBound(&z, in.size);
    unsigned char *out = malloc(room);
    z.next_in = in.bytes;
    z.avail_in = (uInt)in.size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    bool done = out && deflate(&z, Z_FINISH) == Z_STREAM_END;
    size_t size = z.total_out;
    deflateEnd(&z);
    if (!done) {
        free(out);
        return false;
    }
    *ret = (struct blob){out, size};
    return true;
}

static void write_array(FILE *out, const char *name, size_t index, struct blob b)
{
    fprintf(out, "static const unsigned char %s_%zu[] = {", name, index);
    for (size_t i = 0; i < b.size; i++) fprintf(out, "%s%u,", i % 24 ? "" : "\n", b.bytes[i]);
    fprintf(out, "\n};\n");
}

/* FNV-1a, 64 bits: tells two versions of a file apart, which is all an ETag is for. */
static uint64_t hash_of(struct blob b)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < b.size; i++) h = (h ^ b.bytes[i]) * 1099511628211u;
    return h;
}

/* Writes the arrays of one file to `out` and its line of the table to `table`. */
static bool embed_file(FILE *out, FILE *table, const char *file, size_t index)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    const char *type = content_type_of(name);
    struct blob plain = {0}, gzip = {0};
    if (!type || !read_whole(file, &plain)) return false;
    if (!compress_whole(plain, &gzip)) {
        free(plain.bytes);
        return false;
    }
    bool smaller = gzip.size < plain.size;
    write_array(out, "plain", index, plain);
    if (smaller) write_array(out, "gzip", index, gzip);
    fprintf(table, "    {\"/%s\", \"%s\", \"\\\"%016llx\\\"\", plain_%zu, %zu, ",
            strcmp(name, "index.html") == 0 ? "" : name, type, (unsigned long long)hash_of(plain),
            index, plain.size);
    if (smaller)
        fprintf(table, "gzip_%zu, %zu},\n", index, gzip.size);
    else
        fprintf(table, "NULL, 0},\n");
    free(plain.bytes);
    free(gzip.bytes);
    return true;
}

int main(int argc, char **argv)
{
    char *table_text = NULL;
    size_t table_size = 0;
    FILE *out = argc > 2 ? fopen(argv[1], "wb") : NULL;
    FILE *table = open_memstream(&table_text, &table_size);
    bool ok = out && table;
    if (ok) fprintf(out, "#include \"api/web_asset.h\"\n");
    for (int i = 2; ok && i < argc; i++) {
        ok = embed_file(out, table, argv[i], (size_t)i);
        if (!ok) fprintf(stderr, "embed: cannot embed %s\n", argv[i]);
    }
    if (table) ok = fclose(table) == 0 && ok;
    if (ok)
        fprintf(out,
                "const struct web_asset web_assets[] = {\n%s};\n"
                "const size_t web_assets_count = sizeof(web_assets) / sizeof(web_assets[0]);\n",
                table_text);
    free(table_text);
    if (out) ok = fclose(out) == 0 && ok;
    return ok ? 0 : 1;
}
