/* A verb by socket, else on the opened store (see ask.h). */
#include "app/ask.h"

#include "app/admin.h"
#include "app/conf_tables.h"
#include "app/data_dir.h"
#include "app/overrides.h"
#include "app/store_open.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/json_write.h"
#include "ingest/retention.h"
#include "service/auth_service.h"
#include "service/device_service.h"

#include <pwd.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { ANSWER_MAX_BYTES = 16 << 20, WHO_BYTES = 80 };

/* Everything a verb may need, in order of opening. */
struct local {
    struct data_dir dir;
    struct conf *conf;
    struct settings settings;
    struct store_open store;
    struct retention *retention;
    struct auth_service *auth;
    struct device_service devices;
    struct admin *admin;
};

static void close_local(struct local *l)
{
    admin_free(l->admin);
    auth_service_free(l->auth);
    retention_free(l->retention);
    store_open_close(&l->store);
    conf_free(l->conf);
    data_dir_close(&l->dir);
}

static unsigned parts_of(enum ask_need need)
{
    static const unsigned parts[] = {
        [ASK_CATALOG] = STORE_CATALOG,
        [ASK_PEOPLE] = STORE_CATALOG | STORE_REGISTRY,
        [ASK_TELEMETRY] = STORE_CATALOG | STORE_TELEMETRY,
        [ASK_SERVER] = 0,
        [ASK_RAW] = STORE_RAW,
    };
    return parts[need];
}

static enum err open_people(struct local *l, struct why *why)
{
    const struct settings *s = &l->settings;
    struct auth_service_opts opts = {
        .db = l->store.db,
        .registry = l->store.registry,
        .clock = clock_real(),
        .rnd = rnd_system(),
        .jwt_secret = bytes_str(s->jwt_secret),
        .limits = {.access_ns = s->access_token_ns,
                   .refresh_ns = s->refresh_token_ns,
                   .registration_enabled = s->registration_enabled,
                   .password_min_chars = (unsigned)s->password_min_length}};
    l->devices.db = l->store.db;
    l->devices.registry = l->store.registry;
    l->devices.clock = clock_real();
    l->devices.rnd = rnd_system();
    return auth_service_open(&l->auth, &opts, why);
}

/* With the lock held and the configuration read. */
static enum err open_store(struct local *l, enum ask_need need, struct why *why)
{
    struct store_place place;
    enum err e = store_open_place(&l->settings, l->dir.path, &place, why);
    if (e) return e;
    e = store_open_parts(&l->store, parts_of(need), &place, &l->settings, clock_real(), why);
    if (!e && need != ASK_RAW) e = overrides_load(l->conf, l->store.db, NULL, NULL, why);
    if (!e) e = conf_fill(l->conf, &l->settings);
    if (!e) e = retention_new(&l->retention, l->settings.retention_days);
    if (!e && need == ASK_PEOPLE) e = open_people(l, why);
    return e;
}

static enum err open_local(struct cli *cli, struct local *l, enum ask_need need, struct why *why)
{
    const char *sets[CLI_VALUES_MAX];
    size_t n = cli_each(cli, "set", sets);
    enum err e =
        conf_tables_load(&l->conf, &l->settings, cli_value(cli, "config", NULL), sets, n, why);
    if (!e)
        e = data_dir_open(&l->dir, fs_real(), cli_value(cli, "data", "./var"),
                          store_open_dir_mode(&l->settings), why);
    if (!e) e = open_store(l, need, why);
    struct admin_opts opts = {.dir = l->dir.path,
                              .clock = clock_real(),
                              .db = l->store.db,
                              .telemetry = l->store.telemetry,
                              .retention = l->retention,
                              .auth = l->auth,
                              .devices = &l->devices,
                              .conf = l->conf,
                              .settings = &l->settings};
    return e ? e : admin_new(&l->admin, &opts);
}

/* The verb in this process; the answer as the socket would give it. */
static enum err run_verb(struct admin *admin, struct bytes request, struct buf *answer,
                         struct why *why)
{
    struct buf members;
    buf_init(&members, ANSWER_MAX_BYTES);
    cJSON *root = cJSON_ParseWithLength(request.p, request.n);
    enum err e = ERR_NOMEM;
    if (root) e = control_run(admin_verbs, admin_verb_count, admin, root, &members, why);
    if (!e) e = members.err;
    json_write_open(answer, '{');
    buf_add_bytes(answer, buf_bytes(&members));
    json_write_close(answer, '}');
    buf_done(&members);
    cJSON_Delete(root);
    return e;
}

static enum err run_here(struct cli *cli, enum ask_need need, struct bytes request,
                         struct buf *answer, struct why *why)
{
    struct local l = {.dir = {.lock = FILE_CLOSED}};
    enum err e = open_local(cli, &l, need, why);
    if (!e) e = run_verb(l.admin, request, answer, why);
    close_local(&l);
    return e;
}

/* "cli:ann", by the user id of this process. */
static void say_who(char *ret, size_t n)
{
    const struct passwd *me = getpwuid(geteuid());
    if (me)
        snprintf(ret, n, "cli:%s", me->pw_name);
    else
        snprintf(ret, n, "cli:%u", (unsigned)geteuid());
}

static void write_request(struct buf *request, const char *verb, const struct ask_pair *pairs,
                          size_t n)
{
    char who[WHO_BYTES];
    say_who(who, sizeof who);
    json_write_open(request, '{');
    json_write_member_text(request, "do", verb);
    for (size_t i = 0; i < n; i++)
        if (pairs[i].value) json_write_member_text(request, pairs[i].name, pairs[i].value);
    json_write_member_text(request, "who", who);
    json_write_close(request, '}');
}

/* Parses the answer, or says why there is none. */
static int take_answer(struct cli *cli, enum err e, const struct buf *request, struct buf *answer,
                       const struct why *why, cJSON **ret)
{
    if (!e) e = request->err ? request->err : answer->err;
    cJSON *root = e ? NULL : cJSON_ParseWithLength(answer->p, answer->n);
    if (!root)
        return cli_fail(cli, "%s", why->text[0] ? why->text : err_sentence(e ? e : ERR_NOMEM));
    cJSON_DeleteItemFromObjectCaseSensitive(root, "ok");
    *ret = root;
    return CLI_DONE;
}

int ask_run(struct cli *cli, enum ask_need need, const char *verb, const struct ask_pair *pairs,
            size_t n, cJSON **ret)
{
    struct why why = {""};
    struct buf request, answer;
    buf_init(&request, 1 << 20);
    buf_init(&answer, ANSWER_MAX_BYTES);
    write_request(&request, verb, pairs, n);
    struct bytes line = buf_bytes(&request);
    bool running;
    enum err e = control_call(cli_value(cli, "data", "./var"), line, &answer, &running, &why);
    if (!running && need != ASK_SERVER) {
        buf_clear(&answer);
        e = run_here(cli, need, line, &answer, &why);
    }
    int code = take_answer(cli, e, &request, &answer, &why, ret);
    buf_done(&request);
    buf_done(&answer);
    return code;
}

int ask_run_in(struct cli *cli, struct admin *admin, const char *verb, const struct ask_pair *pairs,
               size_t n, cJSON **ret)
{
    struct why why = {""};
    struct buf request, answer;
    buf_init(&request, 1 << 20);
    buf_init(&answer, ANSWER_MAX_BYTES);
    write_request(&request, verb, pairs, n);
    enum err e = run_verb(admin, buf_bytes(&request), &answer, &why);
    int code = take_answer(cli, e, &request, &answer, &why, ret);
    buf_done(&request);
    buf_done(&answer);
    return code;
}

bool ask_server_url(struct cli *cli, char *ret, size_t n)
{
    struct why why = {""};
    struct buf request, answer;
    bool running = false;
    buf_init(&request, 1 << 12);
    buf_init(&answer, 1 << 12);
    write_request(&request, "client.url", NULL, 0);
    enum err e =
        control_call(cli_value(cli, "data", "./var"), buf_bytes(&request), &answer, &running, &why);
    cJSON *root = e ? NULL : cJSON_ParseWithLength(answer.p, answer.n);
    snprintf(ret, n, "%s", ask_text(root, "url"));
    cJSON_Delete(root);
    buf_done(&request);
    buf_done(&answer);
    return running;
}

int ask_print_json(struct cli *cli, const cJSON *answer)
{
    struct buf b;
    buf_init(&b, ANSWER_MAX_BYTES);
    char *text = cJSON_PrintUnformatted(answer);
    if (!text) return cli_fail(cli, "%s", err_sentence(ERR_NOMEM));
    buf_add_str(&b, text);
    buf_add_char(&b, '\n');
    cJSON_free(text);
    int code = cli_print(cli, &b);
    buf_done(&b);
    return code;
}

const char *ask_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

int64_t ask_integer(const cJSON *object, const char *name)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;
}

/* One line without echo; false at the end of input. */
static bool read_hidden(struct cli *cli, const char *prompt, char *buffer, size_t n)
{
    struct termios before, silent;
    if (tcgetattr(STDIN_FILENO, &before)) return false;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, cli->err);
    fflush(cli->err);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    bool got = fgets(buffer, (int)n, stdin) != NULL;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', cli->err);
    if (got) buffer[strcspn(buffer, "\n")] = 0;
    return got;
}

const char *ask_password(struct cli *cli, char *buffer, size_t n)
{
    const char *given = cli_value(cli, "password", getenv("SENSORVISION_PASSWORD"));
    if (given) return given;
    char again[256];
    if (!isatty(STDIN_FILENO) || !read_hidden(cli, "Password: ", buffer, n)) {
        (void)cli_usage(cli, "no password: --password, SENSORVISION_PASSWORD, or a terminal");
        return NULL;
    }
    if (!read_hidden(cli, "Again: ", again, sizeof again) || strcmp(buffer, again) != 0) {
        (void)cli_fail(cli, "the two passwords differ");
        return NULL;
    }
    return buffer;
}
