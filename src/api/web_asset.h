#pragma once
/* api/web_asset.h -- the files of the page at "/", carried inside the binary. The build writes the
 * table (cmake/embed.cmake, tools/embed.c) from web/plain/, so that there is nothing to install
 * beside the server and nothing to read at run time.
 * Threads: immutable.   Memory: static. */
#include <stddef.h>

struct web_asset {
    const char *path;         /* "/", "/app.js": what a browser asks for */
    const char *content_type; /* "text/html; charset=utf-8" */
    const char *etag;         /* with its quotes; changes with the bytes */
    const unsigned char *bytes;
    size_t size;
    const unsigned char *gzip; /* the same, compressed once; NULL when that would not be smaller */
    size_t gzip_size;
};

extern const struct web_asset web_assets[];
extern const size_t web_assets_count;
