/* Entity tags (see etag.h). */
#include "api/etag.h"

bool etag_is_listed(struct bytes list, struct bytes tag)
{
    while (list.p) {
        struct bytes one;
        list = bytes_cut(list, ',', &one);
        one = bytes_trim(one);
        if (bytes_is(one, "*")) return true;
        if (bytes_starts(one, BYTES("W/"))) one = bytes_of(one.p + 2, one.n - 2);
        if (bytes_equal(one, tag)) return true;
    }
    return false;
}

/* "7" with its quotes; weak tags never match here (RFC 9110, 13.1.1). */
static bool parse_version(struct bytes tag, int64_t *ret)
{
    uint64_t v;
    if (tag.n < 3 || tag.p[0] != '"' || tag.p[tag.n - 1] != '"') return false;
    if (!bytes_to_u64(bytes_of(tag.p + 1, tag.n - 2), &v) || v > INT64_MAX) return false;
    *ret = (int64_t)v;
    return true;
}

struct if_match etag_if_match(struct api_call *c)
{
    struct bytes list = http_header(c->exchange, "If-Match");
    struct if_match m = {.said = list.p != NULL};
    while (list.p) {
        struct bytes one;
        list = bytes_cut(list, ',', &one);
        one = bytes_trim(one);
        if (bytes_is(one, "*")) m.any = true;
        if (m.n < IF_MATCH_MAX && parse_version(one, &m.versions[m.n])) m.n++;
    }
    return m;
}

void etag_answer(struct api_call *c, int status, int64_t version)
{
    const char *tag = arena_printf(c->arena, "\"%lld\"", (long long)version);
    enum http1_method method = http_head(c->exchange)->method;
    bool reads = method == HTTP1_GET || method == HTTP1_HEAD;
    if (tag) http_add_header(c->exchange, "ETag", bytes_str(tag));
    if (tag && reads && etag_is_listed(http_header(c->exchange, "If-None-Match"), bytes_str(tag))) {
        buf_clear(c->body);
        api_answer(c, 304, NULL);
        return;
    }
    api_ok(c, status);
}
