/* Rows through telemetry-query (see recent_rows.h). */
#include "api/recent_rows.h"

#include "api/deadline.h"
#include "cache/cache_read.h"
#include "codec/json_write.h"
#include "query/cached_telemetry.h"
#include "query/rows.h"

/* Of an entry: a few more rows than an answer has when nobody says how many. A question for a few
 * is answered by the store sooner than by reading the window. */
enum { ROWS_KEPT = 12000, TEXT_KEPT = 2 << 20, ENTRY_MAX = 4 << 20, LIMIT_LEAST = 1000 };
#define RANGE_MAX (7 * NS_PER_DAY)

struct head {
    uint32_t n, bytes;
    uint64_t more; /* there are rows behind, which did not fit */
};
struct place {
    int64_t ts_ns;
    uint64_t at; /* of its text */
};

/* What an entry is called: which variables is in two hashes of 64 bits, whatever their number. */
struct name {
    int64_t device, from_ns, to_ns;
    uint64_t limit, descending, hashes[2];
};

struct reading {
    struct api_call *c;
    const struct recent_rows_question *q;
    struct name name;
    struct buf places, text;
};

/* --- the window ------------------------------------------------------------------------------- */

/* Windows begin and end at multiples of a twelfth of the range or so. */
static int64_t unit_of(int64_t range_ns)
{
    static const struct {
        int64_t range_ns, unit_ns;
    } units[] = {
        {15 * NS_PER_MINUTE, NS_PER_MINUTE},
        {2 * NS_PER_HOUR, 5 * NS_PER_MINUTE},
        {12 * NS_PER_HOUR, 30 * NS_PER_MINUTE},
        {2 * NS_PER_DAY, 2 * NS_PER_HOUR},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (range_ns <= units[i].range_ns) return units[i].unit_ns;
    return NS_PER_DAY / 2;
}

static struct name name_of(struct api_call *c, const struct recent_rows_question *q)
{
    struct name n = {.device = q->device->id, .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    if (q->descending) {
        n.limit = q->limit;
        n.descending = 1;
    } else {
        int64_t unit = unit_of(q->to_ns - q->from_ns), now = clock_wall_ns(c->app->clock);
        n.from_ns = q->from_ns - q->from_ns % unit;
        if (q->to_ns < now - unit) n.to_ns = q->to_ns - q->to_ns % unit + unit;
    }
    for (int h = 0; h < 2; h++)
        n.hashes[h] =
            bytes_hash(bytes_of(q->list->ids, q->list->n * sizeof *q->list->ids), (uint64_t)h + 1);
    return n;
}

/* Recent data as dashboards ask for it. */
static bool has_window(const struct recent_rows_question *q)
{
    if (q->descending)
        return q->from_ns == INT64_MIN && q->to_ns == INT64_MAX && q->limit <= LIMIT_LEAST;
    return q->from_ns >= 0 && q->to_ns < INT64_MAX - RANGE_MAX &&
           q->to_ns - q->from_ns <= RANGE_MAX && q->limit >= LIMIT_LEAST;
}

/* --- making an entry -------------------------------------------------------------------------- */

static enum err read_all(struct reading *r, struct rows *rows, struct head *head)
{
    const struct recent_rows_question *q = r->q;
    uint64_t most = q->descending ? q->limit : ROWS_KEPT;
    int64_t ts = 0;
    const double *values;
    enum err e;
    while (!(e = rows_next(rows, &ts, &values))) {
        struct place place = {ts, r->text.n};
        head->more = head->n == most || r->text.n > TEXT_KEPT;
        if (head->more) break;
        buf_add(&r->places, &place, sizeof place);
        series_write_row(&r->text, q->device->external_id, ts, q->list, values, true);
        buf_add_char(&r->text, ',');
        head->n++;
    }
    head->bytes = (uint32_t)r->text.n;
    return e == ERR_END ? ERR_OK : e;
}

static enum err make(void *ctx, struct buf *out)
{
    struct reading *r = ctx;
    const struct name *n = &r->name;
    const struct rows_spec spec = {
        .org = r->q->device->org,
        .device = r->q->device->id,
        .series = r->q->list->ids,
        .n = r->q->list->n,
        .from_ns = n->from_ns,
        .to_ns = n->to_ns,
        .descending = r->q->descending,
        .limit = deadline_of(r->c, DEADLINE_ROWS),
    };
    struct rows *rows;
    struct head head = {.n = 0};
    enum err e = rows_open(&rows, r->c->app->telemetry, &spec);
    if (e) return e;
    e = read_all(r, rows, &head);
    rows_close(rows);
    if (!e) e = r->places.err ? r->places.err : r->text.err;
    if (e) return e;
    buf_add(out, &head, sizeof head);
    buf_add_bytes(out, buf_bytes(&r->places));
    buf_add_bytes(out, buf_bytes(&r->text));
    return out->err;
}

/* --- answering from it ------------------------------------------------------------------------ */

/* How many of the n rows lie before ts. */
static uint32_t rows_before(const struct place *places, uint32_t n, int64_t ts_ns)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (places[middle].ts_ns < ts_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* False: the rest of the answer did not fit into the entry. */
static bool cut(struct bytes entry, const struct recent_rows_question *q, struct buf *out,
                int64_t *ret_next_ns)
{
    struct head head;
    memcpy(&head, entry.p, sizeof head);
    const struct place *places = (const struct place *)(const void *)(entry.p + sizeof head);
    const char *text = (const char *)(places + head.n);
    uint32_t first = 0, end = head.n;
    if (!q->descending) {
        first = rows_before(places, head.n, q->from_ns);
        end = rows_before(places, head.n, q->to_ns + 1);
    }
    bool cut_off = head.more && end == head.n && end - first <= q->limit;
    if (cut_off && !(q->descending && head.n == q->limit)) return false;
    *ret_next_ns = INT64_MIN;
    if (end - first > q->limit) {
        end = first + (uint32_t)q->limit;
        if (!q->descending) *ret_next_ns = places[end - 1].ts_ns;
    }
    buf_add_char(out, '[');
    if (end > first) {
        uint64_t stop = end < head.n ? places[end].at : head.bytes;
        buf_add(out, text + places[first].at, (size_t)(stop - places[first].at) - 1);
    }
    buf_add_char(out, ']');
    return true;
}

enum err recent_rows_answer(struct api_call *c, const struct recent_rows_question *q,
                            bool *ret_done, int64_t *ret_next_ns)
{
    struct reading r = {.c = c, .q = q};
    *ret_done = false;
    if (!has_window(q)) return ERR_OK;
    r.name = name_of(c, q);
    const struct cache_question asked = {
        CACHE_QUERIES, q->device->org, bytes_of(&r.name, sizeof r.name),
        cached_telemetry_device_slot(q->device->org, q->device->id)};
    struct buf entry;
    buf_init(&entry, ENTRY_MAX);
    buf_init(&r.places, ENTRY_MAX);
    buf_init(&r.text, ENTRY_MAX);
    enum err e = cache_read(c->app->cache, &asked, make, &r, &entry);
    if (!e) e = entry.err;
    if (!e) *ret_done = cut(buf_bytes(&entry), q, c->body, ret_next_ns);
    buf_done(&r.text);
    buf_done(&r.places);
    buf_done(&entry);
    return e;
}
