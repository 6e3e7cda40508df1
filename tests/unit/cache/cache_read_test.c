/* Reading through a cache in one call, clearing it, and what is told of it (cache/cache_read.h). */
#include "cache/cache_read.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LIFE_S = 80 };

struct source {
    struct clock_fake clock;
    struct cache *cache;
    _Atomic int reads;
    enum err fails;
    struct lock lock; /* held: whoever makes it waits */
    const char *text;
};

static enum err make(void *ctx, struct buf *out)
{
    struct source *s = ctx;
    s->reads++;
    lock_take(&s->lock);
    buf_add_str(out, s->text);
    lock_release(&s->lock);
    return s->fails;
}

static int set_up(void **state)
{
    static struct source s;
    struct cache_opts opts = {.max_bytes = 1 << 20, .clock = &s.clock.clock};
    for (int i = 0; i < CACHE_IDS; i++) opts.life_ns[i] = LIFE_S * NS_PER_S;
    clock_fake_init(&s.clock, NS_PER_DAY);
    s.reads = 0;
    s.fails = ERR_OK;
    s.text = "one";
    lock_init(&s.lock, LOCK_RANK_EXECUTOR);
    assert_int_equal(cache_new(&s.cache, &opts), ERR_OK);
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    struct source *s = *state;
    cache_free(s->cache);
    lock_done(&s->lock);
    return 0;
}

/* Behind "<", as an answer that has begun. */
static enum err read_as(struct source *s, int64_t org, const char *expected)
{
    const struct cache_question q = {CACHE_USERS, org, BYTES("k"), 3};
    struct buf out;
    buf_init(&out, 1024);
    buf_add_char(&out, '<');
    enum err e = cache_read(s->cache, &q, make, s, &out);
    if (expected) assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
    return e;
}

static void source_is_read_once_for_each_organisation_and_change(void **state)
{
    struct source *s = *state;
    for (int i = 0; i < 5; i++) assert_int_equal(read_as(s, 1, "<one"), ERR_OK);
    assert_int_equal(s->reads, 1);
    s->text = "two";
    assert_int_equal(read_as(s, 2, "<two"), ERR_OK);
    assert_int_equal(read_as(s, 1, "<one"), ERR_OK);
    cache_changed(s->cache, CACHE_USERS, 3);
    assert_int_equal(read_as(s, 1, "<two"), ERR_OK);
    cache_heard(s->cache, CACHE_USERS, 3);
    assert_int_equal(read_as(s, 1, "<two"), ERR_OK);
    assert_int_equal(s->reads, 4);
}

static void failure_is_told_and_kept_by_nobody(void **state)
{
    struct source *s = *state;
    s->fails = ERR_IO;
    assert_int_equal(read_as(s, 1, NULL), ERR_IO);
    s->fails = ERR_OK;
    assert_int_equal(read_as(s, 1, "<one"), ERR_OK);
    assert_int_equal(s->reads, 2);
}

static void hot_entry_is_read_anew_ahead_of_its_end(void **state)
{
    struct source *s = *state;
    for (int i = 0; i < 9; i++) assert_int_equal(read_as(s, 1, "<one"), ERR_OK);
    s->text = "two";
    clock_fake_advance(&s->clock, (LIFE_S - 5) * NS_PER_S);
    assert_int_equal(read_as(s, 1, "<two"), ERR_OK); /* by who comes in the last eighth */
    clock_fake_advance(&s->clock, 6 * NS_PER_S);
    assert_int_equal(read_as(s, 1, "<two"), ERR_OK);
    assert_int_equal(s->reads, 2);
}

static bool is_here(struct source *s, const char *expected)
{
    const struct cache_question q = {CACHE_USERS, 1, BYTES("k"), 3};
    struct buf out;
    buf_init(&out, 1024);
    bool here = cache_read_here(s->cache, &q, &out);
    if (here) assert_string_equal(buf_cstr(&out), expected);
    buf_done(&out);
    return here;
}

static void who_must_not_block_is_given_what_is_here_and_begins_nothing(void **state)
{
    struct source *s = *state;
    struct cache_figures f;
    assert_false(is_here(s, NULL));
    assert_int_equal(s->reads, 0);
    assert_int_equal(read_as(s, 1, "<one"), ERR_OK); /* as the first: nobody is at it */
    assert_true(is_here(s, "one"));
    s->text = "two";
    clock_fake_advance(&s->clock, (LIFE_S - 5) * NS_PER_S);
    for (int i = 0; i < 9; i++) assert_true(is_here(s, "one")); /* also where others renew it */
    assert_int_equal(read_as(s, 1, "<two"), ERR_OK);
    cache_changed(s->cache, CACHE_USERS, 3);
    assert_false(is_here(s, NULL));
    cache_read_figures(s->cache, CACHE_USERS, &f);
    assert_int_equal(f.hits, 11); /* a look that finds nothing is followed by one that counts */
    assert_int_equal(f.misses, 1);
}

static enum err read_ahead(struct source *s)
{
    const struct cache_question q = {CACHE_USERS, 1, BYTES("k"), 3};
    return cache_read_ahead(s->cache, &q, make, s);
}

static void only_what_is_asked_for_and_near_its_end_is_read_ahead(void **state)
{
    struct source *s = *state;
    assert_int_equal(read_ahead(s), ERR_OK);
    assert_int_equal(s->reads, 0); /* nobody asked */
    assert_int_equal(read_as(s, 1, "<one"), ERR_OK);
    clock_fake_advance(&s->clock, (LIFE_S - 5) * NS_PER_S);
    assert_int_equal(read_ahead(s), ERR_OK);
    assert_int_equal(s->reads, 1); /* once is not often */
    for (int i = 0; i < 3; i++) assert_true(is_here(s, "one"));
    s->fails = ERR_IO;
    assert_int_equal(read_ahead(s), ERR_IO);
    assert_true(is_here(s, "one")); /* until its end */
    s->fails = ERR_OK;
    s->text = "two";
    assert_int_equal(read_ahead(s), ERR_OK);
    assert_int_equal(s->reads, 3);
    clock_fake_advance(&s->clock, 6 * NS_PER_S);
    assert_true(is_here(s, "two"));
    assert_int_equal(read_ahead(s), ERR_OK);
    assert_int_equal(s->reads, 3); /* it is not near its end */
}

static void *reader(void *arg)
{
    struct source *s = arg;
    assert_int_equal(read_as(s, 1, "<one"), ERR_OK);
    return NULL;
}

static void many_that_ask_together_read_the_source_once(void **state)
{
    struct source *s = *state;
    pthread_t threads[8];
    lock_take(&s->lock);
    for (int i = 0; i < 8; i++)
        assert_int_equal(thread_start(&threads[i], reader, s, "reader", 0), ERR_OK);
    while (!s->reads) sched_yield();
    lock_release(&s->lock);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    assert_int_equal(s->reads, 1);
}

static void clearing_says_what_there_was_and_that_it_is_to_be_warmed(void **state)
{
    struct source *s = *state;
    uint64_t sizes[CACHE_IDS];
    assert_int_equal(cache_take_cleared(s->cache), (1 << CACHE_IDS) - 1); /* a start is one too */
    assert_int_equal(cache_take_cleared(s->cache), 0);
    for (int org = 1; org <= 3; org++) assert_int_equal(read_as(s, org, "<one"), ERR_OK);
    assert_int_equal(cache_clear(s->cache, CACHE_DEVICES), 0);
    assert_int_equal(cache_clear(s->cache, CACHE_USERS), 3);
    assert_int_equal(cache_take_cleared(s->cache), 1 << CACHE_USERS | 1 << CACHE_DEVICES);
    assert_int_equal(read_as(s, 1, "<one"), ERR_OK);
    assert_int_equal(s->reads, 4);
    cache_clear_all(s->cache, sizes);
    assert_int_equal(sizes[CACHE_USERS], 1);
    assert_int_equal(sizes[CACHE_QUERIES], 0);
    assert_int_equal(cache_take_cleared(s->cache), (1 << CACHE_IDS) - 1);
}

static void figures_say_hits_misses_size_and_tier(void **state)
{
    struct source *s = *state;
    struct cache_figures f;
    for (int i = 0; i < 4; i++) assert_int_equal(read_as(s, 1, "<one"), ERR_OK);
    cache_read_figures(s->cache, CACHE_USERS, &f);
    assert_int_equal(f.hits, 3);
    assert_int_equal(f.misses, 1);
    assert_true(cache_hit_ratio(&f) == 0.75);
    assert_int_equal(f.tiers[CACHE_TIER_MEMORY].entries, 1);
    assert_true(f.tiers[CACHE_TIER_MEMORY].bytes > 3);
    assert_int_equal(f.life_ns, LIFE_S * NS_PER_S);
    assert_string_equal(cache_tier_name(&f), "memory");
    assert_false(cache_is_half_full(s->cache));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(source_is_read_once_for_each_organisation_and_change),
        TEST(failure_is_told_and_kept_by_nobody),
        TEST(hot_entry_is_read_anew_ahead_of_its_end),
        TEST(who_must_not_block_is_given_what_is_here_and_begins_nothing),
        TEST(only_what_is_asked_for_and_near_its_end_is_read_ahead),
        TEST(many_that_ask_together_read_the_source_once),
        TEST(clearing_says_what_there_was_and_that_it_is_to_be_warmed),
        TEST(figures_say_hits_misses_size_and_tier),
    };
    return cmocka_run_group_tests_name("cache_read", tests, NULL, NULL);
}
