/* Devices through pilot-devices (see cached_devices.h). */
#include "api/cached_devices.h"

#include "api/app.h"
#include "api/cached_answer.h"
#include "api/devices_json.h"
#include "codec/json_write.h"
#include "query/cached_catalog.h"

enum { ENTRY_MAX = 64 << 20, ARENA_MAX = 64 << 20 };

/* What stands before the two texts of a device. */
struct head {
    int64_t device, seen_ns;
    uint32_t before, behind;
};

struct question {
    struct app *app;
    int64_t org;
    const struct device_query *query; /* NULL: the one called id */
    const struct catalog_page *page;
    struct bytes id;
    struct arena *arena;
    struct why *why;
};

/* --- making an entry -------------------------------------------------------------------------- */

static void add_device(struct buf *out, const struct device *d)
{
    struct head head = {.device = d->id, .seen_ns = d->last_seen_ns};
    struct buf before, behind;
    buf_init(&before, ENTRY_MAX);
    buf_init(&behind, ENTRY_MAX);
    devices_json_write_head(&before, d);
    devices_json_write_tail(&behind, d, NULL);
    head.before = (uint32_t)before.n;
    head.behind = (uint32_t)behind.n;
    buf_add(out, &head, sizeof head);
    buf_add_bytes(out, buf_bytes(&before));
    buf_add_bytes(out, buf_bytes(&behind));
    if (before.err || behind.err) out->err = before.err ? before.err : behind.err;
    buf_done(&before);
    buf_done(&behind);
}

static enum err make(void *ctx, struct buf *out)
{
    const struct question *q = ctx;
    struct catalog_listing listing;
    struct device one, *devices = &one;
    enum err e;
    memset(&listing, 0, sizeof listing); /* its padding goes into the entry */
    if (q->query) {
        e = device_service_list(q->app->devices, q->org, q->query, q->page, q->arena, &devices,
                                &listing, q->why);
    } else {
        e = device_service_find(q->app->devices, q->org, q->id, q->arena, &one);
        listing.count = 1;
    }
    if (e) return e;
    buf_add(out, &listing, sizeof listing);
    for (size_t i = 0; i < listing.count; i++) add_device(out, &devices[i]);
    return out->err;
}

/* --- answering from it ------------------------------------------------------------------------ */

static struct bytes take(struct bytes *rest, size_t n)
{
    struct bytes taken = bytes_of(rest->p, n);
    *rest = bytes_of(rest->p + n, rest->n - n);
    return taken;
}

/* Another version of this program may have left it in Redis. */
static bool is_whole(struct bytes rest)
{
    struct catalog_listing listing;
    struct head head;
    if (rest.n < sizeof listing) return false;
    memcpy(&listing, take(&rest, sizeof listing).p, sizeof listing);
    for (size_t i = 0; i < listing.count; i++) {
        if (rest.n < sizeof head) return false;
        memcpy(&head, take(&rest, sizeof head).p, sizeof head);
        if (rest.n < (size_t)head.before + head.behind) return false;
        (void)take(&rest, (size_t)head.before + head.behind);
    }
    return !rest.n;
}

/* What the registry knows of it now (device_service.h, D2). */
static void write_one(struct app *app, int64_t org, struct bytes *rest, int64_t now_ns,
                      struct buf *out)
{
    struct head head;
    memcpy(&head, take(rest, sizeof head).p, sizeof head);
    struct device d = {.last_seen_ns = head.seen_ns};
    const struct reg_device *r = registry_find_key(app->registry, org, head.device);
    if (r) {
        int64_t seen = atomic_load_explicit(&r->last_seen_ns, memory_order_relaxed);
        if (seen > d.last_seen_ns) d.last_seen_ns = seen;
        d.health_checked_ns = atomic_load_explicit(&r->health_checked_ns, memory_order_relaxed);
        d.health = atomic_load_explicit(&r->health, memory_order_relaxed);
    }
    json_write_raw(out, take(rest, head.before));
    devices_json_write_live(out, &d, now_ns);
    json_write_raw(out, take(rest, head.behind));
}

/* Which list, or which one. */
static void write_name(struct buf *name, const struct question *q)
{
    const struct device_query *f = q->query;
    if (!f) {
        cached_answer_name_text(name, q->id);
        return;
    }
    buf_printf(name, "list%lld,%d,", (long long)f->group, f->located);
    cached_answer_name_text(name, f->q);
    cached_answer_name_text(name, f->tag);
    cached_answer_name_page(name, q->page);
}

/* Answers that follow the clock or the latest readings are in no cache. */
static bool is_cached(const struct question *q)
{
    return !q->query ||
           !(q->query->by_status || q->query->deleted || bytes_is(q->page->sort, "lastSeenAt"));
}

static enum err read_entry(struct question *q, struct buf *entry)
{
    struct buf name;
    buf_init(&name, 4096);
    write_name(&name, q);
    const struct cache_question asked = {CACHE_DEVICES, q->org, buf_bytes(&name),
                                         cached_catalog_slot(q->org)};
    enum err e = name.err || !is_cached(q) ? make(q, entry)
                                           : cache_read(q->app->cache, &asked, make, q, entry);
    buf_done(&name);
    return e ? e : entry->err;
}

static enum err answer(struct question *q, struct buf *out, struct catalog_listing *ret)
{
    struct buf entry;
    struct catalog_listing listing;
    buf_init(&entry, ENTRY_MAX);
    enum err e = read_entry(q, &entry);
    if (!e && !is_whole(buf_bytes(&entry))) {
        buf_clear(&entry);
        e = make(q, &entry);
    }
    if (!e) {
        struct bytes rest = buf_bytes(&entry);
        int64_t now = clock_wall_ns(q->app->clock);
        memcpy(&listing, take(&rest, sizeof listing).p, sizeof listing);
        for (size_t i = 0; i < listing.count; i++) write_one(q->app, q->org, &rest, now, out);
        *ret = listing;
    }
    buf_done(&entry);
    return e;
}

enum err cached_devices_list(struct api_call *c, const struct device_query *query,
                             const struct catalog_page *page, struct catalog_listing *ret_listing,
                             struct why *why)
{
    struct question q = {.app = c->app,
                         .org = c->who.org,
                         .query = query,
                         .page = page,
                         .arena = c->arena,
                         .why = why};
    return answer(&q, c->body, ret_listing);
}

enum err cached_devices_one(struct api_call *c, struct bytes id)
{
    struct catalog_listing unused;
    struct question q = {.app = c->app, .org = c->who.org, .id = id, .arena = c->arena};
    return answer(&q, c->body, &unused);
}

enum err cached_devices_warm(struct app *app, int64_t org)
{
    const struct device_query all = {.by_status = false};
    const struct catalog_page page = {.size = CATALOG_PAGE_MAX, .no_total = true};
    struct arena arena;
    struct buf entry;
    struct why why;
    struct question q = {
        .app = app, .org = org, .query = &all, .page = &page, .arena = &arena, .why = &why};
    arena_init(&arena, ARENA_MAX);
    buf_init(&entry, ENTRY_MAX);
    enum err e = read_entry(&q, &entry);
    buf_done(&entry);
    arena_done(&arena);
    return e;
}
