/* From rows to structs (see catalog_rows.h). */
#include "store/catalog_rows.h"

#include <math.h>
#include <stdio.h>

/* Here they are made, and call their statements as they were told. */
#undef catalog_rows_one
#undef catalog_rows_all
#undef catalog_rows_insert
#undef catalog_rows_number
#undef catalog_rows_change
#undef catalog_rows_page

static const struct sql_value *take(struct catalog_reader *r)
{
    bug_if(r->at >= r->row->n); /* the query selects fewer columns than its reader takes */
    return &r->row->columns[r->at++];
}

int64_t catalog_rows_int(struct catalog_reader *r)
{
    const struct sql_value *v = take(r);
    if (v->type == SQL_TYPE_INT) return v->as.i;
    if (v->type != SQL_TYPE_NULL && !r->err) r->err = ERR_CORRUPT;
    return 0;
}

double catalog_rows_real(struct catalog_reader *r)
{
    const struct sql_value *v = take(r);
    if (v->type == SQL_TYPE_REAL) return v->as.r;
    if (v->type == SQL_TYPE_INT) return (double)v->as.i;
    if (v->type != SQL_TYPE_NULL && !r->err) r->err = ERR_CORRUPT;
    return NAN;
}

struct bytes catalog_rows_text(struct catalog_reader *r)
{
    const struct sql_value *v = take(r);
    if (v->type == SQL_TYPE_TEXT || v->type == SQL_TYPE_BLOB) {
        struct bytes copy = arena_copy(r->arena, v->as.b);
        if (!copy.p && !r->err) r->err = ERR_NOMEM;
        return copy;
    }
    if (v->type != SQL_TYPE_NULL && !r->err) r->err = ERR_CORRUPT;
    return (struct bytes){NULL, 0};
}

void catalog_rows_blob(struct catalog_reader *r, void *p, size_t n)
{
    const struct sql_value *v = take(r);
    memset(p, 0, n);
    if (v->type == SQL_TYPE_NULL) return;
    if (v->type == SQL_TYPE_BLOB && v->as.b.n == n)
        memcpy(p, v->as.b.p, n);
    else if (!r->err)
        r->err = ERR_CORRUPT;
}

enum err catalog_rows_one(struct sql_tx *tx, const char *sql, struct sql_args args, struct arena *a,
                          catalog_read_fn *read, void *ret, size_t item_bytes)
{
    _Alignas(16) char item[CATALOG_ROWS_ITEM];
    struct sql_cursor *c;
    struct sql_row row;
    bug_if(item_bytes > sizeof item);
    enum err e = sql_query_named(tx, sql, args, &c);
    if (e) return e;
    e = sql_next(c, &row);
    if (!e) {
        struct catalog_reader r = {&row, 0, a, ERR_OK};
        memset(item, 0, item_bytes);
        read(&r, item);
        e = r.err;
    } else if (e == ERR_END) {
        e = ERR_NOTFOUND;
    }
    sql_finish(c);
    if (!e) memcpy(ret, item, item_bytes);
    return e;
}

/* A growing array in the arena; the smaller ones stay behind, together less than the last. */
struct rows {
    char *items;
    size_t n, cap, item_bytes;
};

static enum err append(struct rows *rows, struct arena *a, const struct sql_row *row,
                       catalog_read_fn *read)
{
    if (rows->n == rows->cap) {
        size_t cap = rows->cap ? rows->cap * 2 : 8;
        char *items = arena_array(a, cap, rows->item_bytes);
        if (!items) return ERR_NOMEM;
        if (rows->n) memcpy(items, rows->items, rows->n * rows->item_bytes);
        rows->items = items;
        rows->cap = cap;
    }
    struct catalog_reader r = {row, 0, a, ERR_OK};
    char *item = rows->items + rows->n * rows->item_bytes;
    memset(item, 0, rows->item_bytes);
    read(&r, item);
    if (!r.err) rows->n++;
    return r.err;
}

enum err catalog_rows_all(struct sql_tx *tx, const char *sql, struct sql_args args, struct arena *a,
                          catalog_read_fn *read, size_t item_bytes, size_t max, void **ret,
                          size_t *ret_n)
{
    struct rows rows = {.item_bytes = item_bytes};
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query_named(tx, sql, args, &c);
    if (e) return e;
    while (!(e = sql_next(c, &row))) {
        e = rows.n == max ? ERR_LIMIT : append(&rows, a, &row, read);
        if (e) break;
    }
    sql_finish(c);
    if (e != ERR_END) return e;
    *ret = rows.items;
    *ret_n = rows.n;
    return ERR_OK;
}

static void read_number(struct catalog_reader *r, void *item)
{
    *(int64_t *)item = catalog_rows_int(r);
}

enum err catalog_rows_number(struct sql_tx *tx, const char *sql, struct sql_args args, int64_t *ret)
{
    return catalog_rows_one(tx, sql, args, NULL, read_number, ret, sizeof *ret);
}

enum err catalog_rows_insert(struct sql_tx *tx, const char *sql, struct sql_args args,
                             int64_t *ret_id)
{
    return catalog_rows_number(tx, sql, args, ret_id);
}

enum err catalog_rows_change(struct sql_tx *tx, const char *sql, struct sql_args args)
{
    int64_t changes;
    enum err e = sql_exec_named(tx, sql, args, &changes);
    if (e) return e;
    return changes ? ERR_OK : ERR_NOTFOUND;
}

static void where_char(struct catalog_where *w, char c)
{
    bug_if(w->text_n + 1 >= sizeof w->text);
    w->text[w->text_n++] = c;
    w->text[w->text_n] = 0;
}

static void where_text(struct catalog_where *w, const char *text)
{
    while (*text) where_char(w, *text++);
}

void catalog_rows_where(struct catalog_where *w, const char *piece, struct sql_value value)
{
    char number[8];
    bug_if(w->n == CATALOG_WHERE_VALUES);
    w->values[w->n++] = value;
    snprintf(number, sizeof number, "$%zu", w->n);
    if (w->text_n) where_text(w, " AND ");
    for (; *piece; piece++)
        if (*piece == '?')
            where_text(w, number);
        else
            where_char(w, *piece);
}

struct bytes catalog_rows_like(struct bytes text, struct arena *a)
{
    char *p = arena_alloc(a, 2 * text.n + 2);
    size_t n = 0;
    if (!p) return (struct bytes){NULL, 0};
    p[n++] = '%';
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%' || c == '_' || c == '\\') p[n++] = '\\';
        p[n++] = c;
    }
    p[n++] = '%';
    return bytes_of(p, n);
}

static enum err find_sort(const struct catalog_list *list, const struct catalog_page *page,
                          const char **ret_column, struct why *why)
{
    char names[160];
    size_t used = 0;
    if (!page->sort.n || page->by_cursor) {
        *ret_column = "id";
        return ERR_OK;
    }
    for (size_t i = 0; i < list->sort_count; i++) {
        if (bytes_is(page->sort, list->sorts[i].name)) {
            *ret_column = list->sorts[i].column;
            return ERR_OK;
        }
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                     list->sorts[i].name);
    }
    return why_say(why, ERR_INVALID, "cannot sort by '%.*s'; there are: %s",
                   (int)(page->sort.n < 60 ? page->sort.n : 60), page->sort.p, names);
}

enum { SQL_BYTES = 2048 };

static enum err read_rows(struct sql_tx *tx, const struct catalog_list *list,
                          const struct catalog_where *where, const struct catalog_page *page,
                          const char *column, int64_t size, struct arena *a, void **ret,
                          size_t *ret_n)
{
    struct catalog_where w = *where;
    bool by_id = strcmp(column, "id") == 0;
    bool down = page->sort.n && !page->by_cursor ? page->descending
                                                 : list->newest_first || page->descending;
    if (page->by_cursor && page->after)
        catalog_rows_where(&w, down ? "id < ?" : "id > ?", SQL_I(page->after));
    int64_t skip = page->by_cursor || page->number < 0 ? 0 : page->number;
    if (__builtin_mul_overflow(skip, size, &skip)) skip = INT64_MAX;
    bug_if(w.n + 2 > CATALOG_WHERE_VALUES);
    w.values[w.n] = SQL_I(size + 1); /* one more tells whether there is more */
    w.values[w.n + 1] = SQL_I(skip);
    char sql[SQL_BYTES];
    const char *direction = down ? " DESC" : "";
    int used = snprintf(sql, sizeof sql,
                        "SELECT %s FROM %s WHERE %s ORDER BY %s%s%s%s LIMIT $%zu OFFSET $%zu",
                        list->columns, list->from, w.text, column, direction, by_id ? "" : ", id",
                        by_id ? "" : direction, w.n + 1, w.n + 2);
    bug_if(used < 0 || (size_t)used >= sizeof sql);
    return catalog_rows_all(tx, sql, (struct sql_args){w.values, w.n + 2}, a, list->read,
                            list->item_bytes, (size_t)size + 1, ret, ret_n);
}

enum err catalog_rows_page(struct sql_tx *tx, const struct catalog_list *list,
                           const struct catalog_where *where, const struct catalog_page *page,
                           struct arena *a, void **ret, struct catalog_listing *ret_listing,
                           struct why *why)
{
    const char *column = "id";
    int64_t size = page->size < 1 ? 1 : page->size;
    if (size > CATALOG_PAGE_MAX) size = CATALOG_PAGE_MAX;
    struct catalog_listing listing = {0};
    enum err e = find_sort(list, page, &column, why);
    if (!e && !page->no_total) {
        char sql[SQL_BYTES];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE %s", list->from, where->text);
        e = catalog_rows_number(tx, sql, (struct sql_args){where->values, where->n},
                                &listing.total);
    }
    void *items = NULL;
    size_t n = 0;
    if (!e) e = read_rows(tx, list, where, page, column, size, a, &items, &n);
    if (e) return e;
    listing.more = n > (size_t)size;
    listing.count = listing.more ? (size_t)size : n;
    if (listing.count)
        memcpy(&listing.last, (char *)items + (listing.count - 1) * list->item_bytes,
               sizeof listing.last);
    *ret = items;
    *ret_listing = listing;
    return ERR_OK;
}
