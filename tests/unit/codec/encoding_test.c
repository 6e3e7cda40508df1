/* gzip and zstd: round trips, damage, bombs. */
#include "codec/encoding.h"

#include "base/mem.h"
#include "base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const enum encoding both[] = {ENCODING_GZIP, ENCODING_ZSTD};

/* n bytes that compress about as text does. */
static void fill(struct buf *b, size_t n, uint64_t seed)
{
    struct rnd r;
    rnd_seed(&r, seed);
    while (b->n < n)
        buf_printf(b, "{\"t\":%u,\"v\":%u},", (unsigned)b->n, (unsigned)rnd_below(&r, 1000));
    b->n = n;
}

static void every_size_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1023, 32768, 32769, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < 2; k++) {
            struct buf plain, packed, back;
            buf_init(&plain, 1 << 21);
            buf_init(&packed, 1 << 21);
            buf_init(&back, 1 << 21);
            fill(&plain, sizes[i], 7);
            assert_int_equal(encoding_deflate(both[k], buf_bytes(&plain), &packed), ERR_OK);
            assert_int_equal(encoding_inflate(both[k], buf_bytes(&packed), &back), ERR_OK);
            assert_true(bytes_equal(buf_bytes(&plain), buf_bytes(&back)));
            buf_done(&plain);
            buf_done(&packed);
            buf_done(&back);
        }
}

static void a_cut_or_longer_stream_is_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct buf plain, packed, back;
        buf_init(&plain, 1 << 16);
        buf_init(&packed, 1 << 16);
        buf_init(&back, 1 << 16);
        fill(&plain, 300, 3);
        assert_int_equal(encoding_deflate(both[k], buf_bytes(&plain), &packed), ERR_OK);
        for (size_t n = 0; n < packed.n; n++) {
            buf_clear(&back);
            if (encoding_inflate(both[k], bytes_of(packed.p, n), &back) != ERR_INVALID)
                fail_msg("%s cut at %zu", encoding_name(both[k]), n);
        }
        buf_add_char(&packed, 'x');
        buf_clear(&back);
        assert_int_equal(encoding_inflate(both[k], buf_bytes(&packed), &back), ERR_INVALID);
        buf_done(&plain);
        buf_done(&packed);
        buf_done(&back);
    }
}

/* `n` zero bytes, packed. */
static void pack_zeros(enum encoding e, size_t n, struct buf *packed)
{
    char *zeros = mem_zalloc(n);
    assert_non_null(zeros);
    assert_int_equal(encoding_deflate(e, bytes_of(zeros, n), packed), ERR_OK);
    mem_free(zeros);
}

static void a_bomb_stops_at_its_ratio(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct buf packed, out;
        buf_init(&packed, 1 << 26);
        buf_init(&out, 1 << 27);
        pack_zeros(both[k], 32 << 20, &packed);
        assert_int_equal(encoding_inflate(both[k], buf_bytes(&packed), &out), ERR_TOOLARGE);
        size_t most = packed.n * ENCODING_RATIO_MAX;
        if (most < 65536) most = 65536;
        assert_true(out.n <= most + 1);
        buf_clear(&packed);
        buf_clear(&out);
        pack_zeros(both[k], 65536, &packed); /* high, but small: free */
        assert_int_equal(encoding_inflate(both[k], buf_bytes(&packed), &out), ERR_OK);
        assert_int_equal(out.n, 65536);
        buf_done(&packed);
        buf_done(&out);
    }
}

static void the_callers_ceiling_holds(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct buf plain, packed, out;
        buf_init(&plain, 1 << 20);
        buf_init(&packed, 1 << 20);
        fill(&plain, 5000, 1);
        assert_int_equal(encoding_deflate(both[k], buf_bytes(&plain), &packed), ERR_OK);
        buf_init(&out, 5001);
        assert_int_equal(encoding_inflate(both[k], buf_bytes(&packed), &out), ERR_OK);
        buf_done(&out);
        buf_init(&out, 4999);
        assert_int_equal(encoding_inflate(both[k], buf_bytes(&packed), &out), ERR_TOOLARGE);
        buf_done(&out);
        buf_done(&plain);
        buf_done(&packed);
    }
}

static void names_are_known_or_refused(void **state)
{
    (void)state;
    enum encoding e;
    assert_int_equal(encoding_parse(bytes_of(NULL, 0), &e), ERR_OK);
    assert_int_equal(e, ENCODING_IDENTITY);
    assert_int_equal(encoding_parse(BYTES(" GZip "), &e), ERR_OK);
    assert_int_equal(e, ENCODING_GZIP);
    assert_int_equal(encoding_parse(BYTES("zstd"), &e), ERR_OK);
    assert_int_equal(e, ENCODING_ZSTD);
    assert_int_equal(encoding_parse(BYTES("br"), &e), ERR_UNSUPPORTED);
    assert_int_equal(encoding_parse(BYTES("gzip, gzip"), &e), ERR_UNSUPPORTED);
}

static void the_client_chooses_and_may_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum encoding e;
    } rows[] = {
        {NULL, ENCODING_IDENTITY},
        {"", ENCODING_IDENTITY},
        {"gzip, deflate, br", ENCODING_GZIP},
        {"gzip, zstd", ENCODING_ZSTD},
        {"gzip;q=0", ENCODING_IDENTITY},
        {"zstd;q=0.000, gzip;q=0.5", ENCODING_GZIP},
        {"GZIP ; Q=0.1", ENCODING_GZIP},
        {"xgzip", ENCODING_IDENTITY},
        {"identity", ENCODING_IDENTITY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (encoding_choose(bytes_str(rows[i].accept)) != rows[i].e) fail_msg("%s", rows[i].accept);
}

static void a_failed_allocation_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    int64_t before = mem_blocks();
    for (int64_t nth = 1;; nth++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        mem_fail_at(nth);
        enum err e = encoding_deflate(ENCODING_GZIP, BYTES("hello"), &out);
        bool fired = mem_fail_fired();
        mem_fail_at(0);
        assert_int_equal(e, fired ? ERR_NOMEM : ERR_OK);
        buf_done(&out);
        assert_int_equal(mem_blocks(), before);
        if (!fired) break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(a_cut_or_longer_stream_is_refused),
        cmocka_unit_test(a_bomb_stops_at_its_ratio),
        cmocka_unit_test(the_callers_ceiling_holds),
        cmocka_unit_test(names_are_known_or_refused),
        cmocka_unit_test(the_client_chooses_and_may_refuse),
        cmocka_unit_test(a_failed_allocation_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
