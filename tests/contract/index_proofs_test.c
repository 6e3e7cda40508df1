/* Every index of the schema serves a statement of this program: the program runs it on a PostgreSQL
 * with a pilot's year in small, and the plan that PostgreSQL wrote down names the index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "index_world.h"
#include "store/migrations.h"

#include <stdio.h>
#include <string.h>

enum { PILOT_INDEXES = 20, EARLIER = 16 };
static const struct index_size small = {
    .rows = 60000, .hour_devices = 20, .fleet = 8000, .unit = 10000};
static struct index_world world;

static const struct migration *pilot(void)
{
    const struct migration *m = NULL;
    for (size_t i = 0; i < migrations_catalog_count; i++)
        if (strcmp(migrations_catalog[i].name, "V57__Pilot_performance_indexes") == 0)
            m = &migrations_catalog[i];
    assert_non_null(m);
    return m;
}

static bool has_case(const char *name, size_t n)
{
    for (size_t i = 0; i < index_case_count; i++)
        if (strlen(index_cases[i].index) == n && memcmp(index_cases[i].index, name, n) == 0)
            return true;
    print_error("%.*s has no line in index_cases.c\n", (int)n, name);
    return false;
}

static void each_index_is_in_the_plan_of_its_statement(void **state)
{
    (void)state;
    static struct index_run run;
    size_t failed = 0;
    for (size_t i = 0; i < index_case_count; i++) {
        index_world_run(&world, &index_cases[i], NULL, &run);
        if (run.used) continue;
        failed++;
        print_error("%s is not used by %s: %s\n", index_cases[i].index, index_cases[i].query,
                    run.text);
    }
    assert_int_equal(failed, 0);
}

/* Without the index no plan can name it: what the test above looks at is what PostgreSQL did. */
static void an_index_that_is_not_seen_is_in_no_plan(void **state)
{
    (void)state;
    static struct index_run run;
    index_world_show(&world, index_cases[0].index, false);
    index_world_run(&world, &index_cases[0], NULL, &run);
    index_world_show(&world, index_cases[0].index, true);
    assert_false(run.used);
    assert_true(run.text[0] != 0);
}

static void v57_makes_at_least_twenty_and_each_has_a_proof(void **state)
{
    (void)state;
    static const char words[] = "IF NOT EXISTS ";
    size_t n = 0;
    for (const char *at = pilot()->postgres; (at = strstr(at, words)); n++) {
        at += sizeof words - 1;
        assert_true(has_case(at, strcspn(at, " ")));
    }
    assert_true(n >= PILOT_INDEXES);
}

static bool is_dropped(const char *name, size_t n)
{
    char words[128];
    snprintf(words, sizeof words, "DROP INDEX CONCURRENTLY IF EXISTS %.*s;", (int)n, name);
    return strstr(pilot()->postgres, words) != NULL;
}

/* What keeps a rule (unique) needs no query; the others are read from the scripts. */
static void the_indexes_before_it_have_one_too(void **state)
{
    (void)state;
    static const char words[] = "CREATE INDEX ";
    for (size_t i = 0; i < EARLIER; i++) {
        const struct migration *m = &migrations_catalog[i];
        for (const char *at = m->postgres ? m->postgres : m->script; (at = strstr(at, words));) {
            at += sizeof words - 1;
            size_t length = strcspn(at, " ");
            assert_true(is_dropped(at, length) || has_case(at, length));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_index_is_in_the_plan_of_its_statement),
        cmocka_unit_test(an_index_that_is_not_seen_is_in_no_plan),
        cmocka_unit_test(v57_makes_at_least_twenty_and_each_has_a_proof),
        cmocka_unit_test(the_indexes_before_it_have_one_too),
    };
    if (!index_world_open(&world, &small)) return postgres_server_skip("index proofs");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    index_world_close(&world);
    return failed;
}
