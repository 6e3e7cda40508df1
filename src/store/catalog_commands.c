/* Commands of devices (see catalog_commands.h). */
#include "store/catalog_commands.h"

#include "store/catalog_rows.h"

#define COLUMNS                                                                                    \
    "id, org, device, name, payload, state, requested_by, created_ns, expires_ns, sent_ns, "       \
    "ended_ns"
#define SELECT "SELECT " COLUMNS " FROM commands WHERE "

enum { SENT_MAX = 10000 }; /* of one device; the service allows far fewer to wait */

static void read_command(struct catalog_reader *r, void *item)
{
    struct command *c = item;
    c->id = catalog_rows_int(r);
    c->org = catalog_rows_int(r);
    c->device = catalog_rows_int(r);
    c->name = catalog_rows_text(r);
    c->payload = catalog_rows_text(r);
    c->state = (enum command_state)catalog_rows_int(r);
    c->requested_by = catalog_rows_text(r);
    c->created_ns = catalog_rows_int(r);
    c->expires_ns = catalog_rows_int(r);
    c->sent_ns = catalog_rows_int(r);
    c->ended_ns = catalog_rows_int(r);
}

static enum err list(struct sql_tx *tx, const char *sql, struct sql_args args, size_t max,
                     struct arena *a, struct command **ret, size_t *ret_n)
{
    void *items = NULL;
    enum err e = catalog_rows_all(tx, sql, args, a, read_command, sizeof(struct command), max,
                                  &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_commands_insert(struct sql_tx *tx, struct command *c)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO commands (org, device, name, payload, state, requested_by, created_ns, "
        "expires_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        SQL_ARGS(SQL_I(c->org), SQL_I(c->device), SQL_T(c->name), catalog_rows_opt(c->payload),
                 SQL_I(c->state), catalog_rows_opt(c->requested_by), SQL_I(c->created_ns),
                 SQL_I(c->expires_ns)),
        &c->id);
}

struct waiting {
    int64_t count, first_end_ns;
};

static void read_waiting(struct catalog_reader *r, void *item)
{
    struct waiting *w = item;
    w->count = catalog_rows_int(r);
    w->first_end_ns = catalog_rows_int(r);
}

enum err catalog_commands_count_waiting(struct sql_tx *tx, int64_t org, int64_t device,
                                        int64_t now_ns, int64_t *ret, int64_t *ret_first_end_ns)
{
    struct waiting w;
    enum err e = catalog_rows_one(tx,
                                  "SELECT count(*), min(expires_ns) FROM commands WHERE org = $1 "
                                  "AND device = $2 AND ended_ns = 0 AND expires_ns > $3",
                                  SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(now_ns)), NULL,
                                  read_waiting, &w, sizeof w);
    if (e) return e;
    *ret = w.count;
    *ret_first_end_ns = w.first_end_ns;
    return ERR_OK;
}

enum err catalog_commands_list_waiting(struct sql_tx *tx, int64_t org, int64_t device,
                                       int64_t after, int64_t now_ns, size_t max, struct arena *a,
                                       struct command **ret, size_t *ret_n)
{
    return list(
        tx,
        SELECT "org = $1 AND device = $2 AND ended_ns = 0 AND id > $3 AND expires_ns > $4 "
               "ORDER BY id LIMIT $5",
        SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(after), SQL_I(now_ns), SQL_I((int64_t)max)), max,
        a, ret, ret_n);
}

enum err catalog_commands_list_sent(struct sql_tx *tx, int64_t org, int64_t device, int64_t upto,
                                    struct arena *a, struct command **ret, size_t *ret_n)
{
    return list(tx,
                SELECT "org = $1 AND device = $2 AND ended_ns = 0 AND state = $3 AND id <= $4 "
                       "ORDER BY id",
                SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(COMMAND_SENT), SQL_I(upto)), SENT_MAX, a,
                ret, ret_n);
}

enum err catalog_commands_list(struct sql_tx *tx, int64_t org, int64_t device,
                               const struct catalog_page *page, struct arena *a,
                               struct command **ret, struct catalog_listing *ret_listing,
                               struct why *why)
{
    static const struct catalog_sort sorts[] = {{"id", "id"}};
    static const struct catalog_list commands = {
        COLUMNS, "commands", sorts, 1, true, read_command, sizeof(struct command)};
    struct catalog_where where = {0};
    void *items = NULL;
    catalog_rows_where(&where, "org = ?", SQL_I(org));
    catalog_rows_where(&where, "device = ?", SQL_I(device));
    enum err e = catalog_rows_page(tx, &commands, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}

enum err catalog_commands_find_open(struct sql_tx *tx, int64_t org, int64_t device, int64_t id,
                                    struct arena *a, struct command *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND device = $2 AND id = $3 AND ended_ns = 0",
                            SQL_ARGS(SQL_I(org), SQL_I(device), SQL_I(id)), a, read_command, ret,
                            sizeof *ret);
}

enum err catalog_commands_set_state(struct sql_tx *tx, const struct command *c,
                                    enum command_state state, int64_t now_ns)
{
    bool ends = state == COMMAND_DELIVERED || state == COMMAND_EXPIRED;
    int64_t sent_ns = c->sent_ns || state == COMMAND_EXPIRED ? c->sent_ns : now_ns;
    return catalog_rows_change(
        tx,
        "UPDATE commands SET state = $1, sent_ns = $2, ended_ns = $3 WHERE org = $4 "
        "AND device = $5 AND id = $6 AND ended_ns = 0",
        SQL_ARGS(SQL_I(state), SQL_I(sent_ns), SQL_I(ends ? now_ns : 0), SQL_I(c->org),
                 SQL_I(c->device), SQL_I(c->id)));
}

enum err catalog_commands_list_due(struct sql_tx *tx, int64_t now_ns, size_t max, struct arena *a,
                                   struct command **ret, size_t *ret_n)
{
    return list(tx, SELECT "ended_ns = 0 AND expires_ns <= $1 ORDER BY expires_ns LIMIT $2",
                SQL_ARGS(SQL_I(now_ns), SQL_I((int64_t)max)), max, a, ret, ret_n);
}

enum err catalog_commands_purge_device(struct sql_tx *tx, int64_t org, int64_t device)
{
    return sql_exec(tx,
                    "DELETE FROM commands WHERE org = $1 AND device = $2 AND EXISTS (SELECT 1 "
                    "FROM devices d WHERE d.org = $1 AND d.id = $2 AND d.deleted_ns <> 0)",
                    SQL_ARGS(SQL_I(org), SQL_I(device)), NULL);
}
