/* A round of removing what is old (see cleanup_service.h). */
#include "service/cleanup_service.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "service/alert_service.h"
#include "service/command_service.h"
#include "service/event_service.h"
#include "service/event_types.h"

#include <inttypes.h>

#define INVITATION_KEPT_NS (30 * NS_PER_DAY) /* after its end: the list shows what became of it */

enum { TEXT_MAX = 1024 };

/* What a round took from one organisation. */
struct loss {
    int64_t org;
    struct cleanup_removed removed;
};
struct round {
    int64_t orgs[CLEANUP_AT_ONCE]; /* of the kind under way */
    struct loss *losses;           /* one for each organisation */
    size_t loss_count, loss_cap;
};

struct cleanup_ages cleanup_service_ages(int64_t now_ns, int64_t notifications_kept_ns)
{
    return (struct cleanup_ages){{
        [CLEANUP_SESSIONS] = now_ns,
        [CLEANUP_PASSWORD_RESETS] = now_ns,
        [CLEANUP_INVITATIONS] = now_ns - INVITATION_KEPT_NS,
        [CLEANUP_COMMANDS] = now_ns - COMMAND_KEPT_NS,
        [CLEANUP_NOTIFICATIONS] = now_ns - notifications_kept_ns,
        [CLEANUP_ALERTS] = now_ns - ALERT_KEPT_NS,
    }};
}

static struct loss *loss_of(struct round *r, int64_t org)
{
    for (size_t i = r->loss_count; i > 0;
         i--) /* rows of one organisation mostly follow each other */
        if (r->losses[i - 1].org == org) return &r->losses[i - 1];
    if (r->loss_count == r->loss_cap) {
        size_t cap = r->loss_cap ? r->loss_cap * 2 : 16;
        struct loss *grown = mem_realloc(r->losses, cap * sizeof *grown);
        if (!grown) return NULL;
        r->losses = grown;
        r->loss_cap = cap;
    }
    r->losses[r->loss_count] = (struct loss){.org = org};
    return &r->losses[r->loss_count++];
}

static enum err remove_kind(struct sql_tx *tx, struct round *r, enum cleanup_subject s,
                            int64_t before_ns, bool *more)
{
    size_t n = 0;
    if (before_ns == INT64_MIN) return ERR_OK;
    enum err e = catalog_cleanup_remove(tx, s, before_ns, CLEANUP_AT_ONCE, r->orgs, &n);
    for (size_t i = 0; i < n && !e; i++) {
        struct loss *l = loss_of(r, r->orgs[i]);
        if (!l) return ERR_NOMEM;
        l->removed.rows[s]++;
    }
    if (n == CLEANUP_AT_ONCE) *more = true;
    return e;
}

/* "3 sessions, 1 alerts", and the same as JSON. */
static enum err tell(struct sql_tx *tx, int64_t now_ns, const struct actor *actor,
                     const struct loss *l)
{
    struct buf text, json;
    struct actor as = *actor;
    buf_init(&text, TEXT_MAX);
    buf_init(&json, TEXT_MAX);
    json_write_open(&json, '{');
    for (int s = 0; s < CLEANUP_SUBJECTS; s++) {
        if (!l->removed.rows[s]) continue;
        const char *name = catalog_cleanup_name((enum cleanup_subject)s);
        buf_printf(&text, "%s%" PRId64 " %s", text.n ? ", " : "", l->removed.rows[s], name);
        json_write_member_i64(&json, name, l->removed.rows[s]);
    }
    json_write_close(&json, '}');
    const struct event_note note = {.type = EVENT_LEFTOVERS_REMOVED,
                                    .entity_type = l->org ? "ORGANIZATION" : "INSTALLATION",
                                    .title = "What had become old was removed",
                                    .description = buf_bytes(&text),
                                    .metadata = buf_bytes(&json)};
    as.org = l->org;
    enum err e = text.err ? text.err : json.err;
    if (!e) e = event_service_append(tx, now_ns, &as, &note);
    buf_done(&json);
    buf_done(&text);
    return e;
}

static enum err run_in(struct sql_tx *tx, struct round *r, int64_t now_ns,
                       const struct cleanup_ages *ages, const struct actor *actor, bool *more)
{
    enum err e = ERR_OK;
    for (int s = 0; s < CLEANUP_SUBJECTS && !e; s++)
        e = remove_kind(tx, r, (enum cleanup_subject)s, ages->before_ns[s], more);
    for (size_t i = 0; i < r->loss_count && !e; i++) e = tell(tx, now_ns, actor, &r->losses[i]);
    return e;
}

enum err cleanup_service_run(struct sql_db *db, int64_t now_ns, const struct cleanup_ages *ages,
                             const struct actor *actor, struct cleanup_removed *removed,
                             bool *ret_more)
{
    struct round *r = mem_zalloc(sizeof *r);
    struct sql_tx *tx;
    bool more = false;
    if (!r) return ERR_NOMEM;
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, run_in(tx, r, now_ns, ages, actor, &more));
    for (size_t i = 0; i < r->loss_count && !e; i++)
        for (int s = 0; s < CLEANUP_SUBJECTS; s++) removed->rows[s] += r->losses[i].removed.rows[s];
    if (!e) *ret_more = more;
    mem_free(r->losses);
    mem_free(r);
    return e;
}
