/* A TCP connection over libuv (see conn.h). */
#include "net/conn.h"

#include <netinet/in.h>
#include <sys/socket.h>

static void on_closed(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    c->ops->on_closed(c);
}

void conn_close(struct conn *c)
{
    if (c->closing) return;
    c->closing = true;
    c->reading = false;
    wheel_remove(&c->loop->wheel, &c->timer);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

enum err conn_init(struct conn *c, struct loop *l, const struct conn_ops *ops)
{
    c->loop = l;
    c->ops = ops;
    c->closing = c->writing = c->reading = false;
    wheel_entry_init(&c->timer);
    if (uv_tcp_init(&l->uv, &c->tcp)) return ERR_IO;
    c->tcp.data = c->write.data = c;
    return ERR_OK;
}

enum err conn_learn_peer(struct conn *c)
{
    struct sockaddr_storage name;
    int n = sizeof name;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&name, &n)) return ERR_CLOSED;
    if (name.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
        memcpy(c->peer.ip, &v6->sin6_addr, 16);
        return ERR_OK;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
    memset(c->peer.ip, 0, 10);
    memset(c->peer.ip + 10, 0xff, 2);
    memcpy(c->peer.ip + 12, &v4->sin_addr, 4);
    return ERR_OK;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct conn *c = handle->data;
    (void)suggested;
    *ret = uv_buf_init(c->loop->read_buffer, sizeof c->loop->read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = stream->data;
    if (n > 0) {
        c->ops->on_data(c, bytes_of(buf->base, (size_t)n));
    } else if (n == UV_EOF) {
        conn_read_stop(c);
        c->ops->on_eof(c);
    } else if (n < 0) {
        conn_close(c);
    }
}

void conn_read_start(struct conn *c)
{
    if (c->reading || c->closing) return;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read))
        conn_close(c);
    else
        c->reading = true;
}

void conn_read_stop(struct conn *c)
{
    if (!c->reading) return;
    uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
}

static void on_write(uv_write_t *req, int status)
{
    struct conn *c = req->data;
    c->writing = false;
    if (c->closing) return;
    if (status)
        conn_close(c);
    else
        c->ops->on_written(c);
}

/* Leaves out the first `n` bytes; returns the index of the first part with bytes left. */
static unsigned skip_written(uv_buf_t *parts, unsigned count, size_t n)
{
    unsigned at = 0;
    while (at < count && n >= parts[at].len) n -= parts[at++].len;
    if (at < count) {
        parts[at].base += n;
        parts[at].len -= n;
    }
    return at;
}

enum conn_result conn_write(struct conn *c, const struct bytes *parts, unsigned n)
{
    if (c->closing) return CONN_BROKEN;
    bug_if(c->writing || n > CONN_PARTS_MAX);
    uv_buf_t bufs[CONN_PARTS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++)
        if (parts[i].n) bufs[count++] = (uv_buf_t){(char *)(uintptr_t)parts[i].p, parts[i].n};
    if (!count) return CONN_WRITTEN;
    int taken = uv_try_write((uv_stream_t *)&c->tcp, bufs, count);
    if (taken < 0 && taken != UV_EAGAIN) {
        conn_close(c);
        return CONN_BROKEN;
    }
    unsigned from = skip_written(bufs, count, taken < 0 ? 0 : (size_t)taken);
    if (from == count) return CONN_WRITTEN;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, bufs + from, count - from, on_write)) {
        conn_close(c);
        return CONN_BROKEN;
    }
    c->writing = true;
    return CONN_LATER;
}

size_t conn_unwritten(const struct conn *c)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp);
}

void conn_set_deadline(struct conn *c, int64_t deadline_ns)
{
    if (!c->closing) loop_set_deadline(c->loop, &c->timer, deadline_ns);
}

void conn_expired(struct wheel_entry *e)
{
    struct conn *c = (struct conn *)((char *)e - offsetof(struct conn, timer));
    c->ops->on_deadline(c);
}

void conn_shut_write(struct conn *c)
{
    uv_os_fd_t fd;
    if (!c->closing && !uv_fileno((const uv_handle_t *)&c->tcp, &fd)) shutdown(fd, SHUT_WR);
}
