/* The audit trail (see catalog_events.h). */
#include "store/catalog_events.h"

#include "store/catalog_rows.h"

#include <stdio.h>

#define COLUMNS                                                                                    \
    "id, org, type, severity, entity_type, entity_id, title, description, metadata, user_id, "     \
    "device, (SELECT d.external_id FROM devices d WHERE d.org = events.org "                       \
    "AND d.id = events.device), actor, address, request_id, created_ns"

enum { GROUPS_MAX = 1000 };

static void read_event(struct catalog_reader *r, void *item)
{
    struct event *e = item;
    e->id = catalog_rows_int(r);
    e->org = catalog_rows_int(r);
    e->type = catalog_rows_text(r);
    e->severity = (enum event_severity)catalog_rows_int(r);
    e->entity_type = catalog_rows_text(r);
    e->entity_id = catalog_rows_text(r);
    e->title = catalog_rows_text(r);
    e->description = catalog_rows_text(r);
    e->metadata = catalog_rows_text(r);
    e->user = catalog_rows_int(r);
    e->device = catalog_rows_int(r);
    e->device_name = catalog_rows_text(r);
    e->actor = catalog_rows_text(r);
    e->address = catalog_rows_text(r);
    e->request_id = catalog_rows_text(r);
    e->created_ns = catalog_rows_int(r);
}

enum err catalog_events_append(struct sql_tx *tx, struct event *e)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO events (org, type, severity, entity_type, entity_id, title, description, "
        "metadata, user_id, device, actor, address, request_id, created_ns) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id",
        SQL_ARGS(SQL_I(e->org), SQL_T(e->type), SQL_I((int64_t)e->severity),
                 catalog_rows_opt(e->entity_type), catalog_rows_opt(e->entity_id),
                 catalog_rows_opt(e->title), catalog_rows_opt(e->description),
                 catalog_rows_opt(e->metadata), SQL_I(e->user), SQL_I(e->device),
                 catalog_rows_opt(e->actor), catalog_rows_opt(e->address),
                 catalog_rows_opt(e->request_id), SQL_I(e->created_ns)),
        &e->id);
}

enum err catalog_events_remove(struct sql_tx *tx, int64_t org, int64_t before_ns, int64_t max,
                               int64_t *ret_removed)
{
    if (tx->ops->dialect == SQL_POSTGRES) /* the same, as a function there */
        return catalog_rows_number(tx, "SELECT cleanup_old_events($1, $2, $3)",
                                   SQL_ARGS(SQL_I(org), SQL_I(before_ns), SQL_I(max)), ret_removed);
    enum err e = sql_exec(tx, "INSERT INTO event_removals (org, before_ns) VALUES ($1, $2)",
                          SQL_ARGS(SQL_I(org), SQL_I(before_ns)), NULL);
    if (!e)
        e = sql_exec(tx,
                     "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE org = $1 "
                     "AND created_ns < $2 ORDER BY created_ns LIMIT $3)",
                     SQL_ARGS(SQL_I(org), SQL_I(before_ns), SQL_I(max)), ret_removed);
    if (e) return e;
    return sql_exec(tx, "DELETE FROM event_removals WHERE org = $1", SQL_ARGS(SQL_I(org)), NULL);
}

enum err catalog_events_has_old(struct sql_tx *tx, int64_t org, int64_t before_ns, bool *ret)
{
    int64_t n = 0;
    enum err e = catalog_rows_number(tx,
                                     "SELECT count(*) FROM (SELECT id FROM events WHERE org = $1 "
                                     "AND created_ns < $2 LIMIT 1) old",
                                     SQL_ARGS(SQL_I(org), SQL_I(before_ns)), &n);
    if (!e) *ret = n > 0;
    return e;
}

static struct catalog_where where_of(int64_t org, const struct event_filter *f)
{
    struct catalog_where w = {0};
    catalog_rows_where(&w, "org = ?", SQL_I(org));
    if (f->type.n) catalog_rows_where(&w, "type = ?", SQL_T(f->type));
    if (f->entity_type.n) catalog_rows_where(&w, "entity_type = ?", SQL_T(f->entity_type));
    if (f->severity >= 0) catalog_rows_where(&w, "severity = ?", SQL_I(f->severity));
    if (f->device) catalog_rows_where(&w, "device = ? AND device <> 0", SQL_I(f->device));
    if (f->from_ns) catalog_rows_where(&w, "created_ns >= ?", SQL_I(f->from_ns));
    if (f->to_ns) catalog_rows_where(&w, "created_ns < ?", SQL_I(f->to_ns));
    return w;
}

enum err catalog_events_list(struct sql_tx *tx, int64_t org, const struct event_filter *filter,
                             const struct catalog_page *page, struct arena *a, struct event **ret,
                             struct catalog_listing *ret_listing, struct why *why)
{
    /* An expression (+x, x || '') keeps the planner from walking the whole organisation in the
     * wished order, when a filter has an index that leads to the few rows there are to sort. */
    static const struct catalog_sort by_index[] = {
        {"id", "id"}, {"createdAt", "created_ns"}, {"eventType", "type"}, {"severity", "severity"}};
    static const struct catalog_sort in_range[] = {{"id", "+id"},
                                                   {"createdAt", "created_ns"},
                                                   {"eventType", "type || ''"},
                                                   {"severity", "+severity"}};
    static const struct catalog_sort filtered[] = {{"id", "+id"},
                                                   {"createdAt", "+created_ns"},
                                                   {"eventType", "type || ''"},
                                                   {"severity", "+severity"}};
    bool by_column = filter->type.n || filter->entity_type.n || filter->severity >= 0;
    bool narrowed = by_column || filter->device;
    bool range = filter->from_ns || filter->to_ns;
    const struct catalog_list list = {.columns = COLUMNS,
                                      .from = "events",
                                      .sorts = narrowed ? filtered
                                               : range  ? in_range
                                                        : by_index,
                                      .sort_count = sizeof by_index / sizeof by_index[0],
                                      .newest_first = true,
                                      .read = read_event,
                                      .item_bytes = sizeof(struct event)};
    struct catalog_where where = where_of(org, filter);
    void *items;
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}

static void read_type_count(struct catalog_reader *r, void *item)
{
    struct event_count *c = item;
    c->name = catalog_rows_text(r);
    c->count = catalog_rows_int(r);
}

static void read_severity_count(struct catalog_reader *r, void *item)
{
    struct event_count *c = item;
    c->name = bytes_str(event_severity_name((enum event_severity)catalog_rows_int(r)));
    c->count = catalog_rows_int(r);
}

enum err catalog_events_count(struct sql_tx *tx, int64_t org, const struct event_filter *filter,
                              enum event_group group, struct arena *a, struct event_count **ret,
                              size_t *ret_n)
{
    struct catalog_where w = where_of(org, filter);
    /* an expression, so that the planner looks for the rows first and groups them then */
    const char *column = group == EVENT_BY_TYPE ? "type || ''" : "+severity";
    char sql[CATALOG_WHERE_TEXT + 128];
    int used = snprintf(sql, sizeof sql,
                        "SELECT %s, count(*) FROM events WHERE %s GROUP BY %s "
                        "ORDER BY count(*) DESC, %s LIMIT %d",
                        column, w.text, column, column, GROUPS_MAX);
    bug_if(used < 0 || (size_t)used >= sizeof sql);
    void *items;
    enum err e = catalog_rows_all(tx, sql, (struct sql_args){w.values, w.n}, a,
                                  group == EVENT_BY_TYPE ? read_type_count : read_severity_count,
                                  sizeof(struct event_count), GROUPS_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}
