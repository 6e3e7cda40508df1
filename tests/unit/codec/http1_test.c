/* The HTTP/1.1 codec: what each stream means, whatever the pieces it comes in. */
#include "codec/http1.h"

#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define GOOD "GET / HTTP/1.1\r\nHost: a\r\n"

/* A stream and its answer: 0 is a complete head, 1 an incomplete one, else the status. */
struct framing_case {
    const char *what;
    struct bytes stream;
    int status;
};
#define ROW(what, text, status)                                                                    \
    {                                                                                              \
        what, {"" text, sizeof(text) - 1}, status                                                  \
    }

static const struct framing_case framing_cases[] = {
    ROW("the smallest", GOOD "\r\n", 0),
    ROW("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0),
    ROW("one empty line in front", "\r\n" GOOD "\r\n", 0),
    ROW("absolute form", "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", 0),
    ROW("absolute form without a path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 0),
    ROW("asterisk for OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0),
    ROW("chunked in other letters", GOOD "Transfer-Encoding: Chunked\r\n\r\n", 0),
    ROW("obs-text in a value", GOOD "X: \xc3\xa9\r\n\r\n", 0),
    ROW("an empty value", GOOD "X:\r\n\r\n", 0),
    ROW("blanks around a value", GOOD "X: \t b \t\r\n\r\n", 0),
    ROW("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0),
    ROW("18 digits", GOOD "Content-Length: 999999999999999999\r\n\r\n", 0),
    ROW("nothing", "", 1),
    ROW("half a line", "GET / HT", 1),
    ROW("no empty line", GOOD, 1),

    ROW("two Hosts", GOOD "Host: b\r\n\r\n", 400),
    ROW("two equal Hosts", GOOD "host: a\r\n\r\n", 400),
    ROW("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
    ROW("Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ROW("Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ROW("Host list", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
    ROW("two Content-Lengths", GOOD "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ROW("two equal ones", GOOD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
    ROW("a list of lengths", GOOD "Content-Length: 1, 1\r\n\r\n", 400),
    ROW("a signed length", GOOD "Content-Length: +1\r\n\r\n", 400),
    ROW("a negative length", GOOD "Content-Length: -1\r\n\r\n", 400),
    ROW("a hexadecimal length", GOOD "Content-Length: 0x1\r\n\r\n", 400),
    ROW("an empty length", GOOD "Content-Length:\r\n\r\n", 400),
    ROW("a length with a blank inside", GOOD "Content-Length: 1 0\r\n\r\n", 400),
    ROW("a length that overflows", GOOD "Content-Length: 18446744073709551617\r\n\r\n", 400),
    ROW("length, then coding", GOOD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ROW("coding, then length", GOOD "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400),
    ROW("two codings", GOOD "Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    ROW("chunked twice", GOOD "Transfer-Encoding: chunked, chunked\r\n\r\n", 400),
    ROW("two coding headers",
        GOOD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ROW("identity", GOOD "Transfer-Encoding: identity\r\n\r\n", 400),
    ROW("xchunked", GOOD "Transfer-Encoding: xchunked\r\n\r\n", 400),
    ROW("chunked with a parameter", GOOD "Transfer-Encoding: chunked;a=b\r\n\r\n", 400),
    ROW("an empty coding", GOOD "Transfer-Encoding:\r\n\r\n", 400),
    ROW("coding in HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ROW("a folded line", GOOD "X: a\r\n b\r\n\r\n", 400),
    ROW("folded by a tab", GOOD "X: a\r\n\tb\r\n\r\n", 400),
    ROW("a blank before the first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ROW("bare LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    ROW("bare LF behind a header", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    ROW("bare LF at the end", GOOD "\n", 400),
    ROW("LF LF", "GET / HTTP/1.1\nHost: a\n\n", 400),
    ROW("bare CR in a value", GOOD "X: a\rb\r\n\r\n", 400),
    ROW("CR CR LF", GOOD "X: a\r\r\n\r\n", 400),
    ROW("NUL in a value", GOOD "X: a\0b\r\n\r\n", 400),
    ROW("NUL in a name", GOOD "X\0: a\r\n\r\n", 400),
    ROW("NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("DEL in a value", GOOD "X: \x7f\r\n\r\n", 400),
    ROW("a blank before the colon", GOOD "X : a\r\n\r\n", 400),
    ROW("a tab before the colon", GOOD "Content-Length\t: 1\r\n\r\n", 400),
    ROW("no colon", GOOD "X\r\n\r\n", 400),
    ROW("no name", GOOD ": a\r\n\r\n", 400),
    ROW("a name that is no token", GOOD "X(y): a\r\n\r\n", 400),
    ROW("a name beyond ASCII", GOOD "\xc3\xa9: a\r\n\r\n", 400),
    ROW("two empty lines in front", "\r\n\r\n" GOOD "\r\n", 400),
    ROW("a blank in front", " " GOOD "\r\n", 400),
    ROW("two blanks behind the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("two blanks before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("a blank behind the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ROW("a tab for a blank", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("HTTP/0.9", "GET /\r\n\r\n", 400),
    ROW("a small http", "GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("a version of three digits", "GET / HTTP/1.11\r\nHost: a\r\n\r\n", 400),
    ROW("a target that is no path", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("a target beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("a scheme without a host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("a host with a user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ROW("TLS", "\x16\x03\x01\x02", 400),
    ROW("another expectation", GOOD "Expect: a-pony\r\n\r\n", 417),
    ROW("a small method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ROW("CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ROW("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ROW("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ROW("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    ROW("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501),
};

static int outcome(enum err e, const struct http1_head *h)
{
    return e == ERR_OK ? 0 : e == ERR_MORE ? 1 : h->status;
}

static void every_framing_case_has_its_status(void **state)
{
    (void)state;
    static struct http1_head h;
    for (size_t i = 0; i < sizeof framing_cases / sizeof *framing_cases; i++) {
        const struct framing_case *row = &framing_cases[i];
        http1_head_init(&h);
        int status = outcome(http1_head_parse(&h, row->stream), &h);
        if (status != row->status) fail_msg("%s: %d instead of %d", row->what, status, row->status);
        assert_true(status < 2 || (h.why && *h.why));
    }
}

/* A refused stream may be refused before all of it is there, but never with another status. */
static void check_at_pieces(const struct framing_case *row, size_t piece)
{
    static struct http1_head h;
    http1_head_init(&h);
    int status = 1;
    for (size_t n = 0; status == 1;) {
        n = n + piece < row->stream.n ? n + piece : row->stream.n;
        char *moved = malloc(n + 1); /* every call sees the bytes in another place */
        memcpy(moved, row->stream.p, n);
        status = outcome(http1_head_parse(&h, bytes_of(moved, n)), &h);
        if (!status) {
            assert_true(h.headers[0].value.p >= moved || !h.header_count);
            assert_true(h.bytes == row->stream.n);
        }
        free(moved);
        if (n == row->stream.n) break;
    }
    if (status != row->status)
        fail_msg("%s in pieces of %zu: %d instead of %d", row->what, piece, status, row->status);
}

static void pieces_never_change_the_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof framing_cases / sizeof *framing_cases; i++)
        for (size_t piece = 1; piece <= framing_cases[i].stream.n; piece++)
            check_at_pieces(&framing_cases[i], piece);
}

static const char long_request[] =
    "POST /api/v1/ingest/d-1?x=1&y HTTP/1.1\r\nHost: example.org:8080\r\nX-API-Key: k\r\n"
    "Content-Type: application/json\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\n{}";

static void a_head_reads_the_same_at_every_split(void **state)
{
    (void)state;
    static struct http1_head h;
    size_t whole = sizeof long_request - 3;
    for (size_t at = 0; at < whole; at++) {
        http1_head_init(&h);
        char *first = mem_copy(long_request, at), *all = mem_copy(long_request, whole + 2);
        assert_int_equal(http1_head_parse(&h, bytes_of(first, at)), ERR_MORE);
        mem_free(first);
        assert_int_equal(http1_head_parse(&h, bytes_of(all, whole + 2)), ERR_OK);
        assert_int_equal(h.bytes, whole);
        assert_int_equal(h.method, HTTP1_POST);
        assert_true(bytes_is(h.path, "/api/v1/ingest/d-1"));
        assert_true(bytes_is(h.query, "x=1&y"));
        assert_true(bytes_is(http1_head_find(&h, "host"), "example.org:8080"));
        assert_true(bytes_is(http1_head_find(&h, "x-api-key"), "k"));
        assert_null(http1_head_find(&h, "X-API").p);
        assert_int_equal(h.content_length, 2);
        assert_false(h.keep_alive);
        assert_true(http1_head_has_token(&h, "connection", "FOO"));
        assert_false(http1_head_has_token(&h, "connection", "fo"));
        mem_free(all);
    }
}

/* prefix, then `n` times 'a', then suffix. */
static int status_with(const char *prefix, size_t n, const char *suffix)
{
    static struct http1_head h;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add_str(&b, prefix);
    for (size_t i = 0; i < n; i++) buf_add_char(&b, 'a');
    buf_add_str(&b, suffix);
    http1_head_init(&h);
    int status = outcome(http1_head_parse(&h, buf_bytes(&b)), &h);
    buf_done(&b);
    return status;
}

static void limits_hold_to_the_byte(void **state)
{
    (void)state;
    const char *after_url = " HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_int_equal(status_with("GET /", HTTP1_URL_MAX - 1, after_url), 0);
    assert_int_equal(status_with("GET /", HTTP1_URL_MAX, after_url), 414);
    assert_int_equal(status_with("OPTIONS /", HTTP1_URL_MAX - 1, after_url), 0);
    assert_int_equal(status_with("GET /", 2 * HTTP1_URL_MAX, ""), 414);
    size_t around = strlen("Host: a\r\nX: \r\n\r\n");
    assert_int_equal(status_with(GOOD "X: ", HTTP1_BLOCK_MAX - around, "\r\n\r\n"), 0);
    assert_int_equal(status_with(GOOD "X: ", HTTP1_BLOCK_MAX - around + 1, "\r\n\r\n"), 431);
    assert_int_equal(status_with(GOOD "X: ", HTTP1_BLOCK_MAX, ""), 431);
}

static void the_hundredth_header_is_the_last(void **state)
{
    (void)state;
    static struct http1_head h;
    for (int extra = 0; extra < 2; extra++) {
        struct buf b;
        buf_init(&b, 1 << 16);
        buf_add_str(&b, GOOD);
        for (int i = 1; i < HTTP1_HEADERS_MAX + extra; i++) buf_printf(&b, "X-%d: y\r\n", i);
        buf_add_str(&b, "\r\n");
        http1_head_init(&h);
        assert_int_equal(outcome(http1_head_parse(&h, buf_bytes(&b)), &h), extra ? 431 : 0);
        buf_done(&b);
    }
}

static void keep_alive_follows_version_and_header(void **state)
{
    (void)state;
    static const struct {
        const char *stream;
        bool keep;
    } rows[] = {
        {GOOD "\r\n", true},
        {GOOD "Connection: close\r\n\r\n", false},
        {GOOD "Connection: keep-alive\r\nConnection: CLOSE\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    static struct http1_head h;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        http1_head_init(&h);
        assert_int_equal(http1_head_parse(&h, bytes_str(rows[i].stream)), ERR_OK);
        assert_int_equal(h.keep_alive, rows[i].keep);
    }
}

static void a_10_client_expects_nothing(void **state)
{
    (void)state;
    static struct http1_head h;
    http1_head_init(&h);
    assert_int_equal(http1_head_parse(&h, BYTES("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")),
                     ERR_OK);
    assert_false(h.expect_continue);
    http1_head_init(&h);
    assert_int_equal(http1_head_parse(&h, BYTES(GOOD "Expect: 100-Continue\r\n\r\n")), ERR_OK);
    assert_true(h.expect_continue);
}

static void methods_and_reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(http1_method_name(HTTP1_PATCH), "PATCH");
    assert_string_equal(http1_reason(404), "Not Found");
    assert_string_equal(http1_reason(299), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_framing_case_has_its_status),
        cmocka_unit_test(pieces_never_change_the_verdict),
        cmocka_unit_test(a_head_reads_the_same_at_every_split),
        cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(the_hundredth_header_is_the_last),
        cmocka_unit_test(keep_alive_follows_version_and_header),
        cmocka_unit_test(a_10_client_expects_nothing),
        cmocka_unit_test(methods_and_reasons_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
