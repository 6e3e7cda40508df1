/* INFO, read line by line (see redis_figures.h). */
#include "pilot/redis_figures.h"

#include <stdio.h>
#include <string.h>

static void take_text(char *ret, size_t n, struct bytes value)
{
    snprintf(ret, n, "%.*s", (int)(value.n < n ? value.n : n), value.p);
}

static void take_number(int64_t *ret, struct bytes value)
{
    int64_t n;
    if (bytes_to_i64(value, &n)) *ret = n;
}

void redis_figures_parse(struct bytes info, int database, struct redis_figures *ret)
{
    char keyspace[16];
    snprintf(keyspace, sizeof keyspace, "db%d", database);
    *ret = (struct redis_figures){.used_memory = "0B", .max_memory = "0B"};
    while (info.n) {
        struct bytes line, name;
        info = bytes_cut(info, '\n', &line);
        struct bytes value = bytes_cut(bytes_trim(line), ':', &name);
        if (!value.p) continue;
        if (bytes_is(name, "used_memory_human"))
            take_text(ret->used_memory, sizeof ret->used_memory, value);
        else if (bytes_is(name, "maxmemory_human"))
            take_text(ret->max_memory, sizeof ret->max_memory, value);
        else if (bytes_is(name, keyspace))
            take_text(ret->keyspace, sizeof ret->keyspace, value);
        else if (bytes_is(name, "connected_clients"))
            take_number(&ret->clients, value);
        else if (bytes_is(name, "instantaneous_ops_per_sec"))
            take_number(&ret->operations_per_s, value);
        else if (bytes_is(name, "keyspace_hits"))
            take_number(&ret->hits, value);
        else if (bytes_is(name, "keyspace_misses"))
            take_number(&ret->misses, value);
    }
}

enum err redis_figures_read(const struct redis_place *place, int64_t timeout_ns,
                            struct redis_figures *ret)
{
    const struct bytes ask[] = {BYTES("INFO")};
    struct redis_link *l;
    struct redis_reply reply;
    enum err e = redis_link_open(&l, place, timeout_ns);
    if (e) return e;
    e = redis_link_ask(l, ask, 1, &reply);
    if (!e && reply.kind != REDIS_TEXT) e = ERR_UNSUPPORTED;
    if (!e) redis_figures_parse(reply.text, place->database, ret);
    redis_link_close(l);
    return e;
}
