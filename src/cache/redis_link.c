/* One connection to Redis, over hiredis (see redis_link.h). */
#include "cache/redis_link.h"

#include "base/clock.h"
#include "base/mem.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

struct redis_link {
    redisContext *context;
    redisReply *reply; /* the newest */
};

static bool copy_text(char *out, size_t room, struct bytes text)
{
    if (text.n >= room) return false;
    memcpy(out, text.p, text.n);
    out[text.n] = 0;
    return true;
}

static bool parse_number(struct bytes text, uint64_t max, int *ret)
{
    uint64_t v;
    if (!bytes_to_u64(text, &v) || v > max) return false;
    *ret = (int)v;
    return true;
}

/* [:password@]host[:port][/database] */
static bool parse_address(struct redis_place *p, struct bytes rest)
{
    struct bytes head, database, login = {NULL, 0}, host, port;
    for (size_t i = 0; i < rest.n; i++)
        if (rest.p[i] == '@') login = bytes_of(rest.p, i);
    if (login.p) {
        rest = bytes_of(rest.p + login.n + 1, rest.n - login.n - 1);
        struct bytes user, password = bytes_cut(login, ':', &user);
        if (!password.p || !copy_text(p->password, sizeof p->password, password)) return false;
    }
    database = bytes_cut(rest, '/', &head);
    port = bytes_cut(head, ':', &host);
    if (port.p && !parse_number(port, 65535, &p->port)) return false;
    if (database.n && !parse_number(database, 9999, &p->database)) return false;
    return host.n && copy_text(p->host, sizeof p->host, host);
}

enum err redis_place_parse(struct redis_place *ret, struct bytes url, struct why *why)
{
    struct redis_place p = {.port = 6379};
    bool good = false;
    if (bytes_starts(url, BYTES("redis://")))
        good = parse_address(&p, bytes_of(url.p + 8, url.n - 8));
    else if (bytes_starts(url, BYTES("unix:///")))
        good = copy_text(p.host, sizeof p.host, bytes_of(url.p + 7, url.n - 7));
    else if (bytes_starts(url, BYTES("rediss://")))
        return why_say(why, ERR_UNSUPPORTED,
                       "cache.url: TLS to Redis is not spoken; use redis:// or unix:///path");
    if (!good)
        return why_say(why, ERR_INVALID,
                       "cache.url must be memory:, redis://[:password@]host[:port][/database] or "
                       "unix:///path");
    *ret = p;
    return ERR_OK;
}

static struct timeval timeval_of(int64_t ns)
{
    return (struct timeval){ns / NS_PER_S, ns % NS_PER_S / NS_PER_US};
}

static enum err expect_good(struct redis_link *l, const struct bytes *args, size_t n)
{
    struct redis_reply r;
    enum err e = redis_link_ask(l, args, n, &r);
    return !e && r.kind == REDIS_REFUSED ? ERR_FORBIDDEN : e;
}

static enum err log_in(struct redis_link *l, const struct redis_place *place)
{
    char number[16];
    const struct bytes auth[] = {BYTES("AUTH"), bytes_str(place->password)};
    enum err e = place->password[0] ? expect_good(l, auth, 2) : ERR_OK;
    if (e || !place->database) return e;
    snprintf(number, sizeof number, "%d", place->database);
    const struct bytes select[] = {BYTES("SELECT"), bytes_str(number)};
    return expect_good(l, select, 2);
}

enum err redis_link_open(struct redis_link **ret, const struct redis_place *place,
                         int64_t timeout_ns)
{
    const struct timeval timeout = timeval_of(timeout_ns);
    struct redis_link *l = mem_zalloc(sizeof *l);
    if (!l) return ERR_NOMEM;
    l->context = place->host[0] == '/' ? redisConnectUnixWithTimeout(place->host, timeout)
                                       : redisConnectWithTimeout(place->host, place->port, timeout);
    enum err e = !l->context ? ERR_NOMEM : l->context->err ? ERR_IO : ERR_OK;
    if (!e && redisSetTimeout(l->context, timeout) != REDIS_OK) e = ERR_IO;
    if (!e) e = log_in(l, place);
    if (e)
        redis_link_close(l);
    else
        *ret = l;
    return e;
}

void redis_link_close(struct redis_link *l)
{
    if (!l) return;
    if (l->reply) freeReplyObject(l->reply);
    if (l->context) redisFree(l->context);
    mem_free(l);
}

enum err redis_link_send(struct redis_link *l, const struct bytes *args, size_t n)
{
    const char *texts[REDIS_LINK_ARGS_MAX];
    size_t lengths[REDIS_LINK_ARGS_MAX];
    bug_if(n > REDIS_LINK_ARGS_MAX);
    for (size_t i = 0; i < n; i++) {
        texts[i] = args[i].p;
        lengths[i] = args[i].n;
    }
    return redisAppendCommandArgv(l->context, (int)n, texts, lengths) == REDIS_OK ? ERR_OK : ERR_IO;
}

static struct redis_reply reply_of(const redisReply *r)
{
    struct redis_reply out = {.text = bytes_of(r->str, r->str ? (size_t)r->len : 0)};
    switch (r->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        out.kind = REDIS_TEXT;
        break;
    case REDIS_REPLY_ERROR:
        out.kind = REDIS_REFUSED;
        break;
    case REDIS_REPLY_INTEGER:
        out.kind = REDIS_NUMBER;
        break;
    case REDIS_REPLY_ARRAY:
        out = (struct redis_reply){REDIS_ARRAY, {NULL, 0}, r->elements, r->element};
        break;
    default:
        out.kind = REDIS_NIL;
    }
    return out;
}

enum err redis_link_receive(struct redis_link *l, struct redis_reply *ret)
{
    void *reply = NULL;
    if (l->reply) freeReplyObject(l->reply);
    l->reply = NULL;
    if (redisGetReply(l->context, &reply) != REDIS_OK || !reply) return ERR_IO;
    l->reply = reply;
    *ret = reply_of(l->reply);
    return ERR_OK;
}

struct redis_reply redis_link_element(const struct redis_reply *array, size_t i)
{
    redisReply *const *elements = array->elements;
    return reply_of(elements[i]);
}

enum err redis_link_ask(struct redis_link *l, const struct bytes *args, size_t n,
                        struct redis_reply *ret)
{
    enum err e = redis_link_send(l, args, n);
    return e ? e : redis_link_receive(l, ret);
}
