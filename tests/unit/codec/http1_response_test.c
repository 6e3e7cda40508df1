/* The head of an answer: what each one means to a client, whatever the pieces it comes in. */
#include "codec/http1_response.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define OK_LINE "HTTP/1.1 200 OK\r\n"

struct row {
    const char *text;
    enum err err;
    struct http1_response expected;
};

static const struct row rows[] = {
    {OK_LINE "Content-Length: 5\r\n\r\n",
     ERR_OK,
     {.status = 200, .keep_alive = true, .has_length = true, .content_length = 5}},
    {OK_LINE "content-LENGTH:\t5 \r\n\r\n",
     ERR_OK,
     {.status = 200, .keep_alive = true, .has_length = true, .content_length = 5}},
    {OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
     ERR_OK,
     {.status = 200, .keep_alive = true, .has_length = true, .content_length = 5}},
    {OK_LINE "Transfer-Encoding: chunked\r\n\r\n",
     ERR_OK,
     {.status = 200, .keep_alive = true, .chunked = true}},
    {"HTTP/1.1 204 No Content\r\n\r\n",
     ERR_OK,
     {.status = 204, .keep_alive = true, .has_length = true}},
    {"HTTP/1.1 204\r\n\r\n", ERR_OK, {.status = 204, .keep_alive = true, .has_length = true}},
    {"HTTP/1.1 304 \r\nContent-Length: 900\r\n\r\n",
     ERR_OK,
     {.status = 304, .keep_alive = true, .has_length = true}},
    {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
     ERR_OK,
     {.status = 101, .keep_alive = true, .has_length = true}},
    {"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 12\r\nContent-Length: 0\r\n\r\n",
     ERR_OK,
     {.status = 429, .keep_alive = true, .has_length = true, .retry_after_s = 12}},
    {"HTTP/1.1 503 x\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n",
     ERR_OK,
     {.status = 503, .keep_alive = true, .has_length = true}},
    {OK_LINE "Connection: foo, Close\r\nContent-Length: 1\r\n\r\n",
     ERR_OK,
     {.status = 200, .has_length = true, .content_length = 1}},
    {OK_LINE "\r\n", ERR_OK, {.status = 200}}, /* the body ends with the connection */
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
     ERR_OK,
     {.status = 200, .has_length = true, .content_length = 1}},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n",
     ERR_OK,
     {.status = 200, .keep_alive = true, .has_length = true, .content_length = 1}},
    {"HTTP/2.0 200 OK\r\n\r\n", ERR_INVALID, {0}},
    {"HTTP/1.2 200 OK\r\n\r\n", ERR_INVALID, {0}},
    {"HTTP/1.1 099 No\r\n\r\n", ERR_INVALID, {0}},
    {"HTTP/1.1 600 No\r\n\r\n", ERR_INVALID, {0}},
    {"HTTP/1.1 20x No\r\n\r\n", ERR_INVALID, {0}},
    {"HTTP/1.1 2000\r\n\r\n", ERR_INVALID, {0}},
    {"GET / HTTP/1.1\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "Content-Length: -5\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "Transfer-Encoding: gzip\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "No colon\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "Blank : before\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE " Folded: line\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE ": no name\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "Bare: \n\r\n\r\n", ERR_INVALID, {0}},
    {OK_LINE "Bare: \r \r\n\r\n", ERR_INVALID, {0}},
};

static void each_answer_has_one_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http1_response got = {.status = -1};
        struct bytes text = bytes_str(rows[i].text);
        enum err e = http1_response_parse(&got, text);
        if (e != rows[i].err) print_error("row %zu: %s\n", i, rows[i].text);
        assert_int_equal(e, rows[i].err);
        if (e) {
            assert_int_equal(got.status, -1);
            continue;
        }
        struct http1_response expected = rows[i].expected;
        assert_int_equal(got.status, expected.status);
        assert_int_equal(got.keep_alive, expected.keep_alive);
        assert_int_equal(got.chunked, expected.chunked);
        assert_int_equal(got.has_length, expected.has_length);
        assert_int_equal(got.content_length, expected.content_length);
        assert_int_equal(got.retry_after_s, expected.retry_after_s);
        assert_int_equal(got.bytes, text.n);
    }
}

static void truncation_at_every_byte_asks_for_more(void **state)
{
    (void)state;
    const char text[] = OK_LINE "Retry-After: 3\r\nContent-Length: 5\r\n\r\n";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *exact = mem_copy(text, n);
        struct http1_response got;
        assert_int_equal(http1_response_parse(&got, bytes_of(exact, n)), ERR_MORE);
        mem_free(exact);
    }
}

static void what_follows_the_head_is_not_looked_at(void **state)
{
    (void)state;
    const char head[] = OK_LINE "Content-Length: 5\r\n\r\n";
    const char text[] = OK_LINE "Content-Length: 5\r\n\r\nab\0\n\r";
    struct http1_response got;
    assert_int_equal(http1_response_parse(&got, bytes_of(text, sizeof text - 1)), ERR_OK);
    assert_int_equal(got.bytes, sizeof head - 1);
}

static void a_head_without_end_is_too_large(void **state)
{
    (void)state;
    char *endless = mem_zalloc(HTTP1_RESPONSE_HEAD_MAX + 1);
    struct http1_response got;
    memset(endless, 'a', HTTP1_RESPONSE_HEAD_MAX + 1);
    struct bytes at = bytes_of(endless, HTTP1_RESPONSE_HEAD_MAX);
    struct bytes past = bytes_of(endless, HTTP1_RESPONSE_HEAD_MAX + 1);
    assert_int_equal(http1_response_parse(&got, at), ERR_MORE);
    assert_int_equal(http1_response_parse(&got, past), ERR_TOOLARGE);
    mem_free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_has_one_meaning),
        cmocka_unit_test(truncation_at_every_byte_asks_for_more),
        cmocka_unit_test(what_follows_the_head_is_not_looked_at),
        cmocka_unit_test(a_head_without_end_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
