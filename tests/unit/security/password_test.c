/* Argon2id behind its gate. Only one test pays the true price; the others use the library's least.
 * */
#include "security/password.h"

#include "base/clock.h"
#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct password_opts cheap = {.memory_bytes = 8192, .passes = 1};

static struct password_gate *make(struct password_opts opts)
{
    struct password_gate *g = NULL;
    assert_int_equal(password_new(&g, &opts), ERR_OK);
    return g;
}

static void a_password_opens_its_own_hash_and_no_other(void **state)
{
    (void)state;
    struct password_gate *g = make(cheap);
    char a[PASSWORD_TEXT_MAX], b[PASSWORD_TEXT_MAX];
    assert_int_equal(password_hash(g, BYTES("correct horse"), a), ERR_OK);
    assert_int_equal(password_hash(g, BYTES("correct horse"), b), ERR_OK);
    assert_string_not_equal(a, b); /* salted */
    assert_int_equal(password_verify(g, BYTES("correct horse"), bytes_str(a)), ERR_OK);
    static const char *const wrong[] = {"", "correct horsf", "correct horse ", "Correct horse"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        enum err e = password_verify(g, bytes_str(wrong[i]), bytes_str(a));
        assert_int_equal(e, ERR_UNAUTHENTICATED);
    }
    struct bytes nul = BYTES("correct horse\0x");
    assert_int_equal(password_verify(g, nul, bytes_str(a)), ERR_UNAUTHENTICATED);
    password_free(g);
}

static void nobody_and_no_password_refuse_everything_after_the_same_work(void **state)
{
    (void)state;
    struct password_gate *g = make(cheap);
    const enum err no = ERR_UNAUTHENTICATED;
    char longest[PASSWORD_MAX_BYTES + 1] = {0};
    assert_int_equal(password_verify(g, BYTES("anything"), bytes_of(NULL, 0)), no);
    assert_int_equal(password_verify(g, BYTES(""), BYTES("")), no);
    assert_int_equal(password_verify(g, BYTES("x"), BYTES("not a hash")), no);
    assert_int_equal(password_verify(g, bytes_of(longest, sizeof longest), BYTES("")), no);
    assert_int_equal(password_read_stats(g).done, 4); /* each went through Argon2 */
    assert_int_equal(password_hash(g, bytes_of(longest, sizeof longest), longest), ERR_TOOLARGE);
    password_free(g);
}

static void the_real_parameters_are_19_mib_and_two_passes(void **state)
{
    (void)state;
    struct password_gate *g = make((struct password_opts){0});
    struct password_gate *other = make(cheap);
    char text[PASSWORD_TEXT_MAX], weak[PASSWORD_TEXT_MAX];
    assert_int_equal(password_hash(g, BYTES("p"), text), ERR_OK);
    assert_non_null(strstr(text, "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_int_equal(password_hash(other, BYTES("p"), weak), ERR_OK);
    assert_false(password_is_outdated(g, bytes_str(text)));
    assert_true(password_is_outdated(g, bytes_str(weak)));
    assert_true(password_is_outdated(g, BYTES("")));
    assert_true(password_is_outdated(g, BYTES("$2a$10$abcdefghijklmnopqrstuv")));
    password_free(g);
    password_free(other);
}

static int64_t cost_of(struct password_gate *g, struct bytes stored)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        int64_t from = clock_mono_ns(clock_real());
        assert_int_equal(password_verify(g, BYTES("guess"), stored), ERR_UNAUTHENTICATED);
        int64_t took = clock_mono_ns(clock_real()) - from;
        if (took < best) best = took;
    }
    return best;
}

/* A missing Argon2 run takes microseconds, one of 19 MiB never less than a millisecond: the bound
 * tells them apart on any machine. How close the two are is the long timing test's business. */
static void an_unknown_account_costs_what_a_wrong_password_costs(void **state)
{
    (void)state;
    struct password_gate *g = make((struct password_opts){0});
    char text[PASSWORD_TEXT_MAX];
    assert_int_equal(password_hash(g, BYTES("right"), text), ERR_OK);
    int64_t known = cost_of(g, bytes_str(text)), unknown = cost_of(g, bytes_of(NULL, 0));
    print_message("known %.1f ms, unknown %.1f ms\n", (double)known / 1e6, (double)unknown / 1e6);
    assert_true(known > NS_PER_MS && unknown > NS_PER_MS);
    password_free(g);
}

static void *hash_some(void *arg)
{
    char text[PASSWORD_TEXT_MAX];
    for (int i = 0; i < 20; i++) {
        if (password_hash(arg, BYTES("x"), text)) return arg;
    }
    return NULL;
}

static void at_most_two_run_at_once_and_all_are_served(void **state)
{
    (void)state;
    struct password_gate *g = make((struct password_opts){.memory_bytes = 1 << 20, .passes = 1});
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_some, g), 0);
    for (int i = 0; i < 8; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    struct password_stats s = password_read_stats(g);
    assert_int_equal(s.most_running, 2);
    assert_int_equal(s.done, 160);
    assert_int_equal(s.running + s.waiting, 0);
    password_free(g);
}

struct crowd {
    struct password_gate *gate;
    _Atomic unsigned served, refused;
};

static void *hash_once(void *arg)
{
    struct crowd *c = arg;
    char text[PASSWORD_TEXT_MAX];
    enum err e = password_hash(c->gate, BYTES("x"), text);
    if (e == ERR_OK) c->served++;
    if (e == ERR_FULL) c->refused++;
    return NULL;
}

static void a_full_line_is_told_so(void **state)
{
    (void)state;
    const struct password_opts opts = {
        .memory_bytes = 32 << 20, .passes = 4, .max_running = 1, .max_waiting = 1};
    struct crowd c = {.gate = make(opts)};
    pthread_t threads[32];
    for (int i = 0; i < 32; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_once, &c), 0);
    for (int i = 0; i < 32; i++) pthread_join(threads[i], NULL);
    assert_int_equal(c.served + c.refused, 32);
    assert_true(c.served >= 2);
    assert_true(c.refused > 0); /* a run takes a thousand times what starting a thread takes */
    assert_int_equal(password_read_stats(c.gate).refused, c.refused);
    assert_int_equal(password_read_stats(c.gate).most_running, 1);
    password_free(c.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_opens_its_own_hash_and_no_other),
        cmocka_unit_test(nobody_and_no_password_refuse_everything_after_the_same_work),
        cmocka_unit_test(the_real_parameters_are_19_mib_and_two_passes),
        cmocka_unit_test(an_unknown_account_costs_what_a_wrong_password_costs),
        cmocka_unit_test(at_most_two_run_at_once_and_all_are_served),
        cmocka_unit_test(a_full_line_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
