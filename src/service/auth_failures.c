/* A small table of failed logins, emptied from time to time (see auth_failures.h). */
#include "service/auth_failures.h"

#include "base/mem.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog_users.h"
#include "sys/lock.h"

#include <stdatomic.h>
#include <stdio.h>

enum { FAILURES = 256, NAME = 72, ADDRESS = 48, REQUEST = 72 };

struct failure {
    int64_t org, user, first_ns;
    uint32_t count;                                         /* 0 = free */
    char name[NAME], address[ADDRESS], request_id[REQUEST]; /* of the first; cut when longer */
};

struct auth_failures {
    struct lock lock;
    uint64_t dropped;
    struct failure entries[FAILURES];
};

enum err auth_failures_new(struct auth_failures **ret)
{
    struct auth_failures *f = mem_zalloc(sizeof *f);
    if (!f) return ERR_NOMEM;
    lock_init(&f->lock, LOCK_RANK_SECURITY);
    *ret = f;
    return ERR_OK;
}

void auth_failures_free(struct auth_failures *f)
{
    if (!f) return;
    lock_done(&f->lock);
    mem_free(f);
}

static void copy_cut(char *to, size_t size, struct bytes from)
{
    size_t n = from.n < size - 1 ? from.n : size - 1;
    if (n) memcpy(to, from.p, n);
    to[n] = '\0';
}

/* The entry of that user, else a free one, else NULL. */
static struct failure *place_for(struct auth_failures *f, int64_t user)
{
    struct failure *free_one = NULL;
    for (int i = 0; i < FAILURES; i++) {
        struct failure *e = &f->entries[i];
        if (e->count && e->user == user) return e;
        if (!e->count && !free_one) free_one = e;
    }
    return free_one;
}

static _Atomic uint64_t noted;

uint64_t auth_failures_total(void)
{
    return atomic_load_explicit(&noted, memory_order_relaxed);
}

void auth_failures_note(struct auth_failures *f, const struct user *u, const struct actor *actor,
                        int64_t now_ns)
{
    atomic_fetch_add_explicit(&noted, 1, memory_order_relaxed);
    lock_take(&f->lock);
    struct failure *e = place_for(f, u ? u->id : 0);
    if (!e) {
        f->dropped++;
    } else if (e->count++ == 0) {
        e->org = u ? u->org : 0;
        e->user = u ? u->id : 0;
        e->first_ns = now_ns;
        copy_cut(e->name, sizeof e->name, u ? u->username : BYTES("nobody"));
        copy_cut(e->address, sizeof e->address, actor->address);
        copy_cut(e->request_id, sizeof e->request_id, actor->request_id);
    }
    lock_release(&f->lock);
}

uint64_t auth_failures_dropped(struct auth_failures *f)
{
    lock_take(&f->lock);
    uint64_t n = f->dropped;
    lock_release(&f->lock);
    return n;
}

static enum err write_one(struct sql_tx *tx, const struct failure *f)
{
    char actor_name[NAME + 8], text[64], id[24];
    int n = snprintf(actor_name, sizeof actor_name, "user:%s", f->name);
    int text_n =
        snprintf(text, sizeof text, "%u failed attempt%s", f->count, f->count == 1 ? "" : "s");
    int id_n = snprintf(id, sizeof id, "%lld", (long long)f->user);
    const struct actor actor = {
        .name = bytes_of(actor_name, (size_t)n),
        .org = f->org,
        .user = f->user,
        .address = bytes_str(f->address),
        .request_id = bytes_str(f->request_id),
    };
    const struct event_note note = {
        .type = EVENT_LOGIN_FAILED,
        .severity = EVENT_WARNING,
        .entity_type = "USER",
        .entity_id = bytes_of(id, (size_t)id_n),
        .title = "Login failed",
        .description = bytes_of(text, (size_t)text_n),
    };
    enum err e = event_service_append(tx, f->first_ns, &actor, &note);
    if (!e) e = catalog_users_note_login(tx, f->org, f->user, false, f->first_ns);
    return e == ERR_NOTFOUND ? ERR_OK : e; /* deleted meanwhile */
}

static enum err write_all(const struct failure *list, struct sql_db *db)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    if (e) return e;
    for (int i = 0; !e && i < FAILURES; i++) {
        if (list[i].count && list[i].user) e = write_one(tx, &list[i]);
    }
    return sql_end(tx, e);
}

/* Moves the entries out into list; true when there is something to write. */
static bool take_entries(struct auth_failures *f, struct failure *list)
{
    bool any = false;
    lock_take(&f->lock);
    memcpy(list, f->entries, sizeof f->entries);
    memset(f->entries, 0, sizeof f->entries);
    lock_release(&f->lock);
    for (int i = 0; i < FAILURES; i++) any = any || (list[i].count && list[i].user);
    return any;
}

/* What could not be written goes back where nothing newer stands in its place. */
static void give_back(struct auth_failures *f, const struct failure *list)
{
    lock_take(&f->lock);
    for (int i = 0; i < FAILURES; i++) {
        if (!list[i].count || !list[i].user) continue;
        struct failure *e = place_for(f, list[i].user);
        if (e && e->count == 0) *e = list[i];
    }
    lock_release(&f->lock);
}

enum err auth_failures_write(struct auth_failures *f, struct sql_db *db)
{
    enum err e = ERR_OK;
    struct failure *list = mem_array(FAILURES, sizeof *list);
    if (!list) return ERR_NOMEM;
    if (take_entries(f, list)) {
        e = write_all(list, db);
        if (e) give_back(f, list);
    }
    mem_free(list);
    return e;
}
