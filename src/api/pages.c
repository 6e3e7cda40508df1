/* The static files of the page at "/", from inside the binary (see pages.h). */
#include "api/pages.h"

#include "api/app.h"
#include "api/web_asset.h"

static bool path_is(struct bytes path, const char *asset)
{
    return bytes_is(path, asset) || (bytes_is(path, "/index.html") && strcmp(asset, "/") == 0);
}

bool pages_answer(struct api_call *c, struct bytes path)
{
    for (size_t i = 0; i < web_assets_count; i++) {
        const struct web_asset *a = &web_assets[i];
        if (!path_is(path, a->path)) continue;
        c->cacheable = true;
        http_add_header(c->exchange, "Cache-Control", BYTES("no-cache"));
        http_add_header(c->exchange, "ETag", bytes_str(a->etag));
        if (bytes_is(http_header(c->exchange, "If-None-Match"), a->etag)) {
            api_answer(c, 304, NULL);
            return true;
        }
        buf_add(c->body, a->bytes, a->size);
        api_answer(c, 200, a->content_type);
        return true;
    }
    return false;
}
