/* CSV: rows come whole or not at all, whatever the window; malformed ones are named by line. */
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/csv.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED UINT64_C(4180)

/* Adds "a|b|c;" for a row, "!reason;" for a bad one. */
static void add_row(struct buf *out, enum err e, const struct bytes *fields, size_t n,
                    const struct why *why)
{
    if (e) buf_printf(out, "!%s", why->text);
    for (size_t i = 0; !e && i < n; i++) {
        if (i) buf_add_char(out, '|');
        buf_add_bytes(out, fields[i]);
    }
    buf_add_char(out, ';');
}

/* Reads all of `text` through a window that grows by `chunk` bytes, each in a block of its own. */
static const char *read_all(struct bytes text, size_t chunk, const struct csv_opts *opts)
{
    static struct buf out;
    struct csv_reader r;
    size_t from = 0, to = chunk < text.n ? chunk : text.n;
    buf_done(&out);
    buf_init(&out, 1 << 20);
    csv_init(&r, opts);
    for (;;) {
        char *exact = mem_alloc(to - from + 1);
        if (to > from) memcpy(exact, text.p + from, to - from);
        const struct bytes *fields;
        size_t used = 0, n;
        struct why why = {""};
        bool final = to == text.n;
        enum err e = csv_read(&r, bytes_of(exact, to - from), final, &used, &fields, &n, &why);
        assert_true(used <= to - from);
        assert_true(e != ERR_MORE || !final);
        if (e == ERR_OK || e == ERR_INVALID || e == ERR_TOOLARGE) add_row(&out, e, fields, n, &why);
        mem_free(exact);
        if (e == ERR_END || e == ERR_TOOLARGE) break;
        if (e == ERR_MORE)
            to = to + chunk < text.n ? to + chunk : text.n;
        else
            from += used;
    }
    csv_done(&r);
    return buf_cstr(&out);
}

static void check(const char *text, const char *expected)
{
    for (size_t chunk = 1; chunk <= strlen(text) + 1; chunk++) {
        const char *got = read_all(bytes_str(text), chunk, NULL);
        if (strcmp(got, expected) != 0)
            fail_msg("%s by %zu: %s, not %s", text, chunk, got, expected);
    }
}

static void rows_are_cut_into_their_fields(void **state)
{
    (void)state;
    check("", "");
    check("a", "a;");
    check("a,b,c", "a|b|c;");
    check("a,b\nc,d\n", "a|b;c|d;");
    check("a,b\r\nc,d\r\n", "a|b;c|d;");
    check(",\n,,\n", "|;||;");
    check("\n\na\n\r\n\nb\n\n", "a;b;");
    check("\xef\xbb\xbf"
          "a,b\n",
          "a|b;");
    check("\xef\xbb\xbf", "");
    check("\xef\xbb\n", "\xef\xbb;");
    check("a b, c ,d\n", "a b| c |d;");
    check("\"\"\n", ";");
    check("a;b\tc\n", "a;b\tc;");
}

static void quoted_fields_hold_anything(void **state)
{
    (void)state;
    check("\"a,b\",\"c\"\"d\",\"\"\"\"\n", "a,b|c\"d|\";");
    check("\"two\nlines\",x\r\ny,\"\r\n\"\n", "two\nlines|x;y|\r\n;");
    check("\"\",\"\"", "|;");
    check("\"a\"\"\"\"b\",\"\"\"c\"\"\",d\"\n",
          "!line 1, field 3: a quote inside a field that does not "
          "begin with one;");
    check("\"a\"\"\"\"b\",\"\"\"c\"\"\"\n", "a\"\"b|\"c\";");
}

static void malformed_rows_are_named_and_passed(void **state)
{
    (void)state;
    check("a\nb\"c,d\ne\n",
          "a;!line 2, field 1: a quote inside a field that does not begin with one;e;");
    check("\"a\"b\nc\n", "!line 1, field 1: something stands behind the closing quote;c;");
    check("x,\"a\" ,b\nc\n", "!line 1, field 2: something stands behind the closing quote;c;");
    check("a,\"b\nc\nd", "!line 1, field 2: the quotes are never closed;");
    check("a\rb\nc\n", "!line 1, field 1: a carriage return without a line feed;c;");
    check("\"x\ny\"\n\na\r\r\n", "x\ny;!line 4, field 1: a carriage return without a line feed;");
    check("a\r", "!line 1, field 1: a carriage return without a line feed;");
    assert_string_equal(read_all(bytes_of("a\0b\nc\n", 6), 2, NULL),
                        "!line 1, field 1: a NUL byte;c;");
}

static void limits_are_kept_to_the_byte(void **state)
{
    (void)state;
    struct csv_opts opts = {.max_row_bytes = 5, .max_fields = 3};
    assert_string_equal(read_all(BYTES("a,b,c\n12345\n"), 64, &opts), "a|b|c;12345;");
    assert_string_equal(read_all(BYTES("a,b,c\r\n12345\r\n"), 64, &opts), "a|b|c;12345;");
    assert_string_equal(read_all(BYTES("x\n123456\n"), 64, &opts),
                        "x;!line 2: the row is longer than 5 bytes;");
    assert_string_equal(read_all(BYTES("\"2345678\nabcdefgh"), 4, &opts),
                        "!line 1: the row is longer than 5 bytes;");
    assert_string_equal(read_all(BYTES("a,b,,\nc"), 64, &opts), "!line 1: more than 3 fields;");
    opts = (struct csv_opts){.separator = ';'};
    assert_string_equal(read_all(BYTES("a;b,c;\"d;e\"\n"), 3, &opts), "a|b,c|d;e;");
}

static void random_field(struct buf *b, struct rnd *r)
{
    static const char often[] = "ab,\"\r\n \t;1\xc3\xa9\0";
    buf_clear(b);
    for (uint64_t n = rnd_below(r, 6); n; n--)
        buf_add_char(b, often[rnd_below(r, sizeof often - 2)]);
}

static void whatever_is_written_reads_back(void **state)
{
    (void)state;
    struct rnd r;
    struct buf text, field, expected;
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    buf_init(&text, 1 << 20);
    buf_init(&field, 1 << 10);
    buf_init(&expected, 1 << 20);
    for (int i = 0; i < 3000; i++) {
        buf_clear(&text);
        buf_clear(&expected);
        for (uint64_t rows = 1 + rnd_below(&r, 4); rows; rows--) {
            buf_add_str(&text, "x"); /* an empty line would be no row */
            buf_add_str(&expected, "x");
            for (uint64_t n = rnd_below(&r, 5); n; n--) {
                random_field(&field, &r);
                buf_add_char(&text, ',');
                csv_write_field(&text, buf_bytes(&field));
                buf_add_char(&expected, '|');
                buf_add_bytes(&expected, buf_bytes(&field));
            }
            buf_add_str(&text, rnd_below(&r, 2) ? "\r\n" : "\n");
            buf_add_char(&expected, ';');
        }
        assert_string_equal(read_all(buf_bytes(&text), 1 + rnd_below(&r, 40), NULL),
                            buf_cstr(&expected));
    }
    buf_done(&text);
    buf_done(&field);
    buf_done(&expected);
}

static void plain_fields_are_written_plain(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    csv_write_field(&b, BYTES("plain text"));
    csv_write_field(&b, BYTES("a\"b"));
    csv_write_field(&b, BYTES(""));
    csv_write_field(&b, BYTES(" x"));
    csv_write_number(&b, 23.5);
    assert_string_equal(buf_cstr(&b), "plain text\"a\"\"b\"\" x\"23.5");
    buf_done(&b);
}

static void a_failing_allocation_is_a_clean_answer(void **state)
{
    (void)state;
    int64_t blocks = mem_blocks();
    for (int64_t n = 1; n <= 3; n++) {
        struct csv_reader r;
        const struct bytes *fields;
        size_t used, count;
        csv_init(&r, NULL);
        mem_fail_at(n);
        enum err e = csv_read(&r, BYTES("a,\"b\"\"\",c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\n"), true, &used,
                              &fields, &count, NULL);
        assert_int_equal(e, mem_fail_fired() ? ERR_NOMEM : ERR_OK);
        mem_fail_at(0);
        csv_done(&r);
        assert_int_equal(mem_blocks(), blocks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_cut_into_their_fields),
        cmocka_unit_test(quoted_fields_hold_anything),
        cmocka_unit_test(malformed_rows_are_named_and_passed),
        cmocka_unit_test(limits_are_kept_to_the_byte),
        cmocka_unit_test(whatever_is_written_reads_back),
        cmocka_unit_test(plain_fields_are_written_plain),
        cmocka_unit_test(a_failing_allocation_is_a_clean_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
