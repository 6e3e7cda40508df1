/* What a node hears, as notifications of PostgreSQL on one channel, in the order of commits:
 *
 *   h<number>:<id>:<page>                       somebody has come, who has told so many pages
 *   w<number>:<id>:<page>:<summed>:<to>         and is welcomed by each of the others
 *   b<id>:<page>                                somebody leaves
 *   m<id>:<page>:<base64>                       a page (postgres_tell.h)
 *   c<table>:<organisation>:<id>:<name>         a row changed (migration_nodes.c); name: of the
 *                                               connection that changed it
 *
 * The first three are answered at once, the others wait until there are hearers, and keep their
 * order. A row that memory holds is looked at again after a second: a change of this process may
 * have been written to memory just then, beside an older one that the news brought. */
#include "base/mem.h"
#include "codec/base64.h"
#include "codec/record_pack.h"
#include "store/postgres/postgres_node_state.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAITING_BYTES = 64 << 20, AGAIN_MAX = 20000 };
#define AGAIN_NS  NS_PER_S
#define MISSED_NS NS_PER_S          /* between two: reading again is work */
#define TURN_NS   (100 * NS_PER_MS) /* then somebody may have come, or gone */

/* --- notes that wait -------------------------------------------------------------------------- */

static bool add_note(struct postgres_notes *notes, const char *text, int64_t due_ns)
{
    size_t n = strlen(text) + 1;
    struct postgres_note *note = mem_alloc(sizeof *note + n);
    if (!note) return false;
    note->next = NULL;
    note->due_ns = due_ns;
    memcpy(note->text, text, n);
    *notes->last = note;
    notes->last = &note->next;
    notes->count++;
    notes->bytes += n;
    return true;
}

static struct postgres_note *take_note(struct postgres_notes *notes)
{
    struct postgres_note *note = notes->first;
    notes->first = note->next;
    if (!notes->first) notes->last = &notes->first;
    notes->count--;
    notes->bytes -= strlen(note->text) + 1;
    return note;
}

static void drop_notes(struct postgres_notes *notes)
{
    while (notes->first) mem_free(take_note(notes));
}

void postgres_news_init(struct postgres_node *n)
{
    n->waiting.last = &n->waiting.first;
    n->again.last = &n->again.first;
}

void postgres_news_done(struct postgres_node *n)
{
    drop_notes(&n->waiting);
    drop_notes(&n->again);
}

int64_t postgres_news_again_ns(const struct postgres_node *n, int64_t now_ns)
{
    return n->again.first ? n->again.first->due_ns - now_ns : INT64_MAX;
}

/* --- hearers ---------------------------------------------------------------------------------- */

/* What a hearer is called with; the kind says which members count. */
struct news {
    enum { CHANGED, RECORDS, TOLD, MISSED, RESYNC, LEAD, COUNTED } kind;
    enum nodes_table table;
    int64_t org, id;
    struct bytes text;
    const struct record_set *set;
    enum nodes_topic topic;
    bool leads;
    unsigned alive;
};

static void call(const struct nodes_hearer *h, const struct news *w)
{
    if (w->kind == CHANGED && h->changed) h->changed(h->ctx, w->table, w->org, w->id, w->text);
    if (w->kind == RECORDS && h->records) h->records(h->ctx, w->set);
    if (w->kind == TOLD && h->told) h->told(h->ctx, w->topic, w->text);
    if (w->kind == MISSED && h->missed) h->missed(h->ctx);
    if (w->kind == RESYNC && h->resync) h->resync(h->ctx);
    if (w->kind == LEAD && h->lead) h->lead(h->ctx, w->leads);
    if (w->kind == COUNTED && h->counted) h->counted(h->ctx, w->alive);
}

/* False: they are not listening (any more). */
static bool call_all(struct postgres_node *n, const struct news *w)
{
    lock_take(&n->lock);
    bool listening = n->calling = n->listening;
    lock_release(&n->lock);
    for (size_t i = 0; listening && i < n->hearer_count; i++) call(&n->hearers[i], w);
    lock_take(&n->lock);
    n->calling = false;
    cond_broadcast(&n->called);
    lock_release(&n->lock);
    return listening;
}

void postgres_news_tell_lead(struct postgres_node *n)
{
    bool leads = atomic_load(&n->base.leads);
    if (n->told_any && n->told_lead == leads) return;
    if (!call_all(n, &(struct news){.kind = LEAD, .leads = leads})) return;
    n->told_any = true;
    n->told_lead = leads;
}

/* --- hearing ---------------------------------------------------------------------------------- */

/* The parts of a note between colons; text is changed. */
enum { PARTS = 5 };
static size_t split(char *text, char *parts[PARTS])
{
    size_t n = 0;
    for (char *rest = text; rest && n < PARTS;) parts[n++] = strsep(&rest, ":");
    return n;
}

static uint64_t number_of(const char *text)
{
    uint64_t v = 0;
    return bytes_to_u64(bytes_str(text), &v) ? v : 0;
}

static void hear_hello(struct postgres_node *n, char *text)
{
    char *part[PARTS];
    if (split(text, part) != 3 || strcmp(part[1], n->id) == 0) return;
    postgres_peers_meet(&n->peers, (unsigned)number_of(part[0]), part[1], number_of(part[2]));
    (void)postgres_node_welcome(n, part[1]);
}

static void hear_welcome(struct postgres_node *n, char *text)
{
    char *part[PARTS];
    int64_t summed_ns = INT64_MIN;
    if (split(text, part) != 5 || strcmp(part[4], n->id) != 0) return;
    postgres_peers_meet(&n->peers, (unsigned)number_of(part[0]), part[1], number_of(part[2]));
    if (bytes_to_i64(bytes_str(part[3]), &summed_ns)) nodes_note_summed(&n->base, summed_ns);
    if (!n->holds) n->missed = true; /* what it wrote before that was told to nobody */
}

static void hear_bye(struct postgres_node *n, char *text)
{
    char *part[PARTS];
    if (split(text, part) != 2 || strcmp(part[0], n->id) == 0) return;
    if (!postgres_peers_leave(&n->peers, part[0], number_of(part[1]))) n->missed = true;
}

static void keep(struct postgres_node *n, const char *text)
{
    if (n->waiting.bytes < WAITING_BYTES && add_note(&n->waiting, text, 0)) return;
    drop_notes(&n->waiting);
    n->resync = true;
}

/* m<id>:<page>:<base64>, without the m. */
static bool read_page(const char *text, char id[POSTGRES_PEER_ID], uint64_t *ret_page)
{
    const char *page = strchr(text, ':'), *end = page ? strchr(page + 1, ':') : NULL;
    if (!end || page - text >= POSTGRES_PEER_ID) return false;
    memcpy(id, text, (size_t)(page - text));
    id[page - text] = '\0';
    return bytes_to_u64(bytes_of(page + 1, (size_t)(end - page - 1)), ret_page);
}

static void hear_page(struct postgres_node *n, const char *text)
{
    char id[POSTGRES_PEER_ID];
    uint64_t number;
    if (!read_page(text, id, &number) || strcmp(id, n->id) == 0) return;
    /* before its welcome: that is read from the database */
    if (n->holds && !postgres_peers_met(&n->peers, id)) return;
    enum postgres_page page = postgres_peers_page(&n->peers, id, number);
    if (page == POSTGRES_PAGE_AGAIN) return;
    if (page == POSTGRES_PAGE_GAP) n->missed = true;
    keep(n, text - 1);
}

/* Is it kept in memory, so that it may have been overwritten with something older? */
static bool is_kept(enum nodes_table table)
{
    return strchr("dvyuktrq", (int)table) != NULL;
}

/* c<table>:<organisation>:<id>:<name>, without the c; the id's text ends at *ret_name. */
static bool read_change(const char *text, struct news *ret, const char **ret_name)
{
    const char *org = strchr(text, ':'), *id = org ? strchr(org + 1, ':') : NULL;
    const char *name = id ? strchr(id + 1, ':') : NULL;
    if (!name || org != text + 1) return false;
    *ret = (struct news){.kind = CHANGED, .table = (enum nodes_table)text[0]};
    ret->text = bytes_of(id + 1, (size_t)(name - id - 1));
    if (!bytes_to_i64(ret->text, &ret->id)) ret->id = 0;
    *ret_name = name + 1;
    return bytes_to_i64(bytes_of(org + 1, (size_t)(id - org - 1)), &ret->org);
}

/* One's own changes are in memory already; while there are others they are looked at all the same:
 * what they say and what another one says may have come to memory in the wrong order. */
static void hear_change(struct postgres_node *n, const char *text)
{
    struct news w;
    const char *name;
    if (!read_change(text, &w, &name)) return;
    bool own = strcmp(name, postgres_pool_name(n->opts.pool)) == 0;
    bool again = nodes_alive(&n->base) > 1 && is_kept(w.table);
    if (!own || again) keep(n, text - 1);
}

static void hear(struct postgres_node *n, char *text)
{
    char kind = text[0];
    if (kind == 'h') hear_hello(n, text + 1);
    if (kind == 'w') hear_welcome(n, text + 1);
    if (kind == 'b') hear_bye(n, text + 1);
    if (kind == 'm') hear_page(n, text + 1);
    if (kind == 'c') hear_change(n, text + 1);
}

bool postgres_news_read(struct postgres_node *n)
{
    if (!n->pg) return false;
    bool fine = PQconsumeInput(n->pg) && PQstatus(n->pg) == CONNECTION_OK;
    for (PGnotify *note; n->pg && (note = PQnotifies(n->pg)); PQfreemem(note)) hear(n, note->extra);
    if (!fine && n->pg) {
        PQfinish(n->pg);
        n->pg = NULL;
    }
    return n->pg != NULL;
}

/* --- telling hearers -------------------------------------------------------------------------- */

static void tell_records(struct postgres_node *n, struct bytes text)
{
    struct record_set set = {.records = n->records, .points = n->points};
    if (record_pack_read(text, &set)) return;
    const struct news w = {.kind = RECORDS, .set = &set};
    (void)call_all(n, &w);
}

static void tell_page(struct postgres_node *n, const char *text)
{
    char bytes[POSTGRES_PAGE_BYTES];
    size_t at = 0, size = 0;
    const char *page = strchr(text, ':');
    page = page ? strchr(page + 1, ':') : NULL;
    if (!page || base64_decode(bytes_str(page + 1), bytes, sizeof bytes, &size)) return;
    struct news w = {.kind = TOLD};
    while (postgres_tell_next(bytes_of(bytes, size), &at, &w.topic, &w.text)) {
        int64_t below_ns;
        n->missed = n->missed || w.topic == NODES_UNSURE;
        if (w.topic == NODES_RECORDS)
            tell_records(n, w.text);
        else
            (void)call_all(n, &w);
        if (w.topic == NODES_SUMMED && bytes_to_i64(w.text, &below_ns))
            nodes_note_summed(&n->base, below_ns);
    }
}

static void tell_change(struct postgres_node *n, const char *text, bool again)
{
    struct news w;
    const char *name;
    if (!read_change(text, &w, &name)) return;
    (void)call_all(n, &w);
    if (again || !is_kept(w.table) || n->again.count >= AGAIN_MAX) return;
    (void)add_note(&n->again, text - 1, clock_mono_ns(clock_real()) + AGAIN_NS);
}

static void tell_note(struct postgres_node *n, const char *text, bool again)
{
    if (text[0] == 'm') tell_page(n, text + 1);
    if (text[0] == 'c') tell_change(n, text + 1, again);
}

static void tell_state(struct postgres_node *n)
{
    unsigned alive = nodes_alive(&n->base);
    int64_t now_ns = clock_mono_ns(clock_real());
    bool resync = n->resync, due = now_ns - n->missed_ns >= MISSED_NS;
    bool missed = n->missed && !resync && due; /* the one is part of the other */
    if (resync || missed) {
        n->resync = n->missed = false;
        n->missed_ns = now_ns;
        (void)call_all(n, &(struct news){.kind = resync ? RESYNC : MISSED});
    }
    postgres_news_tell_lead(n);
    if (alive != n->told_alive) (void)call_all(n, &(struct news){.kind = COUNTED, .alive = alive});
    n->told_alive = alive;
}

void postgres_news_tell(struct postgres_node *n)
{
    lock_take(&n->lock);
    bool listening = n->listening;
    lock_release(&n->lock);
    if (!listening) return;
    tell_state(n);
    int64_t begin_ns = clock_mono_ns(clock_real());
    while (n->waiting.first && clock_mono_ns(clock_real()) - begin_ns < TURN_NS) {
        struct postgres_note *note = take_note(&n->waiting);
        tell_note(n, note->text, false);
        mem_free(note);
    }
    while (n->again.first && n->again.first->due_ns <= begin_ns) {
        struct postgres_note *note = take_note(&n->again);
        tell_note(n, note->text, true);
        mem_free(note);
    }
}
