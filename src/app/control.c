/* The control socket (see control.h). Paths of a socket are limited to 107 bytes by the kernel, so
 * both sides go through /proc/self/fd/N of the opened directory. */
#include "app/control.h"

#include "base/clock.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "sys/thread.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1 << 20, ANSWER_MAX_BYTES = 16 << 20, REQUEST_MS = 5000 };

struct control_server {
    int dir_fd, listen_fd, stop_fd;
    const struct control_verb *verbs;
    size_t verb_count;
    void *ctx;
    pthread_t thread;
};

static void socket_address(struct sockaddr_un *ret, int dir_fd)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/control.sock", dir_fd);
}

static enum err send_all(int fd, struct bytes line)
{
    while (line.n) {
        ssize_t n = send(fd, line.p, line.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ERR_IO;
        line = bytes_of(line.p + n, line.n - (size_t)n);
    }
    return ERR_OK;
}

/* Up to and without the line end. deadline_ms 0: waits for ever. */
static enum err read_line(int fd, struct buf *line, int64_t deadline_ms)
{
    int64_t end = clock_mono_ns(clock_real()) + deadline_ms * NS_PER_MS;
    for (;;) {
        int64_t left = (end - clock_mono_ns(clock_real())) / NS_PER_MS;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, deadline_ms ? (left > 0 ? (int)left : 0) : -1);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return ERR_TIMEOUT;
        char *room = buf_reserve(line, 4096);
        if (!room) return line->err;
        ssize_t n = recv(fd, room, 4096, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ERR_END;
        buf_advance(line, (size_t)n);
        if (line->p[line->n - 1] != '\n') continue;
        line->n--;
        return ERR_OK;
    }
}

/* --- the answer ------------------------------------------------------------------------------ */

enum err control_run(const struct control_verb *verbs, size_t n, void *ctx,
                     const struct cJSON *request, struct buf *answer, struct why *why)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "do"));
    for (size_t i = 0; name && i < n; i++)
        if (strcmp(verbs[i].name, name) == 0) return verbs[i].run(ctx, request, answer, why);
    return why_say(why, ERR_UNSUPPORTED,
                   "the running server does not know '%.60s'; is it an older one?",
                   name ? name : "");
}

/* The whole line for a request; never fails but for memory, which answer->err then says. */
static void answer_line(const struct control_server *s, const struct buf *line, struct buf *answer)
{
    struct why why = {""};
    struct buf members;
    buf_init(&members, ANSWER_MAX_BYTES);
    cJSON *request = cJSON_ParseWithLength(line->p, line->n);
    enum err e = request ? control_run(s->verbs, s->verb_count, s->ctx, request, &members, &why)
                         : why_say(&why, ERR_INVALID, "not a JSON object");
    if (!e) e = members.err;
    json_write_open(answer, '{');
    json_write_member_bool(answer, "ok", e == ERR_OK);
    if (e) {
        json_write_member_i64(answer, "code", e);
        json_write_member_text(answer, "error", err_name(e));
        json_write_member_text(answer, "message", why.text[0] ? why.text : err_sentence(e));
    } else if (members.n) {
        buf_add_char(answer, ',');
        buf_add_bytes(answer, buf_bytes(&members));
    }
    json_write_close(answer, '}');
    buf_add_char(answer, '\n');
    cJSON_Delete(request);
    buf_done(&members);
}

static bool may_ask(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n)) return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

static void serve_one(const struct control_server *s, int fd)
{
    struct buf line, answer;
    buf_init(&line, LINE_MAX_BYTES);
    buf_init(&answer, ANSWER_MAX_BYTES);
    if (may_ask(fd) && !read_line(fd, &line, REQUEST_MS)) {
        answer_line(s, &line, &answer);
        if (!answer.err) (void)!send_all(fd, buf_bytes(&answer)); /* else the client sees the end */
    }
    buf_done(&line);
    buf_done(&answer);
}

static void *run_control(void *arg)
{
    const struct control_server *s = arg;
    for (;;) {
        struct pollfd p[2] = {{.fd = s->listen_fd, .events = POLLIN},
                              {.fd = s->stop_fd, .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR) break;
        if (p[1].revents) break;
        int fd = p[0].revents ? accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd < 0) continue;
        serve_one(s, fd);
        close(fd);
    }
    return NULL;
}

/* --- start and stop -------------------------------------------------------------------------- */

static enum err listen_in(struct control_server *s)
{
    struct sockaddr_un address;
    socket_address(&address, s->dir_fd);
    (void)unlinkat(s->dir_fd, "control.sock", 0); /* of a server that died: we hold the lock */
    s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listen_fd < 0) return err_from_errno(errno);
    /* On Linux the mode of the socket before bind() is the mode of the file: no moment is open. */
    if (fchmod(s->listen_fd, S_IRUSR | S_IWUSR) ||
        bind(s->listen_fd, (struct sockaddr *)&address, sizeof address) || listen(s->listen_fd, 16))
        return err_from_errno(errno);
    return ERR_OK;
}

static void close_fd(int fd)
{
    if (fd >= 0) close(fd);
}

static void free_server(struct control_server *s)
{
    close_fd(s->listen_fd);
    close_fd(s->stop_fd);
    close_fd(s->dir_fd);
    mem_free(s);
}

enum err control_start(struct control_server **ret, const char *dir,
                       const struct control_verb *verbs, size_t n, void *ctx, struct why *why)
{
    struct control_server *s = mem_zalloc(sizeof *s);
    if (!s) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    *s = (struct control_server){-1, -1, -1, verbs, n, ctx, 0};
    enum err e = ERR_OK;
    s->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (s->dir_fd < 0 || s->stop_fd < 0) e = err_from_errno(errno);
    if (!e) e = listen_in(s);
    if (!e) e = thread_start(&s->thread, run_control, s, "control", 0);
    if (e) {
        free_server(s);
        return why_say(why, e, "the control socket %.150s/control.sock: %s", dir, err_sentence(e));
    }
    *ret = s;
    return ERR_OK;
}

void control_stop(struct control_server *s)
{
    if (!s) return;
    uint64_t one = 1;
    while (write(s->stop_fd, &one, sizeof one) < 0 && errno == EINTR) continue;
    pthread_join(s->thread, NULL);
    (void)unlinkat(s->dir_fd, "control.sock", 0);
    free_server(s);
}

/* --- the other side -------------------------------------------------------------------------- */

static int connect_to(const char *dir)
{
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) return -errno;
    struct sockaddr_un address;
    socket_address(&address, dir_fd);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) ? -errno : fd;
    if (code < 0) close_fd(fd);
    close(dir_fd);
    return code;
}

/* "ok":false comes back as the error it names. */
static enum err check_answer(const struct buf *answer, struct why *why)
{
    cJSON *root = cJSON_ParseWithLength(answer->p, answer->n);
    enum err e = ERR_OK;
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "ok"))) {
        const cJSON *code = cJSON_GetObjectItemCaseSensitive(root, "code");
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "message"));
        bool known = cJSON_IsNumber(code) && code->valueint > 0 && code->valueint < ERR_COUNT;
        e = why_say(why, known ? (enum err)code->valueint : ERR_INTERNAL, "%s",
                    text ? text : "the running server gave no answer; its log says why");
    }
    cJSON_Delete(root);
    return e;
}

enum err control_call(const char *dir, struct bytes request, struct buf *answer, bool *ret_running,
                      struct why *why)
{
    *ret_running = false;
    int fd = connect_to(dir);
    if (fd == -ENOENT || fd == -ECONNREFUSED || fd == -ENOTDIR)
        return why_say(why, ERR_NOTFOUND, "no server runs on %.150s", dir);
    *ret_running = fd != -ENOENT; /* something is there, but it may not be asked */
    if (fd < 0)
        return why_say(why, err_from_errno(-fd), "%.150s/control.sock: %s", dir,
                       err_sentence(err_from_errno(-fd)));
    enum err e = send_all(fd, request);
    if (!e) e = send_all(fd, BYTES("\n"));
    if (!e) e = read_line(fd, answer, 0);
    close(fd);
    if (e)
        return why_say(why, ERR_IO,
                       "the running server closed the control socket; its log says why");
    return check_answer(answer, why);
}
