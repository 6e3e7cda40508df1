/* What a session reads: pieces of frames become messages, pings are answered, and everything RFC
 * 6455 forbids ends the session with the code it names (5.1 to 5.5, 7.4, 8.1). */
#include "net/ws_session.h"

enum { MESSAGE_MAX = 64 * 1024, CONTROL_MAX = 125 };

void ws_message_init(struct websocket *ws)
{
    buf_init(&ws->message, MESSAGE_MAX);
    buf_init(&ws->control, CONTROL_MAX);
}

void ws_message_done(struct websocket *ws)
{
    buf_done(&ws->message);
    buf_done(&ws->control);
}

/* Ends the session and reads nothing more. */
static bool fail(struct websocket *ws, uint16_t code, const char *reason)
{
    websocket_close(ws, code, reason);
    ws->close_seen =
        true; /* what comes now is not understood any more: no use waiting for a close */
    return false;
}

static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static bool take_close(struct websocket *ws, struct bytes payload)
{
    ws->close_seen = true;
    if (payload.n == 0) {
        websocket_close(ws, 0, ""); /* an empty one is answered with an empty one */
        return false;
    }
    unsigned code =
        payload.n < 2 ? 0 : (unsigned)(uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1];
    if (!is_close_code(code)) return fail(ws, 1002, "not a close code");
    if (!bytes_is_utf8(bytes_of(payload.p + 2, payload.n - 2)))
        return fail(ws, 1007, "the reason is not UTF-8");
    websocket_close(ws, (uint16_t)code, "");
    return false;
}

static bool take_control(struct websocket *ws, const struct ws_reader_piece *p)
{
    buf_add_bytes(&ws->control, p->data);
    if (ws->control.err) return fail(ws, 1011, "out of memory");
    if (!p->last) return true;
    bool go_on = true;
    ws->pings_out = 0; /* whatever it says, it lives */
    if (p->opcode == WS_PING && !ws->close_sent)
        ws_queue_add_control(ws, WS_PONG, buf_bytes(&ws->control));
    if (p->opcode == WS_CLOSE) go_on = take_close(ws, buf_bytes(&ws->control));
    buf_done(&ws->control);
    return go_on;
}

static bool check_piece(struct websocket *ws, const struct ws_reader_piece *p)
{
    if (!p->masked) return fail(ws, 1002, "a frame from a client must be masked");
    if (p->reserved) return fail(ws, 1002, "no extension was agreed on");
    switch (p->opcode) {
    case WS_CONTINUATION:
        return ws->in_message || fail(ws, 1002, "nothing to continue");
    case WS_TEXT:
        return !ws->in_message || fail(ws, 1002, "a message inside a message");
    case WS_BINARY:
        return fail(ws, 1003, "text only");
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return true;
    default:
        return fail(ws, 1002, "not an opcode");
    }
}

static bool take_piece(struct websocket *ws, const struct ws_reader_piece *p)
{
    if (p->first && !check_piece(ws, p)) return false;
    if (p->opcode >= WS_CLOSE) return take_control(ws, p);
    if (p->payload_n > MESSAGE_MAX || ws->message.n + p->data.n > MESSAGE_MAX)
        return fail(ws, 1009, "a message is longer than 64 KiB");
    buf_add_bytes(&ws->message, p->data);
    if (ws->message.err) return fail(ws, 1011, "out of memory");
    if (!p->last) return true;
    ws->pings_out = 0;
    ws->in_message = !p->fin;
    if (ws->in_message) return true;
    if (!bytes_is_utf8(buf_bytes(&ws->message))) return fail(ws, 1007, "not UTF-8");
    ws->last_message_ns = loop_now_ns(&ws->conn->hl->loop);
    ws->handler.on_text(ws->session, ws, buf_bytes(&ws->message));
    buf_done(&ws->message);
    return true;
}

/* After the session's own end only the peer's close frame is of interest. */
static bool take_late_piece(struct websocket *ws, const struct ws_reader_piece *p)
{
    if (p->opcode != WS_CLOSE) return true;
    ws->close_seen = true;
    return false;
}

static bool is_finished(struct websocket *ws)
{
    lock_take(&ws->lock);
    bool finished = ws->finished;
    lock_release(&ws->lock);
    return finished;
}

void ws_message_read(struct websocket *ws, struct bytes data)
{
    struct ws_reader_cache *cache = &ws->conn->hl->readers;
    if (ws->close_seen || ws->broken) return;
    if (!ws->reader) ws->reader = ws_reader_take(cache);
    if (!ws->reader) {
        conn_close(&ws->conn->conn);
        return;
    }
    ws_reader_feed(ws->reader, data);
    struct ws_reader_piece piece;
    enum err e;
    bool go_on = true;
    while (go_on && !(e = ws_reader_next(ws->reader, &piece)))
        go_on = is_finished(ws) ? take_late_piece(ws, &piece) : take_piece(ws, &piece);
    if (go_on && e == ERR_INVALID) go_on = fail(ws, 1002, "not a WebSocket frame");
    if (!go_on) {
        ws_reader_give(cache, ws->reader, false);
        ws->reader = NULL;
    } else if (ws_reader_at_boundary(ws->reader)) {
        ws_reader_give(cache, ws->reader, true);
        ws->reader = NULL;
    }
}
