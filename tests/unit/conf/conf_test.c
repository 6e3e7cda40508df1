/* Layers, profiles, origins, ranges, notes and the re-read, on a table of the test's own. */
#include "conf/conf.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct values {
    int64_t size, wait_ns, bytes;
    double ratio;
    bool on;
    int level;
    const char *url, *secret;
    const char *const *hosts;
    int64_t ttl_ns, common_ns;
};
#define AT(member) offsetof(struct values, member)

static const struct conf_entry table[] = {
    {"a.size", AT(size), CONF_COUNT, "100", 1, 1000, CONF_LIVE, "Size.", NULL},
    {"a.wait", AT(wait_ns), CONF_MS, "5000", 1, 600000, CONF_LIVE, "Wait.", NULL},
    {"a.bytes", AT(bytes), CONF_BYTES, "64MiB", 1024, 1e12, 0, "Bytes.", NULL},
    {"a.ratio", AT(ratio), CONF_RATIO, "0.8", 0, 1, 0, "Ratio.", NULL},
    {"a.on", AT(on), CONF_BOOL, "true", 0, 0, 0, "Switch.", NULL},
    {"log.level", AT(level), CONF_CHOICE, "info", 0, 0, CONF_LIVE, "Level.", "error|warn|info"},
    {"store.url", AT(url), CONF_TEXT, "", 0, 0, CONF_LIVE, "Where.", NULL},
    {"spring.datasource.url", CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_ALIAS, "", "store.url"},
    {"a.secret", AT(secret), CONF_TEXT, "", 8, 64, CONF_SECRET | CONF_NO_ZERO, "Secret.", NULL},
    {"a.hosts", AT(hosts), CONF_LIST, "x,y", 0, 3, 0, "Hosts.", NULL},
    {"ttl.a", AT(ttl_ns), CONF_S, "60", 1, 3600, CONF_FALLBACK, "Own.", "ttl.common"},
    {"ttl.common", AT(common_ns), CONF_S, "60", 1, 3600, 0, "Common.", NULL},
    {"mqtt.port", CONF_NOWHERE, CONF_COUNT, "1883", 0, 65535, CONF_PLANNED, "MQTT.", NULL},
    {"smtp.*", CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_PLANNED, "Mail.", NULL},
    {"spring.profiles.include", CONF_NOWHERE, CONF_LIST, "", 0, 32, CONF_READER, "", NULL},
    {"spring.profiles.active", CONF_NOWHERE, CONF_LIST, "", 0, 32, CONF_READER, "", NULL},
    {"spring.", CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_JVM, "", NULL},
};

static char dir[64];
static const char *env_pairs[8]; /* name, value, … */

static const char *fake_env(void *ctx, const char *name)
{
    (void)ctx;
    for (size_t i = 0; i + 1 < 8 && env_pairs[i]; i += 2)
        if (strcmp(env_pairs[i], name) == 0) return env_pairs[i + 1];
    return NULL;
}

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/conf_test_XXXXXX");
    memset(env_pairs, 0, sizeof env_pairs);
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    static const char *const names[] = {"application.properties", "application-a.properties",
                                        "application-b.properties", "application-c.properties"};
    for (size_t i = 0; i < 4; i++) unlink(path_of(names[i]));
    return rmdir(dir);
}

static enum err load(struct conf **ret, const char *set, struct why *why)
{
    static char file[200];
    static const char *sets[1];
    snprintf(file, sizeof file, "%s", path_of("application.properties"));
    sets[0] = set;
    struct conf_opts opts = {.fs = fs_real(),
                             .table = table,
                             .entries = sizeof table / sizeof table[0],
                             .file = access(file, R_OK) == 0 ? file : NULL,
                             .env = fake_env,
                             .sets = sets,
                             .set_count = set != NULL};
    return conf_load(ret, &opts, why);
}

static struct conf *load_ok(const char *set, struct values *v)
{
    struct conf *c = NULL;
    struct why why = {""};
    if (load(&c, set, &why)) fail_msg("%s", why.text);
    assert_int_equal(conf_fill(c, v), ERR_OK);
    return c;
}

static const char *refusal(const char *set)
{
    static struct why why;
    struct conf *c = NULL;
    assert_int_equal(load(&c, set, &why), ERR_INVALID);
    return why.text;
}

static void defaults_fill_every_member(void **state)
{
    (void)state;
    struct values v;
    struct conf *c = load_ok(NULL, &v);
    assert_int_equal(v.size, 100);
    assert_int_equal(v.wait_ns, 5000000000);
    assert_int_equal(v.bytes, 67108864);
    assert_true(v.ratio == 0.8 && v.on);
    assert_int_equal(v.level, 2);
    assert_string_equal(v.url, "");
    assert_string_equal(v.hosts[1], "y");
    assert_null(v.hosts[2]);
    conf_free(c);
}

static void each_layer_wins_over_the_one_below(void **state)
{
    (void)state;
    struct values v;
    struct conf_origin origin;
    put("application.properties", "# first\na.size=1\na.wait=1\na.bytes=2048\n");
    env_pairs[0] = "A_WAIT";
    env_pairs[1] = "2";
    env_pairs[2] = "A_BYTES";
    env_pairs[3] = "4096";
    struct conf *c = load_ok("a.bytes=8192", &v);
    assert_int_equal(v.size, 1);
    assert_int_equal(v.wait_ns, 2000000);
    assert_int_equal(v.bytes, 8192);
    assert_non_null(conf_text(c, "a.size", &origin));
    assert_int_equal(origin.layer, CONF_FROM_FILE);
    assert_int_equal(origin.line, 2);
    assert_non_null(conf_text(c, "a.wait", &origin));
    assert_string_equal(origin.where, "A_WAIT");
    assert_int_equal(conf_override(c, "a.bytes", "16384", "user:ann", NULL), ERR_OK);
    assert_string_equal(conf_text(c, "a.bytes", &origin), "16384");
    assert_string_equal(origin.where, "user:ann");
    assert_int_equal(conf_override(c, "a.bytes", NULL, NULL, NULL), ERR_OK);
    assert_string_equal(conf_text(c, "a.bytes", &origin), "8192");
    conf_free(c);
}

static void profiles_load_behind_their_file_and_later_wins(void **state)
{
    (void)state;
    struct values v;
    put("application.properties", "a.size=1\nspring.profiles.include=a\n"
                                  "spring.profiles.active=b\n");
    put("application-a.properties", "a.size=2\na.wait=2\nspring.profiles.include=c\n");
    put("application-c.properties", "a.wait=9\na.bytes=2048\n"); /* behind a, before b */
    put("application-b.properties", "a.wait=3\nspring.profiles.include=a,missing,b\n");
    struct conf *c = load_ok(NULL, &v);
    assert_int_equal(v.size, 2);
    assert_int_equal(v.wait_ns, 3000000);
    assert_int_equal(v.bytes, 2048);
    struct conf_note note;
    size_t at = 0;
    assert_true(conf_next_note(c, &at, &note));
    assert_int_equal(note.kind, CONF_NOTE_PROFILE);
    assert_string_equal(note.key, "missing");
    assert_false(conf_next_note(c, &at, &note));
    conf_free(c);
    c = load_ok("spring.profiles.active=", &v); /* the command line replaces the file's list */
    assert_int_equal(v.wait_ns, 9000000);
    conf_free(c);
    assert_non_null(strstr(refusal("spring.profiles.active=../x"), "'../x' is not the name"));
}

static void alias_assigns_to_its_target(void **state)
{
    (void)state;
    struct values v;
    struct conf_origin origin;
    put("application.properties", "store.url=first\n"
                                  "spring.datasource.url=${DB:postgresql://h:5432/d}\n");
    struct conf *c = load_ok(NULL, &v);
    assert_string_equal(v.url, "postgresql://h:5432/d");
    assert_non_null(conf_text(c, "store.url", &origin));
    assert_string_equal(origin.alias, "spring.datasource.url");
    conf_free(c);
    env_pairs[0] = "SPRING_DATASOURCE_URL";
    env_pairs[1] = "x";
    env_pairs[2] = "STORE_URL";
    env_pairs[3] = "y";
    c = load_ok(NULL, &v);
    assert_string_equal(v.url, "y");
    conf_free(c);
}

static void fallback_key_counts_until_the_own_one_is_set(void **state)
{
    (void)state;
    struct values v;
    struct conf *c = load_ok("ttl.common=5m", &v);
    assert_int_equal(v.ttl_ns, 300000000000);
    conf_free(c);
    put("application.properties", "ttl.a=7\n");
    c = load_ok("ttl.common=5m", &v); /* even from a higher layer the common one is weaker */
    assert_int_equal(v.ttl_ns, 7000000000);
    conf_free(c);
}

static void wrong_value_names_file_line_key_value_and_range(void **state)
{
    (void)state;
    put("application.properties", "\n\na.size=1001\n");
    const char *text = refusal(NULL);
    assert_non_null(strstr(text, "application.properties:3: a.size=1001 is not accepted"));
    assert_non_null(strstr(text, "a whole number from 1 to 1000"));
    put("application.properties", "a.wait=${NOT_THERE}\n");
    assert_non_null(strstr(refusal(NULL), "application.properties:1: a.wait: ${NOT_THERE}"));
    put("application.properties", "a=\\u12\n");
    assert_non_null(strstr(refusal(NULL), "application.properties: line 1: \\u"));
    unlink(path_of("application.properties"));
    env_pairs[0] = "A_SIZE";
    env_pairs[1] = "many";
    assert_non_null(strstr(refusal(NULL), "A_SIZE: a.size=many is not accepted"));
}

static void values_outside_their_type_or_range_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a.size=0",
        "a.size=1001",
        "a.size=1.5",
        "a.size=",
        "a.size=1e2",
        "a.size=0x10",
        "a.wait=0",
        "a.wait=601s",
        "a.wait=5 parsecs",
        "a.wait=-1",
        "a.wait=9999999999999999999s",
        "a.bytes=1023",
        "a.bytes=1PiB",
        "a.ratio=1.01",
        "a.ratio=nan",
        "a.ratio=-0.1",
        "a.ratio=.",
        "a.ratio=1e-1",
        "a.on=maybe",
        "log.level=loud",
        "a.secret=short",
        "a.hosts=1,2,3,4",
        "a.size",
        "=1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) (void)refusal(bad[i]);
    assert_null(strstr(refusal("a.secret=short"), "short"));
}

static void values_take_suffixes_words_and_blanks(void **state)
{
    (void)state;
    struct values v;
    static const struct {
        const char *set;
        int64_t wait_ns, bytes;
    } good[] = {
        {"a.wait=5s", 5000000000, 67108864},     {"a.wait=2m", 120000000000, 67108864},
        {"a.wait= 250ms ", 250000000, 67108864}, {"a.bytes=2KiB", 5000000000, 2048},
        {"a.bytes=3KB", 5000000000, 3072},       {"a.bytes=1 GiB", 5000000000, 1073741824},
        {"a.bytes=2048B", 5000000000, 2048},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct conf *c = load_ok(good[i].set, &v);
        assert_int_equal(v.wait_ns, good[i].wait_ns);
        assert_int_equal(v.bytes, good[i].bytes);
        conf_free(c);
    }
    struct conf *c = load_ok("a.hosts= p , ,q,", &v);
    assert_string_equal(v.hosts[0], "p");
    assert_string_equal(v.hosts[1], "q");
    assert_null(v.hosts[2]);
    conf_free(c);
    c = load_ok("a.on=OFF", &v);
    assert_false(v.on);
    conf_free(c);
}

static void strangers_are_noted_once_and_are_no_errors(void **state)
{
    (void)state;
    struct values v;
    put("application.properties",
        "spring.jpa.x=1\nspring.jpa.x=2\na.sizes=3\nzebra=4\nmqtt.port=5\n"
        "smtp.host=${UNSET_IS_FINE}\n");
    struct conf *c = load_ok(NULL, &v);
    static const struct {
        enum conf_note_kind kind;
        const char *key, *text;
    } expected[] = {
        {CONF_NOTE_JVM, "spring.jpa.x", ""},
        {CONF_NOTE_UNKNOWN, "a.sizes", "did you mean a.size?"},
        {CONF_NOTE_UNKNOWN, "zebra", ""},
        {CONF_NOTE_PLANNED, "mqtt.port", "MQTT."},
        {CONF_NOTE_PLANNED, "smtp.host", "Mail."},
    };
    struct conf_note note;
    size_t at = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_true(conf_next_note(c, &at, &note));
        assert_int_equal(note.kind, expected[i].kind);
        assert_string_equal(note.key, expected[i].key);
        assert_string_equal(note.text, expected[i].text);
    }
    assert_false(conf_next_note(c, &at, &note));
    conf_free(c);
}

static void keep_going_notes_every_bad_value(void **state)
{
    (void)state;
    static const char *const sets[] = {"a.size=0", "a.ratio=2", "a.wait=1"};
    struct conf_opts opts = {.fs = fs_real(),
                             .table = table,
                             .entries = sizeof table / sizeof table[0],
                             .env = fake_env,
                             .sets = sets,
                             .set_count = 3,
                             .keep_going = true};
    struct conf *c;
    struct conf_note note;
    size_t at = 0;
    assert_int_equal(conf_load(&c, &opts, NULL), ERR_OK);
    assert_true(conf_next_note(c, &at, &note) && note.kind == CONF_NOTE_BAD);
    assert_true(conf_next_note(c, &at, &note) && note.kind == CONF_NOTE_BAD);
    assert_non_null(strstr(note.text, "a.ratio=2"));
    assert_false(conf_next_note(c, &at, &note));
    conf_free(c);
}

struct changes {
    char text[200];
};
static void note_change(void *ctx, const struct conf_entry *entry, bool applied)
{
    struct changes *changes = ctx;
    size_t n = strlen(changes->text);
    snprintf(changes->text + n, sizeof changes->text - n, "%s%c", entry->key, applied ? '+' : '-');
}

static void reload_applies_live_keys_and_keeps_the_rest(void **state)
{
    (void)state;
    struct values v;
    struct changes changes = {""};
    put("application.properties", "a.size=1\na.ratio=0.1\nstore.url=one\n");
    struct conf *c = load_ok("a.wait=7", &v);
    assert_int_equal(conf_override(c, "log.level", "warn", "user:ann", NULL), ERR_OK);
    assert_int_equal(conf_apply(c, &v, note_change, &changes), ERR_OK);
    assert_string_equal(changes.text, "log.level+");
    const char *before = v.url;
    changes.text[0] = 0;
    put("application.properties", "a.size=2\na.ratio=0.2\nstore.url=two\n");
    assert_int_equal(conf_reload(c, &v, note_change, &changes, NULL), ERR_OK);
    assert_string_equal(changes.text, "a.size+a.ratio-store.url+");
    assert_int_equal(v.size, 2);
    assert_true(v.ratio == 0.1);
    assert_int_equal(v.wait_ns, 7000000);
    assert_int_equal(v.level, 1);
    assert_string_equal(v.url, "two");
    assert_string_equal(before, "one"); /* whoever borrowed it still may */
    conf_free(c);
}

static void reload_of_a_bad_file_changes_nothing(void **state)
{
    (void)state;
    struct values v;
    struct why why;
    struct changes changes = {""};
    put("application.properties", "a.size=5\n");
    struct conf *c = load_ok(NULL, &v);
    put("application.properties", "a.size=6\na.wait=never\n");
    assert_int_equal(conf_reload(c, &v, note_change, &changes, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, ":2: a.wait=never"));
    assert_string_equal(changes.text, "");
    assert_int_equal(v.size, 5);
    assert_string_equal(conf_text(c, "a.size", NULL), "5");
    conf_free(c);
}

static void override_refuses_what_is_no_key_or_no_value(void **state)
{
    (void)state;
    struct values v;
    struct why why;
    struct conf *c = load_ok(NULL, &v);
    assert_int_equal(conf_override(c, "nothing", "1", "x", &why), ERR_NOTFOUND);
    assert_int_equal(conf_override(c, "spring.jpa.x", "1", "x", &why), ERR_NOTFOUND);
    assert_int_equal(conf_override(c, "a.size", "0", "x", &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "from 1 to 1000"));
    assert_int_equal(conf_override(c, "spring.profiles.active", "x", "x", &why), ERR_IMPOSSIBLE);
    assert_int_equal(conf_override(c, "nothing", NULL, NULL, &why), ERR_NOTFOUND);
    conf_free(c);
}

static void secrets_are_hidden_in_items(void **state)
{
    (void)state;
    struct values v;
    struct conf *c = load_ok("a.secret= 12345678 ", &v);
    struct conf_item item;
    size_t items = 0;
    for (size_t at = 0; conf_next_item(c, &at, &item); items++)
        if (strcmp(item.entry->key, "a.secret") == 0) assert_string_equal(item.text, "********");
    assert_int_equal(items, 14);
    assert_string_equal(v.secret, " 12345678 "); /* blanks of a secret are part of it */
    conf_free(c);
}

static void no_allocation_failure_leaks_or_crashes(void **state)
{
    (void)state;
    put("application.properties", "a.size=1\nb=2\na.hosts=p,q\nmqtt.port=1\n");
    int64_t before = mem_blocks();
    bool fired = true;
    for (int64_t n = 1; fired; n++) {
        struct conf *c = NULL;
        struct values v;
        mem_fail_at(n);
        enum err e = load(&c, "a.wait=5", NULL);
        if (!e) e = conf_fill(c, &v);
        if (!e) e = conf_reload(c, &v, NULL, NULL, NULL);
        fired = mem_fail_fired();
        mem_fail_at(0);
        assert_true(e == ERR_OK || fired);
        conf_free(c);
        assert_int_equal(mem_blocks(), before);
    }
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(defaults_fill_every_member),
        IN_DIR(each_layer_wins_over_the_one_below),
        IN_DIR(profiles_load_behind_their_file_and_later_wins),
        IN_DIR(alias_assigns_to_its_target),
        IN_DIR(fallback_key_counts_until_the_own_one_is_set),
        IN_DIR(wrong_value_names_file_line_key_value_and_range),
        IN_DIR(values_outside_their_type_or_range_are_refused),
        IN_DIR(values_take_suffixes_words_and_blanks),
        IN_DIR(strangers_are_noted_once_and_are_no_errors),
        IN_DIR(keep_going_notes_every_bad_value),
        IN_DIR(reload_applies_live_keys_and_keeps_the_rest),
        IN_DIR(reload_of_a_bad_file_changes_nothing),
        IN_DIR(override_refuses_what_is_no_key_or_no_value),
        IN_DIR(secrets_are_hidden_in_items),
        IN_DIR(no_allocation_failure_leaks_or_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
