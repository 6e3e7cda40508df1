/* The control socket: who may speak, what is answered, and what happens to nonsense. */
#include "app/control.h"
#include "codec/json_write.h"
#include "temp_dir.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct temp_dir temp;
static struct control_server *server;

static enum err echo(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    (void)why;
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "text"));
    json_write_member_text(answer, "text", text);
    json_write_member_i64(answer, "calls", ++*(int *)ctx);
    return ERR_OK;
}

static enum err refuse(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    (void)ctx;
    (void)request;
    json_write_member_text(answer, "half", "never sent");
    return why_say(why, ERR_LIMIT, "ten \"users\" are enough");
}

static const struct control_verb verbs[] = {{"echo", echo}, {"refuse", refuse}};
static int calls;

static int start(void **state)
{
    (void)state;
    calls = 0;
    temp_dir_make(&temp);
    return control_start(&server, temp.path, verbs, 2, &calls, NULL) ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    control_stop(server);
    server = NULL;
    temp_dir_remove(&temp);
    return 0;
}

static enum err ask(const char *dir, const char *request, char ret[300], struct why *why)
{
    struct buf answer;
    bool running;
    buf_init(&answer, 1 << 22);
    enum err e = control_call(dir, bytes_str(request), &answer, &running, why);
    snprintf(ret, 300, "%s%.280s", running ? "" : "(none) ", buf_cstr(&answer));
    buf_done(&answer);
    return e;
}

static void request_reaches_its_verb_and_the_answer_comes_back(void **state)
{
    (void)state;
    char answer[300];
    assert_int_equal(ask(temp.path, "{\"do\":\"echo\",\"text\":\"a\\nb\"}", answer, NULL), ERR_OK);
    assert_string_equal(answer, "{\"ok\":true,\"text\":\"a\\nb\",\"calls\":1}");
    assert_int_equal(ask(temp.path, "{\"do\":\"echo\"}", answer, NULL), ERR_OK);
    assert_string_equal(answer, "{\"ok\":true,\"text\":null,\"calls\":2}");
}

static void refusal_comes_back_as_its_error_and_sentence(void **state)
{
    (void)state;
    char answer[300];
    struct why why;
    assert_int_equal(ask(temp.path, "{\"do\":\"refuse\"}", answer, &why), ERR_LIMIT);
    assert_string_equal(why.text, "ten \"users\" are enough");
    assert_null(strstr(answer, "never sent"));
    assert_int_equal(ask(temp.path, "{\"do\":\"fly\"}", answer, &why), ERR_UNSUPPORTED);
    assert_int_equal(ask(temp.path, "{\"do\":7}", answer, &why), ERR_UNSUPPORTED);
    assert_int_equal(ask(temp.path, "nonsense", answer, &why), ERR_INVALID);
    assert_int_equal(ask(temp.path, "{\"do\":\"echo\"}", answer, &why), ERR_OK);
}

static void socket_is_for_its_owner_only_and_goes_away(void **state)
{
    (void)state;
    char path[200], answer[300];
    struct stat about;
    snprintf(path, sizeof path, "%s/control.sock", temp.path);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    control_stop(server);
    server = NULL;
    assert_int_equal(stat(path, &about), -1);
    struct why why;
    assert_int_equal(ask(temp.path, "{\"do\":\"echo\"}", answer, &why), ERR_NOTFOUND);
    assert_string_equal(answer, "(none) ");
}

static void socket_of_a_dead_server_is_replaced(void **state)
{
    (void)state;
    char path[100], answer[300];
    control_stop(server);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(path, sizeof path, "%s/control.sock", temp.path);
    memcpy(address.sun_path, path, sizeof path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd); /* the file stays, nobody listens */
    assert_int_equal(ask(temp.path, "{\"do\":\"echo\"}", answer, NULL), ERR_NOTFOUND);
    assert_int_equal(control_start(&server, temp.path, verbs, 2, &calls, NULL), ERR_OK);
    assert_int_equal(ask(temp.path, "{\"do\":\"echo\"}", answer, NULL), ERR_OK);
}

static void directory_longer_than_a_socket_path_works(void **state)
{
    (void)state;
    char path[400], answer[300];
    struct control_server *deep = NULL;
    int n = snprintf(path, sizeof path, "%s/", temp.path);
    memset(path + n, 'd', 150);
    path[n + 150] = 0;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(control_start(&deep, path, verbs, 2, &calls, NULL), ERR_OK);
    assert_int_equal(ask(path, "{\"do\":\"echo\"}", answer, NULL), ERR_OK);
    control_stop(deep);
}

static void client_that_hangs_up_is_forgotten(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char answer[300];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", temp.path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd); /* hung up before a word */
    assert_int_equal(ask(temp.path, "{\"do\":\"echo\"}", answer, NULL), ERR_OK);
}

static void verbs_run_without_a_socket_too(void **state)
{
    (void)state;
    struct buf answer;
    struct why why;
    buf_init(&answer, 1000);
    cJSON *request = cJSON_Parse("{\"do\":\"echo\",\"text\":\"x\"}");
    assert_int_equal(control_run(verbs, 2, &calls, request, &answer, &why), ERR_OK);
    assert_string_equal(buf_cstr(&answer), "\"text\":\"x\",\"calls\":1");
    cJSON_Delete(request);
    buf_done(&answer);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(request_reaches_its_verb_and_the_answer_comes_back),
        SERVED(refusal_comes_back_as_its_error_and_sentence),
        SERVED(socket_is_for_its_owner_only_and_goes_away),
        SERVED(socket_of_a_dead_server_is_replaced),
        SERVED(directory_longer_than_a_socket_path_works),
        SERVED(client_that_hangs_up_is_forgotten),
        SERVED(verbs_run_without_a_socket_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
