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
    static const struct catalog_sort sorts[] = {
        {"id", "id"}, {"createdAt", "created_ns"}, {"eventType", "type"}, {"severity", "severity"}};
    static const struct catalog_list list = {COLUMNS,
                                             "events",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             true,
                                             read_event,
                                             sizeof(struct event)};
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
    const char *column = group == EVENT_BY_TYPE ? "type" : "severity";
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
