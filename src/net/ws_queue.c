/* What a session sends (see ws_session.h): the queue, its lanes and its bounds. */
#include "net/ws_session.h"

#include "base/mem.h"

enum {
    LAG_BYTES = 64 * 1024,    /* a client that has not taken this much lags: lanes are thinned */
    BURST_BYTES = 512 * 1024, /* so much may gather between two turns of the loop first */
    WAITING_MAX = 1 << 20,    /* what no lane could thin: the session ends */
};

void ws_queue_init(struct websocket *ws)
{
    lock_init(&ws->lock, LOCK_RANK_LOOP);
    ws->last = &ws->first;
}

static void free_nodes(struct ws_node *n)
{
    while (n) {
        struct ws_node *next = n->next;
        ws_frame_unref(n->frame);
        mem_free(n);
        n = next;
    }
}

void ws_queue_done(struct websocket *ws)
{
    free_nodes(ws->first);
    free_nodes(ws->flight);
    lock_done(&ws->lock);
}

/* Under the lock. */
static void append(struct websocket *ws, struct ws_node *n)
{
    *ws->last = n;
    ws->last = &n->next;
    ws->waiting += n->frame->n;
}

/* Under the lock: puts the newer frame where the last older one of its lane waits, so that a lane
 * stays in order; returns the older one. NULL: none waits. */
static struct ws_frame *replace_in_lane(struct websocket *ws, struct ws_frame *f, uint64_t lane)
{
    struct ws_node *last = NULL;
    for (struct ws_node *n = ws->first; n; n = n->next)
        if (n->lane == lane) last = n;
    if (!last) return NULL;
    struct ws_frame *older = last->frame;
    last->frame = f;
    ws->waiting += f->n;
    ws->waiting -= older->n;
    return older;
}

/* Under the lock. */
static void finish_overrun(struct websocket *ws)
{
    static const char reason[] = "too slow: more than 1 MiB waits";
    ws->finished = ws->drop = true;
    ws->close_code = 1013;
    ws->reason_n = sizeof reason - 1;
    memcpy(ws->reason, reason, sizeof reason - 1);
}

/* Under the lock: what becomes of the frame; what is left over is the caller's to free. */
static struct ws_frame *take_in(struct websocket *ws, struct ws_node **node, uint64_t lane)
{
    struct ws_frame *f = (*node)->frame;
    bool lags = ws->waiting > (ws->busy ? LAG_BYTES : BURST_BYTES);
    if (ws->finished) return f;
    struct ws_frame *older = lags && lane ? replace_in_lane(ws, f, lane) : NULL;
    if (older) return older;
    if (ws->waiting + f->n > WAITING_MAX) {
        finish_overrun(ws);
        return f;
    }
    append(ws, *node);
    *node = NULL;
    return NULL;
}

void ws_queue_push(struct websocket *ws, struct ws_frame *f, uint64_t lane)
{
    struct ws_node *node = mem_alloc(sizeof *node);
    if (!node) { /* a hole in what it shows would go unnoticed; a reconnect fills it */
        ws_queue_finish(ws, 1013, "out of memory");
        return;
    }
    *node = (struct ws_node){.frame = ws_frame_ref(f), .lane = lane};
    lock_take(&ws->lock);
    struct ws_frame *left = take_in(ws, &node, lane);
    bool post = !ws->posted && (!ws->busy || ws->drop);
    if (post) ws->posted = true;
    struct loop *l = &ws->conn->hl->loop;
    lock_release(&ws->lock);
    if (post) loop_post(l, &ws->task);
    ws_frame_unref(left);
    mem_free(node);
}

void ws_queue_finish(struct websocket *ws, uint16_t code, const char *reason)
{
    size_t n = strlen(reason);
    lock_take(&ws->lock);
    bool post = !ws->finished && !ws->posted;
    if (!ws->finished) {
        ws->finished = true;
        ws->close_code = code;
        ws->reason_n = (uint8_t)(n < sizeof ws->reason ? n : sizeof ws->reason);
        memcpy(ws->reason, reason, ws->reason_n);
    }
    if (post) ws->posted = true;
    struct loop *l = &ws->conn->hl->loop;
    lock_release(&ws->lock);
    if (post) loop_post(l, &ws->task);
}

void ws_queue_add_control(struct websocket *ws, enum ws_opcode opcode, struct bytes payload)
{
    struct ws_node *node = mem_alloc(sizeof *node);
    struct ws_frame *f = node ? ws_frame_make(opcode, payload) : NULL;
    if (!f) {
        mem_free(node);
        conn_close(&ws->conn->conn);
        return;
    }
    *node = (struct ws_node){.frame = f};
    lock_take(&ws->lock);
    append(ws, node);
    if (!ws->finished && ws->waiting > WAITING_MAX) finish_overrun(ws);
    lock_release(&ws->lock);
}

/* Gives back what was in flight and takes the next frames; returns how many. */
static unsigned next_flight(struct websocket *ws, struct bytes parts[CONN_PARTS_MAX])
{
    struct ws_node *sent = ws->flight, *dropped = NULL;
    ws->flight = NULL;
    lock_take(&ws->lock);
    ws->waiting -= ws->flight_bytes;
    if (ws->drop) {
        dropped = ws->first;
        for (struct ws_node *n = dropped; n; n = n->next) ws->waiting -= n->frame->n;
        ws->first = NULL;
        ws->drop = false;
    }
    unsigned n = 0;
    struct ws_node **end = &ws->first;
    ws->flight_bytes = 0;
    for (; *end && n < CONN_PARTS_MAX; end = &(*end)->next) {
        parts[n++] = bytes_of((*end)->frame->bytes, (*end)->frame->n);
        ws->flight_bytes += (*end)->frame->n;
        if (!(*end)->frame->control) ws->last_message_ns = loop_now_ns(&ws->conn->hl->loop);
    }
    struct ws_node *rest = *end;
    ws->flight = n ? ws->first : NULL;
    *end = NULL;
    ws->first = rest;
    if (!rest) ws->last = &ws->first;
    ws->busy = false;
    lock_release(&ws->lock);
    free_nodes(sent);
    free_nodes(dropped);
    return n;
}

void ws_queue_pump(struct websocket *ws)
{
    struct conn *c = &ws->conn->conn;
    struct bytes parts[CONN_PARTS_MAX];
    while (!c->closing && !c->writing) {
        unsigned n = next_flight(ws, parts);
        if (!n) {
            websocket_drained(ws);
            return;
        }
        if (conn_write(c, parts, n) != CONN_LATER) continue;
        lock_take(&ws->lock);
        ws->busy = true;
        lock_release(&ws->lock);
    }
}
