/* One line per event through a bounded queue (see log.h). The queue is a ring of bytes: a line is
 * copied in whole or dropped whole; the writing thread copies out what is there and writes it
 * without the lock. */
#include "base/log.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { RING_BYTES = 256 * 1024, LINE_BYTES = 2048 };

static struct {
    pthread_mutex_t mutex; /* a leaf below every ranked lock: nothing is taken while it is held */
    pthread_cond_t ready;
    pthread_t thread;
    size_t used;
    char ring[RING_BYTES]; /* filled from the front, taken as a whole */
    bool open, closing;
    uint64_t dropped_unreported;
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .ready = PTHREAD_COND_INITIALIZER};

static _Atomic int max_level = LOG_INFO;
static _Atomic bool as_json;
static _Atomic uint64_t dropped_total;

struct line {
    char text[LINE_BYTES];
    size_t n;
};

static void add_char(struct line *l, char c)
{
    if (l->n < LINE_BYTES - 2) l->text[l->n++] = c; /* room for the quote and the newline */
}

static void add_str(struct line *l, const char *s)
{
    while (*s) add_char(l, *s++);
}

static void add_escaped(struct line *l, struct bytes v)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c == '"' || c == '\\') {
            add_char(l, '\\');
            add_char(l, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            add_str(l, "\\u00");
            add_char(l, hex[c >> 4]);
            add_char(l, hex[c & 15]);
        } else {
            add_char(l, (char)c);
        }
    }
}

static bool is_plain(struct bytes v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f) return false;
    }
    return v.n > 0;
}

static void add_pair(struct line *l, const char *name, struct bytes v, bool number)
{
    bool json = atomic_load_explicit(&as_json, memory_order_relaxed);
    if (l->n && !(json && l->n == 1)) add_char(l, json ? ',' : ' ');
    if (json) add_char(l, '"');
    add_str(l, name);
    add_str(l, json ? "\":" : "=");
    bool quote = json ? !number : !number && !is_plain(v);
    if (quote) add_char(l, '"');
    add_escaped(l, v);
    if (quote) add_char(l, '"');
}

static void add_field(struct line *l, const struct log_field *f)
{
    char text[40];
    switch (f->kind) {
    case LOG_FIELD_STR:
        add_pair(l, f->name, bytes_str(f->value.str), false);
        return;
    case LOG_FIELD_BYTES:
        add_pair(l, f->name, f->value.bytes, false);
        return;
    case LOG_FIELD_INT:
        snprintf(text, sizeof text, "%lld", (long long)f->value.integer);
        break;
    case LOG_FIELD_REAL:
        snprintf(text, sizeof text, "%.6g", f->value.real);
        break;
    }
    add_pair(l, f->name, bytes_str(text), true);
}

static void begin(struct line *l, enum log_level level, const char *event)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    l->n = 0;
    if (atomic_load_explicit(&as_json, memory_order_relaxed)) add_char(l, '{');
    int64_t now = clock_wall_ns(clock_real());
    time_t seconds = (time_t)(now / NS_PER_S);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char stamp[80];
    size_t n = strftime(stamp, 40, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(stamp + n, sizeof stamp - n, ".%03dZ", (int)(now / NS_PER_MS % 1000));
    add_pair(l, "ts", bytes_str(stamp), false);
    add_pair(l, "level", bytes_str(names[level]), false);
    add_pair(l, "event", bytes_str(event), false);
}

static void write_out(const char *p, size_t n)
{
    while (n) {
        ssize_t put = write(STDERR_FILENO, p, n);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return; /* nobody reads: nothing more can be said */
        p += put;
        n -= (size_t)put;
    }
}

static void *run_writer(void *arg)
{
    static char taken[RING_BYTES];
    (void)arg;
    pthread_mutex_lock(&queue.mutex);
    for (;;) {
        while (!queue.used && !queue.closing) pthread_cond_wait(&queue.ready, &queue.mutex);
        size_t n = queue.used;
        if (!n) break;
        memcpy(taken, queue.ring, n);
        queue.used = 0;
        uint64_t dropped = queue.dropped_unreported;
        queue.dropped_unreported = 0;
        pthread_mutex_unlock(&queue.mutex);
        write_out(taken, n);
        if (dropped) LOG(LOG_WARN, "log_lines_dropped", LOG_I("count", dropped));
        pthread_mutex_lock(&queue.mutex);
    }
    pthread_mutex_unlock(&queue.mutex);
    return NULL;
}

static void enqueue(const struct line *l)
{
    pthread_mutex_lock(&queue.mutex);
    bool direct = !queue.open;
    if (!direct && l->n <= RING_BYTES - queue.used) {
        memcpy(queue.ring + queue.used, l->text, l->n);
        queue.used += l->n;
        pthread_cond_signal(&queue.ready);
    } else if (!direct) {
        queue.dropped_unreported++;
        atomic_fetch_add_explicit(&dropped_total, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&queue.mutex);
    if (direct) write_out(l->text, l->n);
}

void log_line(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed)) return;
    struct line l;
    begin(&l, level, event);
    for (size_t i = 0; i < n; i++) add_field(&l, &fields[i]);
    if (atomic_load_explicit(&as_json, memory_order_relaxed)) {
        if (l.n >= LINE_BYTES - 2) l.n = LINE_BYTES - 2;
        l.text[l.n++] = '}';
    }
    l.text[l.n++] = '\n';
    enqueue(&l);
}

enum err log_open(enum log_level level, bool json)
{
    atomic_store(&max_level, (int)level);
    atomic_store(&as_json, json);
    if (pthread_create(&queue.thread, NULL, run_writer, NULL)) return ERR_NOMEM;
    pthread_setname_np(queue.thread, "log");
    pthread_mutex_lock(&queue.mutex);
    queue.open = true;
    queue.closing = false;
    pthread_mutex_unlock(&queue.mutex);
    return ERR_OK;
}

void log_close(void)
{
    pthread_mutex_lock(&queue.mutex);
    bool was_open = queue.open;
    queue.open = false;
    queue.closing = true;
    pthread_cond_signal(&queue.ready);
    pthread_mutex_unlock(&queue.mutex);
    if (was_open) pthread_join(queue.thread, NULL);
}

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, (int)level);
}

uint64_t log_dropped(void)
{
    return atomic_load(&dropped_total);
}
