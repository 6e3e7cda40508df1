/* multipart/form-data: finds the file a browser or curl sends, and refuses what is cut. */
#include "base/mem.h"
#include "codec/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define FIELD "--B\r\nContent-Disposition: form-data; name=\"zone\"\r\n\r\nUTC\r\n"
#define FILE_PART                                                                                  \
    "--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a;b.csv\"\r\n"               \
    "Content-Type: text/csv\r\n\r\nx,y\r\n--C\r\n1,2\r\n\r\n"
#define LAST "--B--\r\n"

static bool same(struct bytes a, const char *s)
{
    return s ? a.p && bytes_is(a, s) : a.p == NULL;
}

static void the_boundary_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *header, *boundary;
        enum err e;
    } rows[] = {
        {"multipart/form-data; boundary=B", "B", ERR_OK},
        {"Multipart/Form-Data;boundary=\"a b\"", "a b", ERR_OK},
        {"multipart/form-data; charset=utf-8; Boundary=----WebKit7MA4", "----WebKit7MA4", ERR_OK},
        {"multipart/form-data ; boundary=x ; y=z", "x", ERR_OK},
        {"text/csv", NULL, ERR_UNSUPPORTED},
        {"multipart/mixed; boundary=B", NULL, ERR_UNSUPPORTED},
        {"", NULL, ERR_UNSUPPORTED},
        {"multipart/form-data", NULL, ERR_INVALID},
        {"multipart/form-data; boundary", NULL, ERR_INVALID},
        {"multipart/form-data; boundary=", NULL, ERR_INVALID},
        {"multipart/form-data; boundary=\"a", NULL, ERR_INVALID},
        {"multipart/form-data; boundary=\"a \"", NULL, ERR_INVALID},
        {"multipart/form-data; boundary=a\x01", NULL, ERR_INVALID},
        {"multipart/form-data; boundary=a*b", NULL, ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes b = {NULL, 0};
        struct why why;
        assert_int_equal(multipart_boundary(bytes_str(rows[i].header), &b, &why), rows[i].e);
        assert_true(same(b, rows[i].boundary));
    }
    char header[200];
    struct bytes b;
    snprintf(header, sizeof header, "multipart/form-data; boundary=%070d", 1);
    assert_int_equal(multipart_boundary(bytes_str(header), &b, NULL), ERR_OK);
    snprintf(header, sizeof header, "multipart/form-data; boundary=%071d", 1);
    assert_int_equal(multipart_boundary(bytes_str(header), &b, NULL), ERR_INVALID);
}

static void the_first_file_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *body, *filename, *content;
    } rows[] = {
        {FIELD FILE_PART LAST, "a;b.csv", "x,y\r\n--C\r\n1,2\r\n"},
        {FILE_PART FIELD LAST, "a;b.csv", "x,y\r\n--C\r\n1,2\r\n"},
        {"preamble\r\n" FILE_PART LAST "epilogue", "a;b.csv", "x,y\r\n--C\r\n1,2\r\n"},
        {FIELD LAST, NULL, "UTC"},
        {FIELD FIELD "--B--", NULL, "UTC"},
        {"--B\r\n\r\n\r\n--B--", NULL, ""},
        {"--B \t\r\nContent-Disposition: form-data; filename=plain\r\n\r\na--B\n--B\r\n--B--",
         "plain", "a--B\n--B"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct multipart_part part;
        struct why why = {""};
        enum err e = multipart_file(bytes_str(rows[i].body), BYTES("B"), &part, &why);
        if (e) fail_msg("%s: %s", rows[i].body, why.text);
        assert_true(same(part.filename, rows[i].filename));
        assert_true(same(part.content, rows[i].content));
    }
}

static void all_parts_come_in_order(void **state)
{
    (void)state;
    struct bytes body = BYTES(FIELD FILE_PART FIELD LAST);
    struct multipart_part part;
    size_t at = 0;
    assert_int_equal(multipart_next(body, BYTES("B"), &at, &part, NULL), ERR_OK);
    assert_true(same(part.name, "zone") && same(part.content, "UTC") &&
                same(part.content_type, NULL));
    assert_int_equal(multipart_next(body, BYTES("B"), &at, &part, NULL), ERR_OK);
    assert_true(same(part.name, "file") && same(part.content_type, "text/csv"));
    assert_int_equal(multipart_next(body, BYTES("B"), &at, &part, NULL), ERR_OK);
    assert_int_equal(multipart_next(body, BYTES("B"), &at, &part, NULL), ERR_END);
}

static void a_cut_body_is_refused_at_every_byte(void **state)
{
    (void)state;
    static const char body[] = FIELD FILE_PART "--B--";
    for (size_t n = 0; n < sizeof body - 1; n++) {
        char *exact = mem_alloc(n + 1);
        memcpy(exact, body, n);
        struct multipart_part part;
        size_t at = 0;
        enum err e = ERR_OK;
        while (!e) e = multipart_next(bytes_of(exact, n), BYTES("B"), &at, &part, NULL);
        assert_int_equal(e, ERR_INVALID);
        mem_free(exact);
    }
}

static void bodies_of_another_shape_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "--B",
        "--B--",
        "--B\r\n",
        "--B\n\nx\n--B--",
        "--C\r\n\r\nx\r\n--C--",
        "--B\r\nName: x\n\r\nx\r\n--B--",
        "--B\r\nx: y\r\n--B--",
        "--Bx\r\n\r\nx\r\n--B--",
        "--B\r\n\r\n--B--",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct multipart_part part;
        struct why why = {""};
        if (multipart_file(bytes_str(bodies[i]), BYTES("B"), &part, &why) != ERR_INVALID)
            fail_msg("%s", bodies[i]);
        assert_true(why.text[0]);
    }
}

static void a_hundred_parts_without_a_file_are_refused(void **state)
{
    (void)state;
    char *body = mem_alloc(200 * sizeof FIELD);
    for (int parts = 99; parts <= 100; parts++) {
        size_t n = 0;
        for (int i = 0; i < parts; i++, n += sizeof FIELD - 1)
            memcpy(body + n, FIELD, sizeof FIELD);
        memcpy(body + n, LAST, sizeof LAST);
        struct multipart_part part;
        enum err e = multipart_file(bytes_str(body), BYTES("B"), &part, NULL);
        assert_int_equal(e, parts < 100 ? ERR_OK : ERR_INVALID);
    }
    mem_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_boundary_is_found),
        cmocka_unit_test(the_first_file_is_taken),
        cmocka_unit_test(all_parts_come_in_order),
        cmocka_unit_test(a_cut_body_is_refused_at_every_byte),
        cmocka_unit_test(bodies_of_another_shape_are_refused),
        cmocka_unit_test(a_hundred_parts_without_a_file_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
