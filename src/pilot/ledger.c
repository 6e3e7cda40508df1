/* The ledger of refusals (see ledger.h). */
#include "pilot/ledger.h"

#include "base/mem.h"
#include "store/catalog_refusals.h"
#include "sys/lock.h"

struct entry {
    int64_t org, hour;
    const char *limit, *way;
    char who[LEDGER_WHO_MAX];
    size_t who_n;
    int64_t requests, amount, first_ns, last_ns;
};

enum { SLOTS = 2 * LEDGER_KINDS };

struct book {
    struct entry entries[LEDGER_KINDS];
    uint16_t slots[SLOTS]; /* open addressing: entry + 1, 0 = empty */
    size_t n;
};

struct ledger {
    struct sql_db *db;
    const struct clock *clock;
    struct lock lock;     /* open */
    struct book *open;    /* takes notes */
    struct book *writing; /* ledger_write()'s own; empty between its calls unless one failed */
    int64_t pruned_hour;
};

static uint64_t hash_of(int64_t org, int64_t hour, const char *limit, const char *way,
                        struct bytes who)
{
    uint64_t h = bytes_hash(who, (uint64_t)org * 31 + (uint64_t)hour);
    h = h * 31 + (uint64_t)(uintptr_t)limit;
    return (h * 31 + (uint64_t)(uintptr_t)way) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
}

static bool is_same(const struct entry *e, int64_t hour, const struct ledger_note *n)
{
    return e->org == n->org && e->hour == hour && e->limit == n->limit && e->way == n->way &&
           bytes_equal(bytes_of(e->who, e->who_n), n->who);
}

/* NULL: the book is full. */
static struct entry *find_or_make(struct book *b, int64_t hour, const struct ledger_note *n)
{
    size_t at = hash_of(n->org, hour, n->limit, n->way, n->who) % SLOTS;
    for (; b->slots[at]; at = (at + 1) % SLOTS) {
        struct entry *e = &b->entries[b->slots[at] - 1];
        if (is_same(e, hour, n)) return e;
    }
    if (b->n == LEDGER_KINDS) return NULL;
    struct entry *e = &b->entries[b->n++];
    *e = (struct entry){
        .org = n->org, .hour = hour, .limit = n->limit, .way = n->way, .who_n = n->who.n};
    memcpy(e->who, n->who.p, n->who.n);
    b->slots[at] = (uint16_t)b->n;
    return e;
}

/* An eighth of the book is kept for what tells organisations and limits apart. */
static struct entry *place(struct book *b, int64_t hour, const struct ledger_note *n)
{
    struct ledger_note folded = *n;
    if (b->n < LEDGER_KINDS - LEDGER_KINDS / 8) return find_or_make(b, hour, n);
    folded.who = BYTES("others");
    folded.way = "any";
    return find_or_make(b, hour, &folded);
}

static void add(struct book *b, int64_t hour, const struct ledger_note *n, int64_t requests,
                int64_t first_ns, int64_t last_ns)
{
    struct entry *e = place(b, hour, n);
    if (!e) return; /* more than a hundred organisations at once, each beyond its limits */
    if (!e->requests || first_ns < e->first_ns) e->first_ns = first_ns;
    if (last_ns > e->last_ns) e->last_ns = last_ns;
    e->requests += requests;
    e->amount += n->amount;
}

void ledger_note(struct ledger *l, const struct ledger_note *note)
{
    int64_t now_ns = clock_wall_ns(l->clock);
    struct ledger_note n = *note;
    if (!n.org) return; /* of nobody */
    if (n.who.n > LEDGER_WHO_MAX) n.who.n = LEDGER_WHO_MAX;
    lock_take(&l->lock);
    add(l->open, now_ns / NS_PER_HOUR, &n, 1, now_ns, now_ns);
    lock_release(&l->lock);
}

/* --- to the catalog ----------------------------------------------------------------------------*/

static enum err write_in(struct ledger *l, struct sql_tx *tx)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < l->writing->n && !e; i++) {
        const struct entry *x = &l->writing->entries[i];
        const struct refused row = {
            .org = x->org,
            .hour = x->hour,
            .name = bytes_str(x->limit),
            .who = bytes_of(x->who, x->who_n),
            .way = bytes_str(x->way),
            .requests = x->requests,
            .amount = x->amount,
            .first_ns = x->first_ns,
            .last_ns = x->last_ns,
        };
        e = catalog_refusals_add(tx, &row);
    }
    int64_t now_ns = clock_wall_ns(l->clock);
    if (!e && l->pruned_hour != now_ns / NS_PER_HOUR)
        e = catalog_refusals_prune(tx, now_ns - LEDGER_DAYS * NS_PER_DAY);
    return e;
}

static void clear(struct book *b)
{
    b->n = 0;
    memset(b->slots, 0, sizeof b->slots);
}

/* What failed before goes along: the open book takes it back in. */
static void swap(struct ledger *l)
{
    lock_take(&l->lock);
    for (size_t i = 0; i < l->writing->n; i++) {
        const struct entry *x = &l->writing->entries[i];
        const struct ledger_note n = {x->org, x->limit, x->way, bytes_of(x->who, x->who_n),
                                      x->amount};
        add(l->open, x->hour, &n, x->requests, x->first_ns, x->last_ns);
    }
    struct book *full = l->open;
    l->open = l->writing;
    l->writing = full;
    clear(l->open);
    lock_release(&l->lock);
}

enum err ledger_write(struct ledger *l)
{
    struct sql_tx *tx;
    swap(l);
    if (!l->writing->n) return ERR_OK;
    enum err e = sql_begin(l->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, write_in(l, tx));
    if (e) return e;
    l->pruned_hour = clock_wall_ns(l->clock) / NS_PER_HOUR;
    clear(l->writing);
    return ERR_OK;
}

enum err ledger_new(struct ledger **ret, struct sql_db *db, const struct clock *clock)
{
    struct ledger *l = mem_zalloc(sizeof *l);
    if (!l) return ERR_NOMEM;
    l->db = db;
    l->clock = clock;
    l->open = mem_zalloc(sizeof *l->open);
    l->writing = mem_zalloc(sizeof *l->writing);
    lock_init(&l->lock, LOCK_RANK_QUOTA);
    if (l->open && l->writing) {
        *ret = l;
        return ERR_OK;
    }
    mem_free(l->open);
    mem_free(l->writing);
    lock_done(&l->lock);
    mem_free(l);
    return ERR_NOMEM;
}

void ledger_free(struct ledger *l)
{
    if (!l) return;
    if (ledger_write(l))
        clear(l->writing); /* the catalog does not answer: the last second is lost */
    mem_free(l->open);
    mem_free(l->writing);
    lock_done(&l->lock);
    mem_free(l);
}
