/* The tier in this process keeps M1 to M4 of cache/memory_cache.h. */
#include "cache/memory_cache.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sys/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { LIFE_S = 80 };

static struct memory_cache *open_cache(size_t max_bytes)
{
    struct memory_cache_opts o = {.max_bytes = max_bytes, .seed = 7};
    for (int i = 0; i < CACHE_IDS; i++) o.life_ns[i] = LIFE_S * NS_PER_S;
    struct memory_cache *m = NULL;
    assert_int_equal(memory_cache_new(&m, &o), ERR_OK);
    return m;
}

static struct cache_key key_of(int64_t org, const char *name)
{
    return (struct cache_key){CACHE_ANALYTICS, org, bytes_str(name), 0};
}

/* What the look says; the value, if any, must be `expected`. */
static enum cache_found look(struct memory_cache *m, const struct cache_key *k, int64_t now_ns,
                             const char *expected)
{
    struct cache_value *v = NULL;
    enum cache_found found = memory_cache_look(m, k, now_ns, &v);
    if (v) assert_true(expected && bytes_is(cache_value_bytes(v), expected));
    if (!v) assert_null(expected);
    cache_value_unref(v);
    return found;
}

static void fill(struct memory_cache *m, const struct cache_key *k, int64_t now_ns,
                 struct bytes content)
{
    struct cache_value *v = cache_value_new(content);
    assert_non_null(v);
    memory_cache_fill(m, k, now_ns, v);
    cache_value_unref(v);
}

static void value_is_found_until_its_end_and_not_after(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    struct cache_key k = key_of(1, "a");
    assert_int_equal(look(m, &k, 0, NULL), CACHE_LEAD);
    fill(m, &k, 0, BYTES("one"));
    assert_int_equal(look(m, &k, LIFE_S * NS_PER_S - 1, "one"), CACHE_HIT);
    assert_int_equal(look(m, &k, LIFE_S * NS_PER_S, NULL), CACHE_LEAD);
    struct cache_stats s = memory_cache_read_stats(m, CACHE_ANALYTICS);
    assert_int_equal(s.hits, 1);
    assert_int_equal(s.misses, 2);
    memory_cache_free(m);
}

static void organisations_and_caches_never_share_an_entry(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    struct cache_key mine = key_of(1, "a"), theirs = key_of(2, "a"), other = key_of(1, "a");
    other.cache = CACHE_DEVICES;
    fill(m, &mine, 0, BYTES("mine"));
    assert_int_equal(look(m, &theirs, 0, NULL), CACHE_LEAD);
    assert_int_equal(look(m, &other, 0, NULL), CACHE_LEAD);
    fill(m, &theirs, 0, BYTES("theirs"));
    assert_int_equal(look(m, &mine, 0, "mine"), CACHE_HIT);
    memory_cache_free(m);
}

static void older_generation_is_never_read_and_never_replaces_a_newer_one(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    struct cache_key old = key_of(1, "a"), new = old;
    new.generation = 1;
    assert_int_equal(look(m, &old, 0, NULL), CACHE_LEAD);
    assert_int_equal(look(m, &new, 0, NULL), CACHE_LEAD); /* the old flight does not serve it */
    fill(m, &old, 0, BYTES("before"));
    assert_int_equal(look(m, &new, 0, NULL), CACHE_FLYING);
    fill(m, &new, 0, BYTES("after"));
    fill(m, &old, 0, BYTES("before"));
    assert_int_equal(look(m, &new, 0, "after"), CACHE_HIT);
    memory_cache_free(m);
}

static void one_caller_makes_a_missing_value_and_a_failure_lets_the_next_try(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    struct cache_key k = key_of(1, "a");
    assert_int_equal(look(m, &k, 0, NULL), CACHE_LEAD);
    assert_int_equal(look(m, &k, 0, NULL), CACHE_FLYING);
    assert_int_equal(look(m, &k, 0, NULL), CACHE_FLYING);
    memory_cache_give_up(m, &k);
    assert_int_equal(look(m, &k, 0, NULL), CACHE_LEAD);
    fill(m, &k, 0, BYTES("one"));
    assert_int_equal(look(m, &k, 0, "one"), CACHE_HIT);
    memory_cache_free(m);
}

static void hot_entry_is_renewed_by_one_while_others_read_it(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    struct cache_key hot = key_of(1, "hot"), cold = key_of(1, "cold");
    int64_t late = (LIFE_S - 5) * NS_PER_S;
    fill(m, &hot, 0, BYTES("one"));
    fill(m, &cold, 0, BYTES("one"));
    for (int i = 0; i < MEMORY_CACHE_RENEW_HITS; i++)
        assert_int_equal(look(m, &hot, NS_PER_S, "one"), CACHE_HIT);
    assert_int_equal(look(m, &hot, late, "one"), CACHE_RENEW);
    assert_int_equal(look(m, &hot, late, "one"), CACHE_HIT);
    assert_int_equal(look(m, &cold, late, "one"), CACHE_HIT);
    fill(m, &hot, late, BYTES("two"));
    assert_int_equal(look(m, &hot, LIFE_S * NS_PER_S + 1, "two"), CACHE_HIT);
    memory_cache_free(m);
}

static void fill_many(struct memory_cache *m, int64_t org, int n, size_t size)
{
    char name[24], content[4096] = {0};
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%d", i);
        struct cache_key k = key_of(org, name);
        fill(m, &k, 0, bytes_of(content, size));
        assert_true(memory_cache_bytes(m) <= 1 << 20); /* M1 */
    }
}

static int count_found(struct memory_cache *m, int64_t org, int n)
{
    int found = 0;
    for (int i = 0; i < n; i++) {
        char name[24];
        struct cache_value *v = NULL;
        snprintf(name, sizeof name, "%d", i);
        struct cache_key k = key_of(org, name);
        (void)memory_cache_look(m, &k, 0, &v);
        found += v != NULL;
        cache_value_unref(v);
    }
    return found;
}

/* Whichever of eight it is: the others stand before and behind it in the map. */
static void flood_of_one_organisation_evicts_only_its_own(void **state)
{
    (void)state;
    for (int64_t flood = 1; flood <= 8; flood++) {
        struct memory_cache *m = open_cache(1 << 20);
        for (int64_t org = 1; org <= 8; org++)
            if (org != flood) fill_many(m, org, 50, 1000); /* a twentieth of the memory each */
        fill_many(m, flood, 2000, 1000);
        for (int64_t org = 1; org <= 8; org++)
            if (org != flood) assert_int_equal(count_found(m, org, 50), 50);
        struct cache_stats s = memory_cache_read_stats(m, CACHE_ANALYTICS);
        assert_true(s.evictions > 1000);
        assert_int_equal(s.bytes, memory_cache_bytes(m));
        memory_cache_free(m);
    }
}

static void least_recently_used_go_first(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    fill_many(m, 1, 400, 1000);
    assert_int_equal(count_found(m, 1, 10), 10); /* used again: the first ten are the newest */
    char name[24], content[1000] = {0};
    for (int i = 1000; i < 1700; i++) {
        snprintf(name, sizeof name, "%d", i);
        struct cache_key k = key_of(1, name);
        fill(m, &k, 0, bytes_of(content, sizeof content));
    }
    assert_int_equal(count_found(m, 1, 10), 10);
    assert_true(count_found(m, 1, 400) < 390);
    memory_cache_free(m);
}

static void value_past_an_eighth_is_not_kept_and_its_flight_ends(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(8000);
    static char content[1001];
    struct cache_key at = key_of(1, "at"), past = key_of(1, "past");
    fill(m, &at, 0, bytes_of(content, 1000));
    assert_int_equal(look(m, &past, 0, NULL), CACHE_LEAD);
    fill(m, &past, 0, bytes_of(content, 1001));
    assert_int_equal(look(m, &past, 0, NULL), CACHE_LEAD);
    assert_int_equal(memory_cache_read_stats(m, CACHE_ANALYTICS).entries, 1);
    memory_cache_free(m);
}

static void clearing_one_cache_leaves_the_others(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    struct cache_key device = key_of(3, "d");
    device.cache = CACHE_DEVICES;
    fill_many(m, 3, 50, 100);
    fill(m, &device, 0, BYTES("pump"));
    assert_int_equal(memory_cache_clear(m, CACHE_ANALYTICS), 50);
    assert_int_equal(count_found(m, 3, 50), 0);
    assert_int_equal(look(m, &device, 0, "pump"), CACHE_HIT);
    memory_cache_free(m);
}

static void lost_allocation_costs_an_entry_and_nothing_else(void **state)
{
    (void)state;
    for (int n = 1; n < 12; n++) {
        struct memory_cache *m = open_cache(1 << 20);
        struct cache_key k = key_of(1, "a");
        struct cache_value *v = cache_value_new(BYTES("one")), *seen = NULL;
        int64_t before = mem_blocks();
        mem_fail_at(n);
        assert_int_equal(memory_cache_look(m, &k, 0, &seen), CACHE_LEAD);
        memory_cache_fill(m, &k, 0, v);
        (void)memory_cache_look(m, &k, 0, &seen);
        mem_fail_at(0);
        cache_value_unref(seen);
        (void)memory_cache_clear(m, CACHE_ANALYTICS);
        assert_true(mem_blocks() <= before + 2); /* the tables, which stay */
        cache_value_unref(v);
        memory_cache_free(m);
    }
}

struct flight {
    struct memory_cache *m;
    struct cache_key key;
    _Atomic int leads, waiting, right;
};

static void *fly(void *arg)
{
    struct flight *f = arg;
    struct cache_value *v = NULL;
    enum cache_found found = memory_cache_look(f->m, &f->key, 0, &v);
    if (found == CACHE_LEAD) {
        atomic_fetch_add(&f->leads, 1);
        while (atomic_load(&f->waiting) < 3) continue;
        fill(f->m, &f->key, 0, BYTES("made once"));
        return NULL;
    }
    atomic_fetch_add(&f->waiting, 1);
    if (!v) memory_cache_wait(f->m, &f->key, 20 * NS_PER_S);
    if (!v) (void)memory_cache_look(f->m, &f->key, 0, &v);
    if (v && bytes_is(cache_value_bytes(v), "made once")) atomic_fetch_add(&f->right, 1);
    cache_value_unref(v);
    return NULL;
}

static void threads_that_miss_together_share_one_flight(void **state)
{
    (void)state;
    struct flight f = {.m = open_cache(1 << 20), .key = key_of(1, "a")};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(thread_start(&threads[i], fly, &f, "flight", 0), ERR_OK);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_int_equal(f.leads, 1);
    assert_int_equal(f.right, 3);
    memory_cache_free(f.m);
}

static void who_waited_counts_once(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    struct cache_key k = key_of(1, "a");
    assert_int_equal(look(m, &k, 0, NULL), CACHE_LEAD);
    assert_int_equal(look(m, &k, 0, NULL), CACHE_FLYING);
    assert_int_equal(look(m, &k, 0, NULL), CACHE_FLYING);
    assert_null(memory_cache_peek(m, &k, 0)); /* who waited in vain */
    fill(m, &k, 0, BYTES("one"));
    cache_value_unref(memory_cache_peek(m, &k, 0));
    struct cache_stats s = memory_cache_read_stats(m, CACHE_ANALYTICS);
    assert_int_equal(s.misses, 2);
    assert_int_equal(s.hits, 1);
    memory_cache_free(m);
}

static void lifetime_and_size_change_for_what_is_there(void **state)
{
    (void)state;
    struct memory_cache *m = open_cache(1 << 20);
    struct memory_cache_opts o = {.max_bytes = 1 << 20};
    struct cache_key k = key_of(1, "a");
    fill(m, &k, 0, BYTES("one"));
    for (int i = 0; i < CACHE_IDS; i++) o.life_ns[i] = 2 * LIFE_S * NS_PER_S;
    memory_cache_configure(m, &o);
    assert_int_equal(look(m, &k, LIFE_S * NS_PER_S, "one"), CACHE_HIT);
    for (int i = 0; i < CACHE_IDS; i++) o.life_ns[i] = NS_PER_S;
    memory_cache_configure(m, &o);
    assert_int_equal(look(m, &k, NS_PER_S, NULL), CACHE_LEAD);
    fill(m, &k, 0, BYTES("one"));
    o.max_bytes = 0;
    memory_cache_configure(m, &o);
    assert_int_equal(memory_cache_bytes(m), 0);
    fill(m, &k, 0, BYTES("one"));
    assert_int_equal(memory_cache_bytes(m), 0);
    memory_cache_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_found_until_its_end_and_not_after),
        cmocka_unit_test(organisations_and_caches_never_share_an_entry),
        cmocka_unit_test(older_generation_is_never_read_and_never_replaces_a_newer_one),
        cmocka_unit_test(one_caller_makes_a_missing_value_and_a_failure_lets_the_next_try),
        cmocka_unit_test(hot_entry_is_renewed_by_one_while_others_read_it),
        cmocka_unit_test(flood_of_one_organisation_evicts_only_its_own),
        cmocka_unit_test(least_recently_used_go_first),
        cmocka_unit_test(value_past_an_eighth_is_not_kept_and_its_flight_ends),
        cmocka_unit_test(clearing_one_cache_leaves_the_others),
        cmocka_unit_test(lost_allocation_costs_an_entry_and_nothing_else),
        cmocka_unit_test(who_waited_counts_once),
        cmocka_unit_test(lifetime_and_size_change_for_what_is_there),
        cmocka_unit_test(threads_that_miss_together_share_one_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
