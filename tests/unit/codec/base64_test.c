/* base64: the vectors of RFC 4648, one text for one value, nothing beyond the room given. */
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/base64.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED UINT64_C(4648)

static void the_vectors_of_the_rfc_hold(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *padded, *url;
    } rows[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+", "-__-"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[32], plain[32];
        size_t n = base64_encode(bytes_str(rows[i].plain), text);
        assert_true(bytes_is(bytes_of(text, n), rows[i].padded));
        n = base64_url_encode(bytes_str(rows[i].plain), text);
        assert_true(bytes_is(bytes_of(text, n), rows[i].url));
        assert_int_equal(base64_decode(bytes_str(rows[i].padded), plain, sizeof plain, &n), ERR_OK);
        assert_true(bytes_is(bytes_of(plain, n), rows[i].plain));
        assert_int_equal(base64_url_decode(bytes_str(rows[i].url), plain, sizeof plain, &n),
                         ERR_OK);
        assert_true(bytes_is(bytes_of(plain, n), rows[i].plain));
    }
}

static void anything_round_trips_in_exactly_its_room(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    for (size_t n = 0; n < 300; n++) {
        char *in = mem_alloc(n + 1), *text = mem_alloc(base64_encoded_max(n) + 1),
             *back = mem_alloc(n + 1);
        rnd_fill(&r, in, n);
        size_t length = base64_url_encode(bytes_of(in, n), text), got = 0;
        assert_true(length <= base64_encoded_max(n));
        assert_int_equal(base64_url_decode(bytes_of(text, length), back, n, &got), ERR_OK);
        assert_int_equal(got, n);
        assert_memory_equal(in, back, n);
        if (n)
            assert_int_equal(base64_url_decode(bytes_of(text, length), back, n - 1, &got),
                             ERR_TOOLARGE);
        length = base64_encode(bytes_of(in, n), text);
        assert_int_equal(length, base64_encoded_max(n));
        assert_int_equal(base64_decode(bytes_of(text, length), back, n, &got), ERR_OK);
        assert_memory_equal(in, back, n);
        mem_free(in);
        mem_free(text);
        mem_free(back);
    }
}

static void only_the_one_text_of_a_value_is_taken(void **state)
{
    (void)state;
    static const char *const padded[] = {"Zg",   "Zg=",   "Zg===",    "Zh==",   "Zm9=", "=",
                                         "====", "Z===",  "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm9v====",
                                         "-__-", "Zm9v=", "Zm\xffv",  "Z=g="};
    static const char *const url[] = {"Z",          "Zg==",  "Zm8=",   "Zh",  "Zm9",
                                      "+//+",       "Zm9vY", "Zm9v\n", " Zg", "Zg.",
                                      "\xc3\xa9zz", "A",     "AB"};
    char out[64];
    size_t n;
    for (size_t i = 0; i < sizeof padded / sizeof *padded; i++)
        if (base64_decode(bytes_str(padded[i]), out, sizeof out, &n) != ERR_INVALID)
            fail_msg("%s", padded[i]);
    for (size_t i = 0; i < sizeof url / sizeof *url; i++)
        if (base64_url_decode(bytes_str(url[i]), out, sizeof out, &n) != ERR_INVALID)
            fail_msg("%s", url[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc_hold),
        cmocka_unit_test(anything_round_trips_in_exactly_its_room),
        cmocka_unit_test(only_the_one_text_of_a_value_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
