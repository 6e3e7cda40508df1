/* Who changed what (see sql_watch.h). Statements are texts of this program, a handful of forms:
 * they are read word by word, and what has another form counts as everything (W3). */
#include "store/sql_watch.h"

#include "base/mem.h"

#include <stdatomic.h>

enum { CHANGES_MAX = 16 };

struct change {
    unsigned subjects;
    int64_t org;
};

struct watched_db {
    struct sql_db base;
    struct sql_ops ops;
    struct sql_db *below;
    const struct sql_watch_rule *rules;
    size_t rules_n;
    sql_watch_fn *_Atomic changed; /* release: ctx is set before it */
    void *ctx;
};

struct watched_tx {
    struct sql_tx base;
    struct sql_tx *below;
    struct watched_db *db;
    struct change changes[CHANGES_MAX];
    size_t n;
};

/* --- reading a statement ---------------------------------------------------------------------- */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* The next word; *s moves behind it. */
static struct bytes take_word(const char **s)
{
    while (**s && !is_word_char(**s)) (*s)++;
    const char *from = *s;
    while (is_word_char(**s)) (*s)++;
    return bytes_of(from, (size_t)(*s - from));
}

static bool names(const char *sql, const char *table)
{
    struct bytes word;
    while ((word = take_word(&sql)).n)
        if (bytes_is(word, table)) return true;
    return false;
}

/* The value of the parameter that stands at s ("$3"); false: none, or no number. */
static bool parameter(const char *s, struct sql_args args, int64_t *ret)
{
    size_t at = 0;
    if (*s != '$') return false;
    for (s++; *s >= '0' && *s <= '9' && at <= args.n; s++) at = at * 10 + (size_t)(*s - '0');
    if (!at || at > args.n || args.values[at - 1].type != SQL_TYPE_INT) return false;
    *ret = args.values[at - 1].as.i;
    return true;
}

/* s: behind "INSERT INTO t". The column's place in the first list is its value's in the second. */
static bool inserted(const char *s, const char *column, struct sql_args args, int64_t *ret)
{
    const char *end = strchr(s, ')'), *values = strstr(s, "VALUES (");
    size_t at = 0;
    bool found = false;
    if (!end || !values || values < end) return false;
    while (!found && s < end) found = bytes_is(take_word(&s), column) || !++at;
    if (!found || s > end) return false;
    for (s = values + 8; at; at--) {
        s += strcspn(s, ",)");
        if (*s != ',') return false;
        s += 1 + strspn(s + 1, " ");
    }
    return parameter(s, args, ret);
}

/* s: at or before WHERE. "org = $n" that is a condition of its own. */
static bool compared(const char *s, const char *column, struct sql_args args, int64_t *ret)
{
    s = strstr(s, "WHERE ");
    if (!s) return false;
    for (struct bytes word; (word = take_word(&s)).n;)
        if (bytes_is(word, column) && strncmp(s, " = ", 3) == 0) return parameter(s + 3, args, ret);
    return false;
}

static bool is_quiet(const struct sql_watch_rule *rule, struct bytes column)
{
    for (size_t i = 0; i < SQL_WATCH_QUIET_MAX && rule->quiet[i]; i++)
        if (bytes_is(column, rule->quiet[i])) return true;
    return false;
}

/* s: behind "UPDATE t". Whether all that stands between SET and WHERE is quiet (W2). */
static bool sets_quiet(const struct sql_watch_rule *rule, const char *s)
{
    const char *where = strstr(s, " WHERE ");
    const char *set = strstr(s, "SET ");
    if (rule->rows_only) return true;
    if (!where || !set || set > where) return false;
    for (s = set + 4; s < where;) {
        if (!is_quiet(rule, take_word(&s))) return false;
        for (int depth = 0; s < where && (*s != ',' || depth); s++)
            depth += (*s == '(') - (*s == ')');
    }
    return true;
}

unsigned sql_watch_judge(const struct sql_watch_rule *rule, const char *sql, struct sql_args args,
                         int64_t *ret_org)
{
    const char *s = sql;
    struct bytes verb = take_word(&s);
    bool inserts = bytes_is(verb, "INSERT"), updates = bytes_is(verb, "UPDATE");
    bool known = false;
    *ret_org = 0;
    if (bytes_is(verb, "SELECT")) return 0;
    if (!inserts && !updates && !bytes_is(verb, "DELETE"))
        return names(sql, rule->table) ? rule->subjects : 0; /* keeps W3 */
    if (!updates) (void)take_word(&s);                       /* INTO, FROM */
    if (!bytes_is(take_word(&s), rule->table) || (updates && sets_quiet(rule, s))) return 0;
    if (rule->org)
        known =
            inserts ? inserted(s, rule->org, args, ret_org) : compared(s, rule->org, args, ret_org);
    if (!known) *ret_org = 0;
    return rule->subjects;
}

/* --- a transaction ---------------------------------------------------------------------------- */

static struct watched_tx *tx_of(struct sql_tx *tx)
{
    return (struct watched_tx *)(void *)tx;
}

/* One more than there is room for makes all of them changes of everything. */
static void note(struct watched_tx *tx, unsigned subjects, int64_t org)
{
    for (size_t i = 0; i < tx->n; i++)
        if (tx->changes[i].org == org || !tx->changes[i].org) {
            tx->changes[i].subjects |= subjects;
            return;
        }
    if (tx->n < CHANGES_MAX) {
        tx->changes[tx->n++] = (struct change){subjects, org};
        return;
    }
    for (size_t i = 0; i < tx->n; i++) subjects |= tx->changes[i].subjects;
    tx->changes[0] = (struct change){subjects, 0};
    tx->n = 1;
}

static void judge(struct watched_tx *tx, const char *sql, struct sql_args args)
{
    for (size_t i = 0; i < tx->db->rules_n; i++) {
        int64_t org = 0;
        unsigned subjects = sql_watch_judge(&tx->db->rules[i], sql, args, &org);
        if (subjects) note(tx, subjects, org);
    }
}

/* What is passed on is counted already (sql_probe.c), so the calls go to the operations. */
static enum err watched_begin(struct sql_db *base, enum sql_mode mode, struct sql_tx **ret)
{
    struct watched_db *db = (struct watched_db *)(void *)base;
    if (mode == SQL_READ) return db->below->ops->begin(db->below, mode, ret);
    struct watched_tx *tx = mem_zalloc(sizeof *tx);
    if (!tx) return ERR_NOMEM;
    enum err e = db->below->ops->begin(db->below, mode, &tx->below);
    if (e) {
        mem_free(tx);
        return e;
    }
    tx->base.ops = &db->ops;
    tx->db = db;
    *ret = &tx->base;
    return ERR_OK;
}

static enum err watched_commit(struct sql_tx *base)
{
    struct watched_tx *tx = tx_of(base);
    sql_watch_fn *changed = atomic_load_explicit(&tx->db->changed, memory_order_acquire);
    enum err e = tx->below->ops->commit(tx->below);
    for (size_t i = 0; changed && i < tx->n; i++)
        changed(tx->db->ctx, tx->changes[i].subjects, tx->changes[i].org); /* keeps W1 */
    mem_free(tx);
    return e;
}

static void watched_rollback(struct sql_tx *base)
{
    if (!base) return;
    struct watched_tx *tx = tx_of(base);
    tx->below->ops->rollback(tx->below);
    mem_free(tx);
}

static enum err watched_query(struct sql_tx *base, const char *sql, struct sql_args args,
                              struct sql_cursor **ret)
{
    judge(tx_of(base), sql, args);
    struct sql_tx *below = tx_of(base)->below;
    return below->ops->query(below, sql, args, ret);
}

static enum err watched_exec(struct sql_tx *base, const char *sql, struct sql_args args,
                             int64_t *ret_changes)
{
    judge(tx_of(base), sql, args);
    struct sql_tx *below = tx_of(base)->below;
    return below->ops->exec(below, sql, args, ret_changes);
}

/* Of a migration: before anybody listens. */
static enum err watched_script(struct sql_tx *base, const char *sql, struct why *why)
{
    struct sql_tx *below = tx_of(base)->below;
    return below->ops->script(below, sql, why);
}

static const char *watched_message(struct sql_tx *base)
{
    struct sql_tx *below = tx_of(base)->below;
    return below->ops->message(below);
}

static enum err watched_explain(struct sql_db *base, const char *sql, const void *kept, char *ret,
                                size_t cap)
{
    struct watched_db *db = (struct watched_db *)(void *)base;
    return db->below->ops->explain(db->below, sql, kept, ret, cap);
}

static void watched_close(struct sql_db *base)
{
    if (!base) return;
    struct watched_db *db = (struct watched_db *)(void *)base;
    db->below->ops->close(db->below);
    mem_free(db);
}

enum err sql_watch_new(struct sql_db **ret, struct sql_db *below,
                       const struct sql_watch_rule *rules, size_t n)
{
    struct watched_db *db = mem_zalloc(sizeof *db);
    if (!db) return ERR_NOMEM;
    db->ops = (struct sql_ops){
        .dialect = below->ops->dialect,
        .begin = watched_begin,
        .commit = watched_commit,
        .rollback = watched_rollback,
        .query = watched_query,
        .next = below->ops->next,
        .finish = below->ops->finish,
        .exec = watched_exec,
        .script = watched_script,
        .explain = below->ops->explain ? watched_explain : NULL,
        .message = watched_message,
        .close = watched_close,
    };
    db->base.ops = &db->ops;
    db->below = below;
    db->rules = rules;
    db->rules_n = n;
    *ret = &db->base;
    return ERR_OK;
}

void sql_watch_listen(struct sql_db *base, sql_watch_fn *changed, void *ctx)
{
    struct watched_db *db = (struct watched_db *)(void *)base;
    db->ctx = ctx;
    atomic_store_explicit(&db->changed, changed, memory_order_release);
}
