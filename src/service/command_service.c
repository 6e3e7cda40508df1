/* Commands from the wish to their end (see command_service.h). */
#include "service/command_service.h"

#include "base/mem.h"
#include "codec/json_write.h"
#include "service/auth_rules.h"
#include "service/device_state.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog_commands.h"

#include <stdio.h>

enum { AT_ONCE = 500, ARENA_MAX = 64 << 20 };

void command_service_watch(struct command_service *s, const struct command_watcher *watcher)
{
    bug_if(s->watcher_count == COMMAND_WATCHERS_MAX);
    s->watchers[s->watcher_count++] = *watcher;
}

void command_service_heard(struct command_service *s, int64_t org, int64_t device)
{
    atomic_fetch_add(&s->commits, 1);
    for (size_t i = 0; i < s->watcher_count; i++)
        s->watchers[i].committed(s->watchers[i].ctx, org, device);
}

static enum err note(struct command_service *s, struct sql_tx *tx, const struct actor *actor,
                     const struct command *c, enum command_state state)
{
    static const struct {
        const char *type, *title;
    } words[COMMAND_STATES] = {
        {EVENT_COMMAND_QUEUED, "Command queued"},
        {EVENT_COMMAND_SENT, "Command sent"},
        {EVENT_COMMAND_DELIVERED, "Command delivered"},
        {EVENT_COMMAND_EXPIRED, "Command expired undelivered"},
    };
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)c->id);
    const struct event_note event = {
        .type = words[state].type,
        .severity = state == COMMAND_EXPIRED ? EVENT_WARNING : EVENT_INFO,
        .entity_type = "COMMAND",
        .entity_id = bytes_str(id),
        .title = words[state].title,
        .description = c->name,
        .org = c->org,
        .device = c->device,
    };
    return event_service_append(tx, clock_wall_ns(s->clock), actor, &event);
}

static enum err change(struct command_service *s, struct sql_tx *tx, const struct actor *actor,
                       struct command *c, enum command_state state)
{
    int64_t now = clock_wall_ns(s->clock);
    enum err e = catalog_commands_set_state(tx, c, state, now);
    if (!e) e = note(s, tx, actor, c, state);
    if (!e) c->state = state;
    return e;
}

/* --- send ------------------------------------------------------------------------------------- */

static enum err check_wish(const struct command_wish *wish, struct refusal *refusal)
{
    if (!wish->name.n || !auth_rules_is_text(wish->name, COMMAND_NAME_MAX)) {
        refusal_field(refusal, "command", "must have 1 to 100 printable characters");
    }
    if (wish->payload.n > COMMAND_PAYLOAD_MAX) {
        refusal_field(refusal, "payload", "may have 8192 bytes at most");
    }
    if (wish->life_ns &&
        (wish->life_ns < COMMAND_LIFE_MIN_NS || wish->life_ns > COMMAND_LIFE_MAX_NS)) {
        refusal_field(refusal, "expiresInSeconds", "must be between 1 and 604800");
    }
    return refusal_fields(refusal);
}

static enum err check_room(struct sql_tx *tx, const struct command *c, struct refusal *refusal)
{
    int64_t waiting = 0, first_end = 0;
    enum err e =
        catalog_commands_count_waiting(tx, c->org, c->device, c->created_ns, &waiting, &first_end);
    if (e || waiting < COMMANDS_WAITING_MAX) return e;
    refusal->limit = "commands-waiting-per-device";
    refusal->max = COMMANDS_WAITING_MAX;
    refusal->used = waiting;
    refusal->retry_ns = first_end - c->created_ns;
    return why_say(&refusal->why, ERR_RATE,
                   "%d commands wait for this device already; it takes no more before it has "
                   "fetched some, or one of them expires",
                   COMMANDS_WAITING_MAX);
}

static enum err send_in(struct command_service *s, struct sql_tx *tx, const struct actor *actor,
                        struct bytes device, struct command *c, struct arena *arena,
                        struct refusal *refusal)
{
    struct device d;
    enum err e = device_state_find(tx, actor->org, device, arena, &d);
    if (e) return e;
    c->org = d.org;
    c->device = d.id;
    e = check_room(tx, c, refusal);
    if (!e) e = catalog_commands_insert(tx, c);
    return e ? e : note(s, tx, actor, c, COMMAND_QUEUED);
}

enum err command_service_send(struct command_service *s, const struct actor *actor,
                              struct bytes device, const struct command_wish *wish,
                              struct arena *arena, struct command *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    int64_t now = clock_wall_ns(s->clock);
    struct command c = {
        .name = wish->name,
        .payload = wish->payload,
        .requested_by = actor->name,
        .created_ns = now,
        .expires_ns = now + (wish->life_ns ? wish->life_ns : COMMAND_LIFE_NS),
    };
    enum err e = check_wish(wish, refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, send_in(s, tx, actor, device, &c, arena, refusal));
    if (e) return e;
    command_service_heard(s, c.org, c.device);
    *ret = c;
    return ERR_OK;
}

/* --- to the device ---------------------------------------------------------------------------- */

enum err command_service_list_waiting(struct command_service *s, int64_t org, int64_t device,
                                      int64_t after, struct arena *arena, struct command **ret,
                                      size_t *ret_n)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx,
                   catalog_commands_list_waiting(tx, org, device, after, clock_wall_ns(s->clock),
                                                 COMMANDS_GIVEN_MAX, arena, ret, ret_n));
}

static enum err mark_one(struct command_service *s, struct sql_tx *tx, const struct actor *actor,
                         int64_t org, int64_t device, int64_t id, enum command_state state)
{
    struct arena arena;
    struct command c;
    arena_init(&arena, ARENA_MAX);
    enum err e = catalog_commands_find_open(tx, org, device, id, &arena, &c);
    bool passed = e == ERR_NOTFOUND || (!e && c.state >= state);
    if (passed) e = ERR_OK;
    if (!passed && !e) e = change(s, tx, actor, &c, state);
    arena_done(&arena);
    return e;
}

enum err command_service_mark(struct command_service *s, const struct actor *actor, int64_t org,
                              int64_t device, const int64_t *ids, size_t n,
                              enum command_state state)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    for (size_t i = 0; !e && i < n; i++) e = mark_one(s, tx, actor, org, device, ids[i], state);
    return sql_end(tx, e);
}

/* What the cursor says the device has. */
static enum err acknowledge(struct command_service *s, struct sql_tx *tx, const struct actor *actor,
                            const struct command_poll *poll, struct arena *arena)
{
    struct command *sent = NULL;
    size_t n = 0;
    enum err e =
        catalog_commands_list_sent(tx, poll->org, poll->device, poll->after, arena, &sent, &n);
    for (size_t i = 0; !e && i < n; i++) e = change(s, tx, actor, &sent[i], COMMAND_DELIVERED);
    return e;
}

static enum err list_for(struct command_service *s, struct sql_tx *tx,
                         const struct command_poll *poll, int64_t after, struct arena *arena,
                         struct command **ret, size_t *ret_n)
{
    return catalog_commands_list_waiting(tx, poll->org, poll->device, after,
                                         clock_wall_ns(s->clock), COMMANDS_GIVEN_MAX, arena, ret,
                                         ret_n);
}

/* Most polls find nothing: those take no write transaction, and so no disk. */
static enum err is_idle(struct command_service *s, const struct command_poll *poll, bool *ret)
{
    struct sql_tx *tx;
    struct arena arena;
    struct command *any = NULL;
    size_t n = 0;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&arena, ARENA_MAX);
    /* With id above 0 also what was sent: the cursor may acknowledge it. */
    e = sql_end(tx, list_for(s, tx, poll, 0, &arena, &any, &n));
    arena_done(&arena);
    *ret = n == 0;
    return e;
}

static enum err poll_in(struct command_service *s, struct sql_tx *tx, const struct actor *actor,
                        const struct command_poll *poll, struct arena *arena, struct command **ret,
                        size_t *ret_n)
{
    enum err e = ERR_OK;
    enum command_state given = poll->by_cursor ? COMMAND_SENT : COMMAND_DELIVERED;
    struct command *commands = NULL;
    size_t n = 0;
    if (poll->by_cursor && poll->after) e = acknowledge(s, tx, actor, poll, arena);
    if (!e) e = list_for(s, tx, poll, poll->by_cursor ? poll->after : 0, arena, &commands, &n);
    for (size_t i = 0; !e && i < n; i++)
        if (commands[i].state < given) e = change(s, tx, actor, &commands[i], given);
    *ret = commands;
    *ret_n = n;
    return e;
}

enum err command_service_poll(struct command_service *s, const struct actor *actor,
                              const struct command_poll *poll, struct arena *arena,
                              struct command **ret, size_t *ret_n)
{
    struct sql_tx *tx;
    bool idle = false;
    *ret = NULL;
    *ret_n = 0;
    enum err e = is_idle(s, poll, &idle);
    if (e || idle) return e;
    e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, poll_in(s, tx, actor, poll, arena, ret, ret_n));
    if (e) *ret_n = 0;
    return e;
}

/* --- for people, and the end ------------------------------------------------------------------ */

enum err command_service_list(struct command_service *s, int64_t org, struct bytes device,
                              const struct catalog_page *page, struct arena *arena,
                              struct command **ret, struct catalog_listing *ret_listing,
                              struct why *why)
{
    struct sql_tx *tx;
    struct device d;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = device_state_find(tx, org, device, arena, &d);
    if (!e) e = catalog_commands_list(tx, org, d.id, page, arena, ret, ret_listing, why);
    return sql_end(tx, e);
}

static enum err expire_in(struct command_service *s, struct sql_tx *tx, struct arena *arena,
                          size_t *ret_n)
{
    static const struct actor nobody = {.name = {"system", 6}};
    struct command *due = NULL;
    size_t n = 0;
    int64_t now = clock_wall_ns(s->clock);
    enum err e = catalog_commands_list_due(tx, now, AT_ONCE, arena, &due, &n);
    for (size_t i = 0; !e && i < n; i++) e = change(s, tx, &nobody, &due[i], COMMAND_EXPIRED);
    *ret_n = n;
    return e;
}

enum err command_service_expire(struct command_service *s, size_t *ret_n)
{
    struct sql_tx *tx;
    struct arena arena;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&arena, ARENA_MAX);
    e = sql_end(tx, expire_in(s, tx, &arena, ret_n));
    arena_done(&arena);
    return e;
}

void command_service_write(struct buf *b, const struct command *c)
{
    json_write_open(b, '{');
    json_write_member_str(b, "command", c->name);
    json_write_key(b, "payload");
    json_write_raw(b, c->payload.p ? c->payload : BYTES("null"));
    json_write_member_time(b, "timestamp", c->created_ns);
    json_write_close(b, '}');
}
