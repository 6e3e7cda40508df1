/* Chunked bodies: one reading, whatever the pieces. */
#include "base/buf.h"
#include "codec/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct body_case {
    const char *what;
    struct bytes stream;
    const char *body; /* NULL: 400 */
    size_t left;      /* bytes behind the body */
};
#define ROW(what, text, body, left)                                                                \
    {                                                                                              \
        what, {"" text, sizeof(text) - 1}, body, left                                              \
    }

static const struct body_case body_cases[] = {
    ROW("empty", "0\r\n\r\n", "", 0),
    ROW("one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello", 0),
    ROW("two chunks, hexadecimal", "A\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n", "0123456789a", 0),
    ROW("a size of two digits", "10\r\n0123456789abcdef\r\n0\r\n\r\n", "0123456789abcdef", 0),
    ROW("sixteen chunks",
        "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n1\r\ne\r\n1\r\nf\r\n1\r\ng\r\n1\r\nh\r\n"
        "1\r\ni\r\n1\r\nj\r\n1\r\nk\r\n1\r\nl\r\n1\r\nm\r\n1\r\nn\r\n1\r\no\r\n1\r\np\r\n0\r\n\r\n",
        "abcdefghijklmnop", 0),
    ROW("leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello", 0),
    ROW("an extension", "5;a=\"b;c\"\r\nhello\r\n0;x\r\n\r\n", "hello", 0),
    ROW("trailers", "1\r\na\r\n0\r\nX: y\r\nContent-Lengthy: 9\r\nHos: t\r\n\r\n", "a", 0),
    ROW("a trailer with a long name", "0\r\nTransfer-Encoding-: chunked\r\n\r\n", "", 0),
    ROW("a trailer that frames", "0\r\nX: y\r\nContent-Length: 9\r\n\r\n", NULL, 0),
    ROW("a trailer that codes", "0\r\ntransfer-encodinG: chunked\r\n\r\n", NULL, 0),
    ROW("a trailer that closes", "0\r\nConnection: close\r\n\r\n", NULL, 0),
    ROW("a trailer that closes for a proxy", "0\r\nProxy-Connection: close\r\n\r\n", NULL, 0),
    ROW("a trailer that upgrades", "0\r\nUpgrade: websocket\r\n\r\n", NULL, 0),
    ROW("a trailer that names another host", "0\r\nhost: b\r\n\r\n", NULL, 0),
    ROW("the next request follows", "1\r\na\r\n0\r\n\r\nGET /", "a", 5),
    ROW("no size", "\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("no hexadecimal", "g\r\n", NULL, 0),
    ROW("a sign", "+5\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("0x", "0x5\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("a blank before the size", " 5\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("a blank behind the size", "5 \r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("a size of 16 digits", "0000000000000005\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("a size that overflows", "10000000000000005\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("ffffffffffffffff", "ffffffffffffffff\r\n", NULL, 0),
    ROW("bare LF behind the size", "5\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("bare LF behind the data", "5\r\nhello\n0\r\n\r\n", NULL, 0),
    ROW("bare CR behind the size", "5\rhello\r\n0\r\n\r\n", NULL, 0),
    ROW("data longer than its size", "4\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("data shorter than its size", "6\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("LF in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("NUL in an extension", "5;a\0\r\nhello\r\n0\r\n\r\n", NULL, 0),
    ROW("bare LF at the end", "0\r\n\n", NULL, 0),
    ROW("a folded trailer", "0\r\nX: y\r\n z\r\n\r\n", NULL, 0),
    ROW("a trailer without a name", "0\r\n: y\r\n\r\n", NULL, 0),
    ROW("a blank before a trailer's colon", "0\r\nX : y\r\n\r\n", NULL, 0),
    ROW("a trailer without a colon", "0\r\nX\r\n\r\n", NULL, 0),
    ROW("NUL in a trailer", "0\r\nX: \0\r\n\r\n", NULL, 0),
};

/* Feeds `stream` in pieces; the body lands in `to`. Returns what was not used. */
static enum err decode(struct bytes stream, size_t piece, struct buf *to, size_t *ret_left)
{
    struct http1_chunked c;
    http1_chunked_init(&c);
    enum err e = ERR_MORE;
    while (e == ERR_MORE && stream.n) {
        size_t n = piece < stream.n ? piece : stream.n, used;
        char *copy = malloc(n);
        memcpy(copy, stream.p, n);
        struct bytes data;
        e = http1_chunked_feed(&c, bytes_of(copy, n), &used, &data);
        buf_add_bytes(to, data);
        free(copy);
        stream = bytes_of(stream.p + used, stream.n - used);
        if (e == ERR_INVALID) assert_int_equal(c.status, 400);
    }
    *ret_left = stream.n;
    return e;
}

static void every_body_case_reads_so_in_all_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof body_cases / sizeof *body_cases; i++) {
        const struct body_case *row = &body_cases[i];
        for (size_t piece = 1; piece <= row->stream.n; piece++) {
            struct buf body;
            size_t left;
            buf_init(&body, 4096);
            enum err e = decode(row->stream, piece, &body, &left);
            if (e != (row->body ? ERR_OK : ERR_INVALID))
                fail_msg("%s in pieces of %zu: %s", row->what, piece, err_name(e));
            if (row->body) {
                assert_true(bytes_is(buf_bytes(&body), row->body));
                assert_int_equal(left, row->left);
            }
            buf_done(&body);
        }
    }
}

static void a_truncated_body_is_never_complete(void **state)
{
    (void)state;
    struct bytes whole = BYTES("5;e\r\nhello\r\n0\r\nT: v\r\n\r\n");
    for (size_t n = 0; n < whole.n; n++) {
        struct buf body;
        size_t left;
        buf_init(&body, 4096);
        assert_int_equal(decode(bytes_of(whole.p, n), 3, &body, &left), ERR_MORE);
        buf_done(&body);
    }
}

static enum err with_filler(const char *before, size_t n, const char *after)
{
    struct buf stream, body;
    size_t left;
    buf_init(&stream, 1 << 16);
    buf_init(&body, 1 << 16);
    buf_add_str(&stream, before);
    for (size_t i = 0; i < n; i++) buf_add_char(&stream, 'x');
    buf_add_str(&stream, after);
    enum err e = decode(buf_bytes(&stream), 1000, &body, &left);
    buf_done(&stream);
    buf_done(&body);
    return e;
}

static void extensions_and_trailers_have_limits(void **state)
{
    (void)state;
    assert_int_equal(with_filler("0;", HTTP1_CHUNK_EXT_MAX, "\r\n\r\n"), ERR_OK);
    assert_int_equal(with_filler("0;", HTTP1_CHUNK_EXT_MAX + 1, "\r\n\r\n"), ERR_INVALID);
    size_t around = strlen("X:") + 1; /* the CR counts, the last line does not */
    assert_int_equal(with_filler("0\r\nX:", HTTP1_TRAILER_MAX - around, "\r\n\r\n"), ERR_OK);
    assert_int_equal(with_filler("0\r\nX:", HTTP1_TRAILER_MAX - around + 1, "\r\n\r\n"),
                     ERR_INVALID);
}

static void after_its_end_it_takes_nothing(void **state)
{
    (void)state;
    struct http1_chunked c;
    http1_chunked_init(&c);
    size_t used;
    struct bytes data;
    assert_int_equal(http1_chunked_feed(&c, BYTES("0\r\n\r\n1\r\n"), &used, &data), ERR_OK);
    assert_int_equal(used, 5);
    assert_int_equal(http1_chunked_feed(&c, BYTES("1\r\n"), &used, &data), ERR_OK);
    assert_int_equal(used, 0);
    http1_chunked_init(&c);
    assert_int_equal(http1_chunked_feed(&c, BYTES("z"), &used, &data), ERR_INVALID);
    assert_int_equal(http1_chunked_feed(&c, BYTES("0\r\n\r\n"), &used, &data), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_case_reads_so_in_all_pieces),
        cmocka_unit_test(a_truncated_body_is_never_complete),
        cmocka_unit_test(extensions_and_trailers_have_limits),
        cmocka_unit_test(after_its_end_it_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
