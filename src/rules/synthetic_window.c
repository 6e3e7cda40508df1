/* Sliding windows of bounded memory (see synthetic_window.h). */
#include "rules/synthetic_window.h"

#include "base/clock.h"
#include "base/mem.h"
#include "rules/synthetic_sums.h"

enum {
    BACK_MAX = 128, /* then neighbours are joined, so that blocks are twice as long */
    PIECES_MAX = 64 /* of a long block that is read again */
};

struct block {
    struct sample first;
    int64_t last_ns;
    struct synthetic_sums own, onward; /* onward: of it and all newer blocks of the front */
};

struct blocks {
    struct block *at;
    size_t n, cap;
};

struct tail_entry {
    struct sample s;
    struct synthetic_sums onward; /* of it and all newer ones of the tail */
};

struct synthetic_window {
    int64_t span_ns;
    struct synthetic_source source;
    struct synthetic_budget *budget;
    struct tail_entry *tail; /* oldest first; tail[tail_at ..) are in the window */
    size_t tail_at, tail_n, tail_cap;
    struct blocks
        front;          /* the newest first, so that the oldest is at the end and goes away there */
    struct blocks back; /* the oldest first */
    struct synthetic_sums back_sums;
    struct sample *head;
    size_t head_n, head_cap;
    struct synthetic_sums head_sums;
    uint64_t run; /* readings of a block before it is closed; doubles as blocks are joined */
};

/* --- memory ----------------------------------------------------------------------------------- */

static enum err grow(struct synthetic_window *w, void **array, size_t *cap, size_t want,
                     size_t size)
{
    if (want <= *cap) return ERR_OK;
    size_t fresh = *cap ? *cap : 8;
    while (fresh < want) fresh *= 2;
    size_t more = (fresh - *cap) * size;
    if (w->budget->used_bytes + more > w->budget->max_bytes) return ERR_LIMIT;
    void *p = mem_realloc(*array, fresh * size);
    if (!p) return ERR_NOMEM;
    w->budget->used_bytes += more;
    *array = p;
    *cap = fresh;
    return ERR_OK;
}

static void give_back(struct synthetic_window *w, void *array, size_t cap, size_t size)
{
    mem_free(array);
    w->budget->used_bytes -= cap * size;
}

enum err synthetic_window_new(struct synthetic_window **ret, int64_t span_ns,
                              const struct synthetic_source *source,
                              struct synthetic_budget *budget)
{
    struct synthetic_window *w;
    if (budget->used_bytes + sizeof *w > budget->max_bytes) return ERR_LIMIT;
    if (!(w = mem_zalloc(sizeof *w))) return ERR_NOMEM;
    budget->used_bytes += sizeof *w;
    w->span_ns = span_ns;
    w->source = *source;
    w->budget = budget;
    w->run = WINDOW_RUN;
    *ret = w;
    return ERR_OK;
}

void synthetic_window_free(struct synthetic_window *w)
{
    if (!w) return;
    give_back(w, w->tail, w->tail_cap, sizeof *w->tail);
    give_back(w, w->front.at, w->front.cap, sizeof *w->front.at);
    give_back(w, w->back.at, w->back.cap, sizeof *w->back.at);
    give_back(w, w->head, w->head_cap, sizeof *w->head);
    w->budget->used_bytes -= sizeof *w;
    mem_free(w);
}

static enum err push(struct synthetic_window *w, struct blocks *to, const struct block *b)
{
    enum err e = grow(w, (void **)&to->at, &to->cap, to->n + 1, sizeof *to->at);
    if (!e) to->at[to->n++] = *b;
    return e;
}

static struct block join(const struct block *older, const struct block *newer)
{
    return (struct block){.first = older->first,
                          .last_ns = newer->last_ns,
                          .own = synthetic_sums_join(&older->own, &newer->own)};
}

/* --- coming in -------------------------------------------------------------------------------- */

static void join_neighbours(struct synthetic_window *w)
{
    struct blocks *b = &w->back;
    size_t n = 0;
    for (size_t i = 0; i + 1 < b->n; i += 2) b->at[n++] = join(&b->at[i], &b->at[i + 1]);
    if (b->n % 2) b->at[n++] = b->at[b->n - 1];
    b->n = n;
    w->run *= 2;
}

/* The head becomes a block, or a part of the newest one while that is short. */
static enum err close_head(struct synthetic_window *w)
{
    struct blocks *back = &w->back;
    struct block b = {
        .first = w->head[0], .last_ns = w->head[w->head_n - 1].ts_ns, .own = w->head_sums};
    struct block *newest = back->n ? &back->at[back->n - 1] : NULL;
    enum err e = ERR_OK;
    if (newest && newest->own.count + b.own.count <= w->run) {
        *newest = join(newest, &b);
    } else {
        if (back->n == BACK_MAX) join_neighbours(w);
        e = push(w, back, &b);
    }
    if (e) return e;
    w->back_sums = synthetic_sums_join(&w->back_sums, &w->head_sums);
    w->head_n = 0;
    w->head_sums = (struct synthetic_sums){0};
    return ERR_OK;
}

static void sum_head(struct synthetic_window *w)
{
    w->head_sums = (struct synthetic_sums){0};
    for (size_t i = 0; i < w->head_n; i++) synthetic_sums_add(&w->head_sums, w->head[i].value);
}

enum err synthetic_window_add(struct synthetic_window *w, struct sample s)
{
    /* The newest one is always in the head: it goes to a block only when another one comes. */
    if (w->head_n && w->head[w->head_n - 1].ts_ns == s.ts_ns) {
        w->head[w->head_n - 1] = s;
        sum_head(w);
        return ERR_OK;
    }
    enum err e = synthetic_window_move(w, s.ts_ns);
    if (!e && w->head_n == WINDOW_RUN) e = close_head(w);
    if (!e) e = grow(w, (void **)&w->head, &w->head_cap, w->head_n + 1, sizeof *w->head);
    if (e) return e;
    w->head[w->head_n++] = s;
    synthetic_sums_add(&w->head_sums, s.value);
    return ERR_OK;
}

/* --- going out -------------------------------------------------------------------------------- */

/* The back becomes the front: from the newest block to the oldest, with the sums onward. */
static enum err turn(struct synthetic_window *w)
{
    struct blocks *front = &w->front, *back = &w->back;
    enum err e = grow(w, (void **)&front->at, &front->cap, back->n, sizeof *front->at);
    if (e) return e;
    struct synthetic_sums onward = {0};
    for (size_t i = back->n; i--;) {
        struct block b = back->at[i];
        b.onward = onward = synthetic_sums_join(&b.own, &onward);
        front->at[front->n++] = b;
    }
    back->n = 0;
    w->back_sums = (struct synthetic_sums){0};
    w->run = WINDOW_RUN;
    return ERR_OK;
}

static void sum_tail(struct synthetic_window *w)
{
    struct synthetic_sums onward = {0};
    for (size_t i = w->tail_n; i-- > w->tail_at;) {
        struct synthetic_sums one = {0};
        synthetic_sums_add(&one, w->tail[i].s.value);
        w->tail[i].onward = onward = synthetic_sums_join(&one, &onward);
    }
}

/* What the store gives of one block: readings for the tail, or pieces for the front. */
struct reading {
    struct synthetic_window *w;
    int64_t after_ns; /* not in the window up to here */
    uint64_t run;     /* of a piece; 0: to the tail */
    struct block pieces[PIECES_MAX];
    size_t n;
    enum err e;
};

static void give_tail(void *to, struct sample s)
{
    struct reading *r = to;
    struct synthetic_window *w = r->w;
    if (r->e || s.ts_ns <= r->after_ns) return;
    r->e = grow(w, (void **)&w->tail, &w->tail_cap, w->tail_n + 1, sizeof *w->tail);
    if (!r->e) w->tail[w->tail_n++] = (struct tail_entry){.s = s};
}

static void give_piece(void *to, struct sample s)
{
    struct reading *r = to;
    if (s.ts_ns <= r->after_ns) return;
    struct block *last = r->n ? &r->pieces[r->n - 1] : NULL;
    if (!last || (last->own.count >= r->run && r->n < PIECES_MAX)) {
        last = &r->pieces[r->n++];
        *last = (struct block){.first = s};
    }
    last->last_ns = s.ts_ns;
    synthetic_sums_add(&last->own, s.value);
}

/* Takes the oldest block of the front apart. */
static enum err open_block(struct synthetic_window *w, int64_t after_ns)
{
    struct block b = w->front.at[--w->front.n];
    struct reading r = {.w = w, .after_ns = after_ns};
    enum err e;
    if (b.last_ns <= after_ns) return ERR_OK;
    if (b.own.count <= WINDOW_RUN) {
        w->tail_at = w->tail_n = 0;
        e = w->source.read(w->source.ctx, b.first.ts_ns, b.last_ns, give_tail, &r);
        if (!e) e = r.e;
        if (!e) sum_tail(w);
        return e;
    }
    r.run = b.own.count / PIECES_MAX;
    if (r.run < WINDOW_RUN) r.run = WINDOW_RUN;
    e = w->source.read(w->source.ctx, b.first.ts_ns, b.last_ns, give_piece, &r);
    struct synthetic_sums onward = {0};
    if (w->front.n) onward = w->front.at[w->front.n - 1].onward;
    for (size_t i = r.n; i-- && !e;) {
        r.pieces[i].onward = onward = synthetic_sums_join(&r.pieces[i].own, &onward);
        e = push(w, &w->front, &r.pieces[i]);
    }
    return e;
}

/* All of the head but the newest reading becomes the tail. */
static enum err open_head(struct synthetic_window *w)
{
    size_t n = w->head_n - 1;
    enum err e = grow(w, (void **)&w->tail, &w->tail_cap, n, sizeof *w->tail);
    if (e) return e;
    w->tail_at = 0;
    w->tail_n = n;
    for (size_t i = 0; i < n; i++) w->tail[i].s = w->head[i];
    sum_tail(w);
    w->head[0] = w->head[n];
    w->head_n = 1;
    sum_head(w);
    return ERR_OK;
}

enum err synthetic_window_move(struct synthetic_window *w, int64_t t_ns)
{
    int64_t after_ns = clock_add(t_ns, -w->span_ns);
    enum err e = ERR_OK;
    while (!e) {
        while (w->tail_at < w->tail_n && w->tail[w->tail_at].s.ts_ns <= after_ns) w->tail_at++;
        if (w->tail_at < w->tail_n) break;
        if (!w->front.n && w->back.n) e = turn(w);
        if (w->front.n) {
            if (w->front.at[w->front.n - 1].first.ts_ns > after_ns) break;
            e = open_block(w, after_ns);
        } else if (w->head_n > 1 && w->head[0].ts_ns <= after_ns) {
            e = open_head(w);
        } else {
            if (w->head_n == 1 && w->head[0].ts_ns <= after_ns) w->head_n = 0;
            if (!w->head_n) w->head_sums = (struct synthetic_sums){0};
            break;
        }
    }
    return e;
}

/* --- what it says ----------------------------------------------------------------------------- */

static struct synthetic_sums total(const struct synthetic_window *w)
{
    struct synthetic_sums s = {0};
    if (w->tail_at < w->tail_n) s = w->tail[w->tail_at].onward;
    if (w->front.n) s = synthetic_sums_join(&s, &w->front.at[w->front.n - 1].onward);
    s = synthetic_sums_join(&s, &w->back_sums);
    return synthetic_sums_join(&s, &w->head_sums);
}

static struct sample first(const struct synthetic_window *w)
{
    if (w->tail_at < w->tail_n) return w->tail[w->tail_at].s;
    if (w->front.n) return w->front.at[w->front.n - 1].first;
    if (w->back.n) return w->back.at[0].first;
    return w->head[0];
}

static bool read_change(const struct synthetic_window *w, enum expression_statistic what,
                        double *ret)
{
    struct sample from = first(w), to = w->head[w->head_n - 1];
    double change = to.value - from.value;
    if (to.ts_ns <= from.ts_ns) return false;
    if (what == EXPRESSION_RATE) {
        *ret = change / ((double)(to.ts_ns - from.ts_ns) / (double)NS_PER_HOUR);
        return true;
    }
    if (from.value == 0) return false;
    *ret = change / from.value * 100;
    return true;
}

bool synthetic_window_read(const struct synthetic_window *w, enum expression_statistic what,
                           double *ret)
{
    struct synthetic_sums s = total(w);
    if (what == EXPRESSION_COUNT) {
        *ret = (double)s.count;
        return true;
    }
    if (!s.count) return false;
    switch (what) {
    case EXPRESSION_AVG:
        *ret = s.sum / (double)s.count;
        return true;
    case EXPRESSION_STDDEV:
        *ret = sqrt(s.m2 / (double)s.count);
        return true;
    case EXPRESSION_SUM:
        *ret = s.sum;
        return true;
    case EXPRESSION_MIN:
        *ret = s.min;
        return true;
    case EXPRESSION_MAX:
        *ret = s.max;
        return true;
    default:
        return read_change(w, what, ret);
    }
}
