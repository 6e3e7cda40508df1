/* The sources of a configuration (see conf_state.h): --set, environment, file, profiles. They are
 * read from the highest layer down, so that spring.profiles.active from the command line is already
 * known when the file asks for it; each layer has its own place, so the order changes nothing else.
 */
#include "base/mem.h"
#include "conf/conf_state.h"
#include "conf/properties.h"

#include <stdlib.h>

enum { FILE_MAX = 1 << 20, PROFILES_MAX = 32, NAME_MAX_BYTES = 200 };

struct reading {
    const struct conf_opts *o;
    struct conf_generation *g;
    struct why *why;
    const char *profiles[PROFILES_MAX]; /* in the order they are loaded */
    size_t profile_count;
};

/* "PILOT_TELEMETRY_BATCH_SIZE". False when it does not fit. */
static bool env_name(const char *key, char *ret, size_t n)
{
    size_t i = 0;
    for (; key[i]; i++) {
        if (i + 1 >= n) return false;
        char c = key[i];
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        if (c == '.' || c == '-') c = '_';
        ret[i] = c;
    }
    if (i >= n) return false;
    ret[i] = 0;
    return true;
}

static const char *ask_env(const struct conf_opts *o, const char *name)
{
    return o->env ? o->env(o->env_ctx, name) : getenv(name);
}

/* What ${NAME} means: the variable of that name, or of the name a key would have. */
static const char *reference_env(void *ctx, const char *name)
{
    const struct conf_opts *o = ctx;
    char mapped[NAME_MAX_BYTES];
    const char *set = ask_env(o, name);
    return set || !env_name(name, mapped, sizeof mapped) ? set : ask_env(o, mapped);
}

static enum err read_sets(struct reading *r)
{
    for (size_t i = 0; i < r->o->set_count; i++) {
        const char *text = r->o->sets[i], *equals = strchr(text, '=');
        if (!equals || equals == text)
            return why_say(r->why, ERR_INVALID, "--set %.100s: it takes key=value", text);
        char *key = mem_copy(text, (size_t)(equals - text));
        if (!key) return ERR_NOMEM;
        struct conf_assignment a = {CONF_FROM_SET, key, equals + 1, "--set", 0};
        enum err e = conf_assign(r->o, r->g, &a, r->why);
        mem_free(key);
        if (e) return e;
    }
    return ERR_OK;
}

/* An alias never replaces the key itself: aliases first. An empty variable counts as not set. */
static enum err read_environment(struct reading *r, bool aliases)
{
    for (size_t i = 0; i < r->o->entries; i++) {
        const struct conf_entry *entry = &r->o->table[i];
        char name[NAME_MAX_BYTES];
        bool is_alias = (entry->flags & CONF_ALIAS) != 0;
        bool is_pattern = (entry->flags & CONF_JVM) || strchr(entry->key, '*');
        if (is_alias != aliases || is_pattern || !env_name(entry->key, name, sizeof name)) continue;
        const char *value = ask_env(r->o, name);
        if (!value || !*value) continue;
        struct conf_assignment a = {CONF_FROM_ENVIRONMENT, entry->key, value, name, 0};
        enum err e = conf_assign(r->o, r->g, &a, r->why);
        if (e) return e;
    }
    return ERR_OK;
}

/* References are resolved for keys we know only: what is the JVM's may name variables only it has.
 */
static enum err take_property(struct reading *r, const char *path, const struct property *property)
{
    struct buf key, value;
    struct why inner = {""};
    buf_init(&key, FILE_MAX);
    buf_init(&value, FILE_MAX);
    buf_add_bytes(&key, property->key);
    enum err e = ERR_OK;
    bool known = conf_assign_find(r->o, buf_cstr(&key)) < r->o->entries;
    if (known)
        e = properties_expand(&value, property->value, reference_env, (void *)(uintptr_t)r->o,
                              &inner);
    else
        buf_add_bytes(&value, property->value);
    if (e && e != ERR_NOMEM)
        e = why_say(r->why, ERR_INVALID, "%.80s:%zu: %.60s: %.100s", path, property->line,
                    buf_cstr(&key), inner.text[0] ? inner.text : err_sentence(e));
    struct conf_assignment a = {CONF_FROM_FILE, buf_cstr(&key), buf_cstr(&value), path,
                                property->line};
    if (!e) e = conf_assign(r->o, r->g, &a, r->why);
    buf_done(&key);
    buf_done(&value);
    return e;
}

static enum err take_properties(struct reading *r, const char *path, struct bytes text)
{
    struct properties p;
    struct property property;
    struct why inner = {""};
    properties_open(&p, text);
    enum err e;
    while (!(e = properties_next(&p, &property, &inner))) {
        if (!property.key.n) continue;
        e = take_property(r, path, &property);
        if (e) break;
    }
    properties_done(&p);
    if (e == ERR_END) return ERR_OK;
    if (inner.text[0]) return why_say(r->why, e, "%.100s: %.140s", path, inner.text);
    return e;
}

static enum err read_file(struct reading *r, const char *path)
{
    char *text;
    size_t n;
    enum err e = fs_read_file(r->o->fs, path, FILE_MAX, &text, &n);
    if (e) return why_say(r->why, e, "cannot read %.150s: %s", path, err_sentence(e));
    e = take_properties(r, path, bytes_of(text, n));
    mem_free(text);
    return e;
}

static bool is_profile_name(struct bytes name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && c != '-' && c != '_' && c != '.') return false;
    }
    return name.n > 0 && name.n <= 100 && name.p[0] != '.';
}

/* Puts the names of one list key behind those that are known already. */
static enum err queue_profiles(struct reading *r, const char *key)
{
    size_t i = conf_assign_find(r->o, key);
    if (i == r->o->entries) return ERR_OK;
    struct bytes name, rest = bytes_str(conf_assign_effective(r->o, r->g, i, NULL));
    while (rest.p && rest.n) {
        rest = bytes_cut(rest, ',', &name);
        name = bytes_trim(name);
        size_t seen = 0;
        while (seen < r->profile_count && !bytes_is(name, r->profiles[seen])) seen++;
        if (!name.n || seen < r->profile_count) continue;
        if (!is_profile_name(name) || r->profile_count == PROFILES_MAX)
            return why_say(r->why, ERR_INVALID,
                           "%s: '%.*s' is not the name of a profile, or more than %d", key,
                           (int)(name.n < 60 ? name.n : 60), name.p, PROFILES_MAX);
        r->profiles[r->profile_count] = arena_copy(&r->g->arena, name).p;
        if (!r->profiles[r->profile_count++]) return ERR_NOMEM;
    }
    return ERR_OK;
}

static enum err read_profile(struct reading *r, const char *profile)
{
    const char *slash = strrchr(r->o->file, '/');
    int dir = slash ? (int)(slash - r->o->file) + 1 : 0;
    const char *path =
        arena_printf(&r->g->arena, "%.*sapplication-%s.properties", dir, r->o->file, profile);
    if (!path) return ERR_NOMEM;
    if (strcmp(path, r->o->file) == 0) return ERR_OK; /* it names itself */
    enum err e = read_file(r, path);
    if (e != ERR_NOTFOUND) return e;
    struct conf_origin origin = {CONF_FROM_FILE, path, 0, NULL};
    return conf_assign_note(r->g, &(struct conf_note){CONF_NOTE_PROFILE, profile, path, origin});
}

/* The file, then every profile it and its profiles include, then the active ones: later wins. */
static enum err read_files(struct reading *r)
{
    if (!r->o->file) return ERR_OK;
    enum err e = read_file(r, r->o->file);
    for (size_t next = 0; !e; next++) {
        e = queue_profiles(r, "spring.profiles.include");
        if (!e && next == r->profile_count) e = queue_profiles(r, "spring.profiles.active");
        if (e || next == r->profile_count) break;
        e = read_profile(r, r->profiles[next]);
    }
    return e;
}

enum err conf_sources_read(const struct conf_opts *o, struct conf_generation *g, struct why *why)
{
    struct reading r = {.o = o, .g = g, .why = why};
    enum err e = read_sets(&r);
    if (!e) e = read_environment(&r, true);
    if (!e) e = read_environment(&r, false);
    if (!e) e = read_files(&r);
    return e;
}
