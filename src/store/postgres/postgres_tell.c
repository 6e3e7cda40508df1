/* Telling the other nodes (see postgres_tell.h). In a page: topic, length in two bytes, text. */
#include "store/postgres/postgres_tell.h"

#include "base/buf.h"
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/record_pack.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

enum { PAGES_AT_ONCE = 64, FRAME = 3 };
#define PACE_NS  (4 * NS_PER_MS) /* between two messages, so that a busy node tells in pages */
#define RETRY_NS (100 * NS_PER_MS)
#define LAST_NS  (2 * NS_PER_S)

struct page {
    struct page *next;
    uint64_t number; /* 0: it is open */
    size_t n;
    unsigned char bytes[POSTGRES_PAGE_BYTES];
};

struct postgres_tell {
    struct postgres_pool *pool;
    char id[20];
    PGconn *pg; /* of the thread; NULL: none yet, or broken */
    pthread_t thread;
    bool started;
    struct lock lock; /* guards all below */
    struct cond wake;
    struct page *first, **last, *open; /* open: the last one, or NULL */
    size_t bytes;
    uint64_t number;
    bool dropping, closing;
};

/* --- pages ------------------------------------------------------------------------------------ */

/* With the lock. */
static void close_page(struct postgres_tell *t)
{
    if (t->open) t->open->number = ++t->number;
    t->open = NULL;
}

/* With the lock: a page with so much room, or NULL: then what it was for is dropped (Y2), which a
 * hole in the numbers says. */
static struct page *room_for(struct postgres_tell *t, size_t n)
{
    if (t->open && t->open->n + n <= POSTGRES_PAGE_BYTES) return t->open;
    close_page(t);
    bool full = t->bytes + sizeof(struct page) > POSTGRES_TELL_BYTES;
    struct page *p = full ? NULL : mem_alloc(sizeof *p);
    if (!p) {
        if (!t->dropping) t->number++;
        t->dropping = true;
        return NULL;
    }
    t->dropping = false;
    p->next = NULL;
    p->number = p->n = 0;
    *t->last = p;
    t->last = &p->next;
    t->bytes += sizeof *p;
    return t->open = p;
}

static void frame(struct page *p, enum nodes_topic topic, size_t n)
{
    p->bytes[p->n] = (unsigned char)topic;
    p->bytes[p->n + 1] = (unsigned char)n;
    p->bytes[p->n + 2] = (unsigned char)(n >> 8);
    p->n += FRAME + n;
}

void postgres_tell_add(struct postgres_tell *t, enum nodes_topic topic, struct bytes text)
{
    if (text.n > NODES_TELL_MAX) return;
    lock_take(&t->lock);
    struct page *p = room_for(t, FRAME + text.n);
    if (p) {
        if (text.n) memcpy(p->bytes + p->n + FRAME, text.p, text.n);
        frame(p, topic, text.n);
    }
    cond_signal(&t->wake);
    lock_release(&t->lock);
}

void postgres_tell_records(struct postgres_tell *t, const struct record_set *set)
{
    struct record_pack_place at = {0, 0};
    lock_take(&t->lock);
    while (at.record < set->record_count) {
        struct page *p = room_for(t, FRAME + RECORD_PACK_LEAST);
        if (!p) break;
        size_t room = POSTGRES_PAGE_BYTES - p->n - FRAME;
        size_t n = record_pack_write(set, &at, p->bytes + p->n + FRAME, room);
        if (n) frame(p, NODES_RECORDS, n);
        if (at.record < set->record_count) close_page(t);
    }
    cond_signal(&t->wake);
    lock_release(&t->lock);
}

uint64_t postgres_tell_mark(struct postgres_tell *t)
{
    lock_take(&t->lock);
    close_page(t);
    uint64_t number = t->number;
    lock_release(&t->lock);
    return number;
}

bool postgres_tell_next(struct bytes page, size_t *at, enum nodes_topic *ret_topic,
                        struct bytes *ret_text)
{
    const unsigned char *p = (const unsigned char *)page.p + *at;
    if (page.n - *at < FRAME) return false;
    size_t n = p[1] | (size_t)p[2] << 8;
    if (page.n - *at - FRAME < n) return false;
    *ret_topic = (enum nodes_topic)p[0];
    *ret_text = bytes_of(p + FRAME, n);
    *at += FRAME + n;
    return true;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Takes all that waits, PAGES_AT_ONCE at most; with the lock. */
static struct page *take_pages(struct postgres_tell *t)
{
    struct page *pages = t->first, *at = pages;
    size_t n = 0;
    close_page(t);
    while (at && ++n < PAGES_AT_ONCE) at = at->next;
    t->first = at ? at->next : NULL;
    if (!t->first) t->last = &t->first;
    if (at) at->next = NULL;
    return pages;
}

/* An array of texts that need no quotes. */
static void write_pages(struct buf *b, const char *id, const struct page *pages)
{
    char text[POSTGRES_PAGE_BYTES / 3 * 4 + 8];
    buf_add_char(b, '{');
    for (const struct page *p = pages; p; p = p->next) {
        size_t n = base64_encode(bytes_of(p->bytes, p->n), text);
        /* a colon, not a blank: blanks at the ends of an array's texts mean nothing */
        buf_printf(b, "%sm%s:%llu:", p == pages ? "" : ",", id, (unsigned long long)p->number);
        buf_add_bytes(b, bytes_of(text, n));
    }
    buf_add_char(b, '}');
    buf_add_char(b, '\0');
}

static bool send_text(struct postgres_tell *t, const char *text)
{
    static const char sql[] =
        "SELECT pg_notify('" POSTGRES_TELL_CHANNEL "', p) FROM unnest($1::text[]) AS p";
    struct why why;
    if (!t->pg) {
        t->pg = postgres_pool_connect(t->pool, postgres_pool_name(t->pool), &why);
        if (!t->pg) return false;
        PQclear(PQexec(t->pg, "SET synchronous_commit = off; SET idle_session_timeout = 0"));
    }
    PGresult *r = PQexecParams(t->pg, sql, 1, NULL, &text, NULL, NULL, 0);
    bool fine = PQresultStatus(r) == PGRES_TUPLES_OK;
    PQclear(r);
    if (fine) return true;
    PQfinish(t->pg);
    t->pg = NULL;
    return false;
}

static bool send_pages(struct postgres_tell *t, const struct page *pages)
{
    struct buf b;
    buf_init(&b, PAGES_AT_ONCE * 8200);
    write_pages(&b, t->id, pages);
    bool fine = !b.err && send_text(t, buf_bytes(&b).p);
    buf_done(&b);
    return fine;
}

static void free_pages(struct postgres_tell *t, struct page *pages)
{
    size_t bytes = 0;
    while (pages) {
        struct page *next = pages->next;
        bytes += sizeof *pages;
        mem_free(pages);
        pages = next;
    }
    lock_take(&t->lock);
    t->bytes -= bytes;
    lock_release(&t->lock);
}

/* False: the end, and nothing is left. */
static bool wait_for_pages(struct postgres_tell *t, struct page **ret)
{
    lock_take(&t->lock);
    while (!t->first && !t->closing) cond_wait(&t->wake, &t->lock);
    *ret = take_pages(t);
    lock_release(&t->lock);
    return *ret != NULL;
}

/* For so long, or until something is told; *ret: the end has come. */
static void rest(struct postgres_tell *t, int64_t ns, bool *ret)
{
    lock_take(&t->lock);
    cond_wait_for(&t->wake, &t->lock, ns);
    *ret = t->closing;
    lock_release(&t->lock);
}

static void *run(void *arg)
{
    struct postgres_tell *t = arg;
    struct page *pages;
    bool closing = false;
    while (wait_for_pages(t, &pages)) {
        int64_t begin_ns = clock_mono_ns(clock_real());
        /* the same numbers again, where the outcome is not known (Y1) */
        while (!send_pages(t, pages)) {
            rest(t, RETRY_NS, &closing);
            if (closing && clock_mono_ns(clock_real()) - begin_ns > LAST_NS) break;
        }
        free_pages(t, pages);
        int64_t left_ns = begin_ns + PACE_NS - clock_mono_ns(clock_real());
        while (left_ns > 0 && !closing) { /* who tells wakes; that does not end the pace */
            rest(t, left_ns, &closing);
            left_ns = begin_ns + PACE_NS - clock_mono_ns(clock_real());
        }
    }
    return NULL;
}

enum err postgres_tell_new(struct postgres_tell **ret, struct postgres_pool *pool, const char *id)
{
    struct postgres_tell *t = mem_zalloc(sizeof *t);
    if (!t) return ERR_NOMEM;
    t->pool = pool;
    snprintf(t->id, sizeof t->id, "%s", id);
    t->last = &t->first;
    lock_init(&t->lock, LOCK_RANK_NODES);
    cond_init(&t->wake);
    enum err e = thread_start(&t->thread, run, t, "postgres-tell", 0);
    t->started = !e;
    if (e)
        postgres_tell_free(t);
    else
        *ret = t;
    return e;
}

void postgres_tell_free(struct postgres_tell *t)
{
    if (!t) return;
    lock_take(&t->lock);
    t->closing = true;
    cond_signal(&t->wake);
    lock_release(&t->lock);
    if (t->started) pthread_join(t->thread, NULL);
    PQfinish(t->pg);
    cond_done(&t->wake);
    lock_done(&t->lock);
    mem_free(t);
}
