/* The real tables: sound row by row, and the file of a Java pilot loads as it is. */
#include "app/conf_tables.h"

#include "base/arena.h"
#include "conf/conf_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_row_is_sound(void **state)
{
    (void)state;
    size_t n;
    const struct conf_entry *all = conf_tables_all(&n);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(all[i].key);
        struct conf_value v;
        if (conf_value_parse(&all[i], all[i].absent, &arena, &v))
            fail_msg("%s: its default %s is not accepted", all[i].key, all[i].absent);
        size_t length = strlen(all[i].doc);
        if (!length || all[i].doc[length - 1] != '.') {
            if (strcmp(all[i].key, "cache.url") != 0) fail_msg("%s: doc", all[i].key);
        }
        bool needs_more =
            all[i].unit == CONF_CHOICE || (all[i].flags & (CONF_ALIAS | CONF_FALLBACK));
        assert_true(!needs_more || all[i].more);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(all[i].key, all[j].key);
    }
    arena_done(&arena);
}

static struct conf *load(const char *file, struct settings *s)
{
    struct conf *c;
    struct why why = {""};
    if (conf_tables_load(&c, s, file, NULL, 0, &why)) fail_msg("%s", why.text);
    return c;
}

static void defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    struct settings s;
    struct conf *c = load(NULL, &s);
    assert_int_equal(s.server_port, 8080);
    assert_int_equal(s.server_max_connections, 8192);
    assert_int_equal(s.store_memory_bytes, 64 << 20);
    assert_int_equal(s.batch_records, 100);
    assert_int_equal(s.batch_timeout_ns, 5000000000);
    assert_int_equal(s.queue_records, 100000);
    assert_int_equal(s.ack, SETTINGS_ACK_DURABLE);
    assert_int_equal(s.retention_days, 90);
    assert_int_equal(s.access_token_ns, 28800000000000);
    assert_string_equal(s.cors_origins[3], "http://localhost:3003");
    conf_free(c);
}

/* The keys of the pilot's file that mean something only to a JVM, in its order. */
static const char *const pilot_jvm[] = {
    "spring.jpa.properties.hibernate.order_inserts",
    "spring.jpa.properties.hibernate.cache.use_second_level_cache",
    "spring.data.redis.jedis.pool.max-idle",
    "spring.data.redis.jedis.pool.min-idle",
    "spring.cache.type",
    "spring.task.execution.pool.keep-alive",
    "spring.task.scheduling.pool.size",
    "server.tomcat.threads.max",
    "server.tomcat.threads.min-spare",
    "server.tomcat.max-connections",
    "server.tomcat.accept-count",
    "server.compression.enabled",
    "management.endpoints.web.exposure.include",
    "management.metrics.tags.application",
    "logging.level.org.sensorvision",
};

static void pilot_file_loads_and_only_its_jvm_keys_are_ignored(void **state)
{
    (void)state;
    struct settings s;
    struct conf *c = load("tests/unit/app/application-pilot-performance.properties", &s);
    assert_string_equal(s.store_url, "jdbc:postgresql://localhost:5432/sensorvision");
    assert_int_equal(s.max_data_points, 10000);
    assert_int_equal(s.async_max, 16);
    struct conf_note note;
    size_t jvm = 0;
    for (size_t at = 0; conf_next_note(c, &at, &note);) {
        if (note.kind == CONF_NOTE_PLANNED) continue;
        assert_int_equal(note.kind, CONF_NOTE_JVM);
        assert_true(jvm < sizeof pilot_jvm / sizeof pilot_jvm[0]);
        assert_string_equal(note.key, pilot_jvm[jvm++]);
    }
    assert_int_equal(jvm, sizeof pilot_jvm / sizeof pilot_jvm[0]);
    conf_free(c);
}

int main(void)
{
    clearenv(); /* whoever runs the tests may have set keys there */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(pilot_file_loads_and_only_its_jvm_keys_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
