/* Commands to devices: sent by people, fetched by the device itself, listed for people. */
#include "api/app.h"
#include "api/command_polls.h"
#include "api/handlers_commands.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/auth_service.h"

#include <cjson/cJSON.h>

enum { TEXT_MAX = 1024 };

/* --- sending ---------------------------------------------------------------------------------- */

static void send(struct api_call *c, struct api_fields *f, const struct command_wish *wish,
                 const char *said)
{
    struct command command;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(f);
    enum err e = command_service_send(c->app->commands, &actor, c->params[0], wish, c->arena,
                                      &command, &refusal);
    if (e) {
        service_call_refuse(c, f, e, &refusal, "device");
        return;
    }
    buf_done(&f->errors);
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "success", true);
    json_write_member_text(c->body, "message", said);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

/* A value of the body as text of its own; p == NULL when it is absent, null, or without memory. */
static struct bytes member_json(struct api_fields *f, const char *name)
{
    if (!service_call_has_value(f, name)) return bytes_of(NULL, 0);
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(f->object, name));
    if (!text) {
        api_field_error(f, name, "does not fit into memory");
        return bytes_of(NULL, 0);
    }
    struct bytes copy = arena_copy(f->call->arena, bytes_str(text));
    cJSON_free(text);
    if (!copy.p) api_field_error(f, name, "does not fit into memory");
    return copy;
}

static int64_t read_life(struct api_fields *f)
{
    double seconds = 0;
    if (!api_field_number(f, "expiresInSeconds", &seconds)) return 0;
    if (seconds < 1 || seconds > (double)(COMMAND_LIFE_MAX_NS / NS_PER_S)) {
        api_field_error(f, "expiresInSeconds", "must be between 1 and 604800");
        return 0;
    }
    return (int64_t)(seconds * (double)NS_PER_S);
}

void commands_api_send(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct command_wish wish = {
        .name = api_field_text(&f, "command", TEXT_MAX),
        .payload = member_json(&f, "payload"),
        .life_ns = read_life(&f),
    };
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    send(c, &f, &wish, "The command waits for the device.");
}

/* {"name":value} with up to two members, of which `first` is a text. */
static struct bytes pair_json(struct api_call *c, const char *first, struct bytes text,
                              struct bytes value)
{
    struct buf b;
    buf_init(&b, 64 * 1024);
    json_write_open(&b, '{');
    json_write_member_str(&b, first, text);
    if (value.p) json_write_key(&b, "value");
    if (value.p) json_write_raw(&b, value);
    json_write_close(&b, '}');
    struct bytes copy = b.err ? bytes_of(NULL, 0) : arena_copy(c->arena, buf_bytes(&b));
    buf_done(&b);
    return copy;
}

void commands_api_toggle(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes target = api_field_text(&f, "target", TEXT_MAX);
    int64_t life = read_life(&f);
    if (!api_fields_close(&f)) return;
    const struct command_wish wish = {
        .name = BYTES("toggle"),
        .payload = pair_json(c, "target", target.p ? target : BYTES("default"), bytes_of(NULL, 0)),
        .life_ns = life,
    };
    if (!wish.payload.p) {
        api_fail(c, ERR_NOMEM, NULL);
        return;
    }
    api_fields_open(&f, c, json);
    send(c, &f, &wish, "The toggle waits for the device.");
}

void commands_api_set_value(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes variable = api_field_text(&f, "variable", TEXT_MAX);
    struct bytes value = member_json(&f, "value");
    int64_t life = read_life(&f);
    if (!f.errors.n && !variable.n) api_field_error(&f, "variable", "is required");
    if (!f.errors.n && !value.p) api_field_error(&f, "value", "is required");
    if (!api_fields_close(&f)) return;
    const struct command_wish wish = {
        .name = BYTES("set_value"),
        .payload = pair_json(c, "variable", variable, value),
        .life_ns = life,
    };
    if (!wish.payload.p) {
        api_fail(c, ERR_NOMEM, NULL);
        return;
    }
    api_fields_open(&f, c, json);
    send(c, &f, &wish, "The value waits for the device.");
}

/* --- the device itself ------------------------------------------------------------------------ */

static void open_command(struct buf *b, const struct command *command)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", command->id);
    json_write_member_str(b, "command", command->name);
    json_write_key(b, "payload");
    json_write_raw(b, command->payload.p ? command->payload : BYTES("null"));
    json_write_member_time(b, "timestamp", command->created_ns);
    json_write_member_time(b, "expiresAt", command->expires_ns);
}

/* False: answered with 400. */
static bool read_number(struct api_call *c, const char *name, uint64_t max, const char *why,
                        bool *ret_given, uint64_t *ret)
{
    struct bytes text = api_query(c, name);
    *ret_given = text.p != NULL;
    *ret = 0;
    if (!text.p || (bytes_to_u64(text, ret) && *ret <= max)) return true;
    api_problem(c, 400, "%s", why);
    return false;
}

/* What a poll remembers when its handler runs again. */
struct poll_call {
    struct command_parked parked;
    struct command_poll poll;
};

static struct poll_call *read_poll(struct api_call *c)
{
    uint64_t wait = 0, ack = 0;
    bool given = false, waits = false;
    if (!read_number(c, "wait", COMMAND_POLL_MAX_SECONDS, "wait must be 0 to 60 seconds.", &waits,
                     &wait))
        return NULL;
    if (!read_number(c, "ack", INT64_C(9007199254740991),
                     "ack must be the id of the last command that was received, or 0.", &given,
                     &ack))
        return NULL;
    struct poll_call *k = arena_zalloc(c->arena, sizeof *k);
    if (!k) {
        api_fail(c, ERR_NOMEM, NULL);
        return NULL;
    }
    k->poll = (struct command_poll){c->who.org, c->who.device->id, given, (int64_t)ack};
    k->parked.call = c;
    k->parked.device = c->who.device->id;
    k->parked.deadline_ns = clock_mono_ns(c->app->clock) + (int64_t)wait * NS_PER_S;
    return k;
}

static void answer_commands(struct api_call *c, const struct command *commands, size_t n)
{
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) {
        open_command(c->body, &commands[i]);
        json_write_close(c->body, '}');
    }
    json_write_close(c->body, ']');
    api_ok(c, 200);
}

/* Nothing there: waits for the next one. From park() on the call may be over at any moment. */
static void wait_for_one(struct api_call *c, struct poll_call *k, uint64_t commits)
{
    struct app *app = c->app;
    int64_t device = k->parked.device;
    c->kept = true;
    if (!command_polls_park(app->polls, &k->parked)) {
        c->kept = false;
        api_problem(c, 503, "Too many devices wait for commands here; ask again in a moment.");
        return;
    }
    /* A command that was committed after the look and before the parking found nobody to wake. */
    if (atomic_load(&app->commands->commits) != commits) command_polls_wake(app->polls, device);
}

static void poll_device(struct api_call *c)
{
    bool waited = c->user != NULL;
    struct poll_call *k = waited ? c->user : read_poll(c);
    if (!k) return;
    if (waited && !auth_service_still_valid(c->app->auth, &c->who)) {
        api_problem(c, 401, "This token was replaced or taken away while the poll waited.");
        return;
    }
    c->user = k;
    if (http_head(c->exchange)->method == HTTP1_HEAD) { /* fetches nothing, so delivers nothing */
        answer_commands(c, NULL, 0);
        return;
    }
    struct arena arena; /* a poll that is woken for nothing leaves nothing in the call's own */
    struct command *commands = NULL;
    size_t n = 0;
    struct actor actor = service_call_actor(c);
    uint64_t commits = atomic_load(&c->app->commands->commits);
    arena_init(&arena, (size_t)4 << 20);
    enum err e = command_service_poll(c->app->commands, &actor, &k->poll, &arena, &commands, &n);
    bool over = e || n || k->parked.deadline_ns <= clock_mono_ns(c->app->clock);
    if (e)
        api_fail(c, e, NULL);
    else if (over)
        answer_commands(c, commands, n);
    arena_done(&arena);
    if (!over) wait_for_one(c, k, commits);
}

/* --- people ----------------------------------------------------------------------------------- */

static void list_for_user(struct api_call *c)
{
    struct paging p;
    struct command *commands = NULL;
    struct catalog_listing listing;
    struct refusal refusal = {.fields = 0};
    if (!paging_read(c, &p)) return;
    if (!p.asked) p.page.no_total = true;
    enum err e = command_service_list(c->app->commands, c->who.org, c->params[0], &p.page, c->arena,
                                      &commands, &listing, &refusal.why);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "device");
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) {
        const struct command *command = &commands[i];
        open_command(c->body, command);
        json_write_member_text(c->body, "state", command_state_name(command->state));
        service_call_time(c->body, "sentAt", command->sent_ns);
        service_call_time(c->body, "endedAt", command->ended_ns);
        json_write_member_str(c->body, "requestedBy", command->requested_by);
        json_write_close(c->body, '}');
    }
    paging_close(c, &p, &listing);
    api_ok(c, 200);
}

void commands_api_get(struct api_call *c)
{
    if (c->who.kind == PRINCIPAL_DEVICE)
        poll_device(c);
    else
        list_for_user(c);
}
