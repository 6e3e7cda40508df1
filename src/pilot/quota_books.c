/* What happens to the daily limits by the clock (see quota.h): what was counted without a limit is
 * written down, the rest of a lease goes back into its day, the hour's figures are kept for people.
 *
 * A pass first becomes the one that asks for every meter it writes, then opens its transaction: who
 * asks waits for the catalog, so waiting for him inside a transaction could take for ever. */
#include "base/mem.h"
#include "pilot/quota_state.h"

typedef enum err each_fn(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                         struct meter *m);

/* NULL tx: for passes that do not write. */
static enum err for_each(struct quota *q, struct sql_tx *tx, each_fn *fn)
{
    enum err e = ERR_OK;
    for (struct account *a = atomic_load(&q->newest); a; a = atomic_load(&a->next))
        for (int i = 0; i < LIMIT_DAILY && !e; i++)
            e = fn(q, tx, (int64_t)a->org, (enum limit)(LIMIT_DAILY_FIRST + i), &a->meters[i]);
    return e;
}

/* --- the day -----------------------------------------------------------------------------------*/

static bool wants_writing(const struct quota *q, const struct meter *m)
{
    int64_t day = atomic_load(&m->day);
    if (day < 0 || !atomic_load(&m->left)) return false;
    return atomic_load(&m->unlimited) || day != quota_state_day(q);
}

static enum err begin_one(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                          struct meter *m)
{
    (void)tx, (void)org, (void)what;
    m->mine = wants_writing(q, m) && quota_state_begin(q, m);
    return ERR_OK;
}

/* At stop: leases of today go back, too. */
static enum err begin_last(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                           struct meter *m)
{
    (void)tx, (void)org, (void)what;
    m->mine = atomic_load(&m->day) >= 0 && atomic_load(&m->left) && quota_state_begin(q, m);
    return ERR_OK;
}

static enum err settle_one(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                           struct meter *m)
{
    int64_t max = 0;
    if (!m->mine) return ERR_OK;
    enum err e = quota_state_settle(tx, org, m, what, &m->settled);
    if (!e) e = limits_find(q->opts.limits, tx, org, what, &max);
    if (!e && max) atomic_store(&m->stale, true); /* another node gave it a limit */
    return e;
}

static enum err end_one(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                        struct meter *m)
{
    (void)tx, (void)org, (void)what;
    if (m->mine) quota_state_end(q, m);
    m->mine = false;
    m->settled = 0;
    return ERR_OK;
}

static enum err restore_one(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                            struct meter *m)
{
    (void)q, (void)tx, (void)org, (void)what;
    if (m->mine) atomic_fetch_add(&m->left, m->settled);
    m->settled = 0;
    return ERR_OK;
}

/* --- the hour ----------------------------------------------------------------------------------*/

static void close_minute(struct meter *m, int64_t minute)
{
    if (m->minute == minute) return;
    if (m->minute_used > m->busiest) m->busiest = m->minute_used;
    m->minute_used = 0;
    m->minute = minute;
}

/* What was taken since the last pass belongs to the minute and hour of this one. */
static enum err note_one(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                         struct meter *m)
{
    (void)tx, (void)org, (void)what;
    int64_t now_ns = clock_wall_ns(q->opts.clock), taken = atomic_load(&m->taken);
    close_minute(m, now_ns / NS_PER_MINUTE);
    m->minute_used += taken - m->noted;
    m->hour_used += taken - m->noted;
    m->noted = taken;
    return ERR_OK;
}

static enum err write_hour(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                           struct meter *m)
{
    (void)q;
    int64_t busiest = m->minute_used > m->busiest ? m->minute_used : m->busiest;
    const struct usage_hour h = {
        .org = org, .hour = m->hour, .what = what, .used = m->hour_used, .busiest_minute = busiest};
    return m->hour_used > 0 ? catalog_usage_add_hour(tx, &h) : ERR_OK;
}

static enum err forget_hour(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                            struct meter *m)
{
    (void)tx, (void)org, (void)what;
    m->hour_used = m->busiest = 0;
    m->hour = clock_wall_ns(q->opts.clock) / NS_PER_HOUR;
    return ERR_OK;
}

static enum err find_hour(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                          struct meter *m)
{
    (void)tx, (void)org, (void)what;
    if (!m->hour) m->hour = clock_wall_ns(q->opts.clock) / NS_PER_HOUR;
    return ERR_OK;
}

/* --- a pass ------------------------------------------------------------------------------------*/

static enum err write_in(struct quota *q, struct sql_tx *tx, bool hours)
{
    int64_t day = quota_state_day(q);
    enum err e = for_each(q, tx, settle_one);
    if (!e && hours) e = for_each(q, tx, write_hour);
    if (!e && hours && q->pruned_day != day) e = catalog_usage_prune(tx, day - QUOTA_KEPT_DAYS);
    return e;
}

static enum err write_books(struct quota *q, each_fn *begin, bool hours)
{
    struct sql_tx *tx;
    (void)for_each(q, NULL, begin);
    enum err e = sql_begin(q->opts.db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, write_in(q, tx, hours));
    if (e) (void)for_each(q, NULL, restore_one);
    (void)for_each(q, NULL, end_one);
    if (e || !hours) return e;
    q->pruned_day = quota_state_day(q);
    return for_each(q, NULL, forget_hour);
}

static enum err look_for_work(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what,
                              struct meter *m)
{
    (void)tx, (void)org, (void)what;
    return wants_writing(q, m) || m->hour_used ? ERR_MORE : ERR_OK;
}

enum err quota_maintain(struct quota *q)
{
    int64_t mono_ns = clock_mono_ns(q->opts.clock);
    (void)for_each(q, NULL, find_hour);
    (void)for_each(q, NULL, note_one);
    if (mono_ns - q->written_ns < QUOTA_WRITE_NS) return ERR_OK;
    bool hours = mono_ns - q->noted_ns >= QUOTA_HISTORY_NS;
    q->written_ns = mono_ns;
    if (hours) q->noted_ns = mono_ns;
    if (for_each(q, NULL, look_for_work) != ERR_MORE) return ERR_OK;
    return write_books(q, begin_one, hours);
}

enum err quota_used(struct quota *q, struct sql_tx *tx, int64_t org, enum limit what, int64_t *ret)
{
    struct usage_day used;
    int64_t day = quota_state_day(q);
    enum err e = catalog_usage_day(tx, org, day, what, &used);
    if (e) return e;
    struct account *a = quota_state_account(q, org);
    const struct meter *m = a ? quota_state_meter(a, what) : NULL;
    if (m && atomic_load(&m->day) == day) used.used -= atomic_load(&m->left);
    *ret = used.used > 0 ? used.used : 0;
    return ERR_OK;
}

enum err quota_used_by_all(struct quota *q, struct sql_tx *tx, enum limit what, int64_t *ret)
{
    int64_t used, day = quota_state_day(q);
    enum err e = catalog_usage_day_of_all(tx, day, what, &used);
    if (e) return e;
    for (struct account *a = atomic_load(&q->newest); a; a = atomic_load(&a->next)) {
        const struct meter *m = quota_state_meter(a, what);
        if (atomic_load(&m->day) == day) used -= atomic_load(&m->left);
    }
    *ret = used > 0 ? used : 0;
    return ERR_OK;
}

int64_t quota_taken_by_all(struct quota *q, enum limit what)
{
    int64_t taken = 0;
    for (struct account *a = atomic_load(&q->newest); a; a = atomic_load(&a->next))
        taken += atomic_load(&quota_state_meter(a, what)->taken);
    return taken;
}

enum err quota_usage(struct quota *q, struct sql_tx *tx, int64_t org, int64_t ret_used[LIMITS],
                     int64_t ret_max[LIMITS])
{
    enum err e = ERR_OK;
    for (int i = LIMIT_USERS; i < LIMITS && !e; i++) {
        enum limit what = (enum limit)i;
        e = limits_find(q->opts.limits, tx, org, what, &ret_max[i]);
        if (e) return e;
        e = i < LIMIT_DAILY_FIRST ? limits_count(tx, org, what, &ret_used[i])
                                  : quota_used(q, tx, org, what, &ret_used[i]);
    }
    return e;
}

void quota_free(struct quota *q)
{
    if (!q) return;
    (void)for_each(q, NULL, find_hour);
    (void)for_each(q, NULL, note_one);
    if (atomic_load(&q->newest)) (void)write_books(q, begin_last, true); /* failed: as killed, Q4 */
    for (struct account *a = atomic_load(&q->newest); a;) {
        struct account *next = atomic_load(&a->next);
        mem_free(a);
        a = next;
    }
    map_done(&q->by_org);
    cond_done(&q->answered);
    lock_done(&q->lock);
    rwlock_done(&q->accounts_lock);
    mem_free(q);
}
