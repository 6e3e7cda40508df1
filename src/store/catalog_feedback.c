/* What people say of the pilot (see catalog_feedback.h). */
#include "store/catalog_feedback.h"

#include "store/catalog_rows.h"

enum err catalog_feedback_insert(struct sql_tx *tx, struct feedback *f)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO pilot_feedback (org, user_id, category, rating, title, message, email, "
        "metadata, created_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        SQL_ARGS(SQL_I(f->org), SQL_I(f->user), catalog_rows_opt(f->category), SQL_I(f->rating),
                 catalog_rows_opt(f->title), catalog_rows_opt(f->message),
                 catalog_rows_opt(f->email), catalog_rows_opt(f->metadata), SQL_I(f->created_ns)),
        &f->id);
}

enum err catalog_feedback_count(struct sql_tx *tx, int64_t org, int64_t since_ns, int64_t *ret)
{
    return catalog_rows_number(
        tx, "SELECT count(*) FROM pilot_feedback WHERE org = $1 AND created_ns >= $2",
        SQL_ARGS(SQL_I(org), SQL_I(since_ns)), ret);
}

static void read_feedback(struct catalog_reader *r, void *item)
{
    struct feedback *f = item;
    f->id = catalog_rows_int(r);
    f->org = catalog_rows_int(r);
    f->user = catalog_rows_int(r);
    f->category = catalog_rows_text(r);
    f->rating = catalog_rows_int(r);
    f->title = catalog_rows_text(r);
    f->message = catalog_rows_text(r);
    f->created_ns = catalog_rows_int(r);
}

enum err catalog_feedback_list(struct sql_tx *tx, int64_t since_ns, struct arena *a,
                               struct feedback **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(
        tx,
        "SELECT id, org, user_id, category, rating, title, message, created_ns "
        "FROM pilot_feedback WHERE created_ns >= $1 ORDER BY created_ns DESC, id DESC LIMIT $2",
        SQL_ARGS(SQL_I(since_ns), SQL_I(FEEDBACK_LISTED)), a, read_feedback,
        sizeof(struct feedback), FEEDBACK_LISTED, &items, ret_n);
    if (!e) *ret = items;
    return e;
}
