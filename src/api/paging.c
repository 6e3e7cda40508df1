/* Slices of lists (see paging.h). */
#include "api/paging.h"

#include "codec/base64.h"
#include "codec/json_write.h"

#include <stdio.h>

enum { CURSOR_TEXT = 40, PAGE_HIGHEST = 1000000000 };

/* "c" and the id in base64url: opaque, so that it may become something else. */
static bool cursor_read(struct bytes text, int64_t *ret)
{
    char plain[CURSOR_TEXT];
    size_t n = 0;
    if (base64_url_decode(text, plain, sizeof plain, &n) || n < 2 || plain[0] != 'c') return false;
    uint64_t id = 0;
    if (!bytes_to_u64(bytes_of(plain + 1, n - 1), &id) || id > INT64_MAX) return false;
    *ret = (int64_t)id;
    return true;
}

static struct bytes cursor_write(struct api_call *c, int64_t id)
{
    char plain[CURSOR_TEXT];
    int n = snprintf(plain, sizeof plain, "c%lld", (long long)id);
    char *text = arena_alloc(c->arena, base64_encoded_max((size_t)n));
    if (!text) return bytes_of(NULL, 0);
    return bytes_of(text, base64_url_encode(bytes_of(plain, (size_t)n), text));
}

/* A whole number up to `highest`; false: answered. */
static bool number_read(struct api_call *c, const char *name, int64_t highest, int64_t *ret)
{
    struct bytes text = api_query(c, name);
    uint64_t v = 0;
    if (!text.p) return true;
    if (!bytes_to_u64(text, &v) || v > (uint64_t)highest) {
        api_problem(c, 400, "%s must be a whole number from 0.", name);
        return false;
    }
    *ret = (int64_t)v;
    return true;
}

/* "name,desc"; the direction may be missing. */
static bool sort_read(struct api_call *c, struct catalog_page *page)
{
    struct bytes text = api_query(c, "sort"), direction;
    if (!text.n) return true;
    direction = bytes_cut(text, ',', &page->sort);
    page->descending = direction.p && bytes_equal_nocase(direction, BYTES("desc"));
    if (!direction.n || page->descending || bytes_equal_nocase(direction, BYTES("asc")))
        return true;
    api_problem(c, 400, "sort is a name and asc or desc, as in sort=name,asc.");
    return false;
}

bool paging_read(struct api_call *c, struct paging *ret)
{
    struct paging p = {.page = {.size = CATALOG_PAGE_MAX}};
    struct bytes after = api_query(c, "after");
    p.asked = after.p || api_query(c, "page").p || api_query(c, "size").p;
    if (p.asked) p.page.size = PAGING_SIZE;
    if (!number_read(c, "page", PAGE_HIGHEST, &p.page.number)) return false;
    if (!number_read(c, "size", INT32_MAX, &p.page.size)) return false;
    if (p.page.size < 1) p.page.size = 1;
    if (p.page.size > CATALOG_PAGE_MAX) p.page.size = CATALOG_PAGE_MAX;
    if (!sort_read(c, &p.page)) return false;
    if (after.p) {
        p.page.by_cursor = p.page.no_total = true;
        if (p.page.sort.n || (after.n && !cursor_read(after, &p.page.after))) {
            api_problem(c, 400, "after must be a cursor of an earlier answer, without sort.");
            return false;
        }
    }
    *ret = p;
    return true;
}

void paging_open(struct api_call *c, const struct paging *p)
{
    if (p->asked) {
        json_write_open(c->body, '{');
        json_write_key(c->body, "content");
    }
    json_write_open(c->body, '[');
}

/* What a bare array had to leave out is on the pages behind it. */
static void link_next(struct api_call *c, const struct catalog_listing *l)
{
    const struct http1_head *head = http_head(c->exchange);
    if (!l->more) return;
    const char *link = arena_printf(c->arena, "<%.*s?page=1&size=%d%s%.*s>; rel=\"next\"",
                                    (int)head->path.n, head->path.p, CATALOG_PAGE_MAX,
                                    head->query.n ? "&" : "", (int)head->query.n, head->query.p);
    if (link) http_add_header(c->exchange, "Link", bytes_str(link));
}

void paging_close(struct api_call *c, const struct paging *p, const struct catalog_listing *l)
{
    struct buf *b = c->body;
    const struct catalog_page *page = &p->page;
    json_write_close(b, ']');
    if (!p->asked) {
        link_next(c, l);
        return;
    }
    if (page->by_cursor) {
        struct bytes next = l->more ? cursor_write(c, l->last) : bytes_of(NULL, 0);
        json_write_member_str(b, "next", next);
    } else {
        json_write_member_i64(b, "totalElements", l->total);
        json_write_member_i64(b, "totalPages", (l->total + page->size - 1) / page->size);
        json_write_member_i64(b, "number", page->number);
        json_write_member_bool(b, "first", page->number == 0);
    }
    json_write_member_i64(b, "size", page->size);
    json_write_member_u64(b, "numberOfElements", l->count);
    json_write_member_bool(b, "last", !l->more);
    json_write_member_bool(b, "empty", l->count == 0);
    json_write_close(b, '}');
}
