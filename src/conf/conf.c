/* What the keys are set to (see conf.h and conf_state.h). */
#include "conf/conf.h"

#include "base/mem.h"
#include "conf/conf_state.h"
#include "conf/conf_value.h"

enum { GENERATION_MAX = 16 << 20, VALUES_MAX = 4 << 20 };

static void generation_done(struct conf_generation *g)
{
    arena_done(&g->arena);
}

static enum err generation_read(const struct conf_opts *o, struct conf_generation *ret,
                                struct why *why)
{
    struct conf_generation g = {.notes = NULL};
    arena_init(&g.arena, GENERATION_MAX);
    g.slots = arena_zalloc(&g.arena, o->entries * sizeof *g.slots);
    enum err e = g.slots ? conf_sources_read(o, &g, why) : ERR_NOMEM;
    if (e) {
        generation_done(&g);
        return e == ERR_NOMEM ? why_say(why, e, "%s", err_sentence(e)) : e;
    }
    *ret = g;
    return ERR_OK;
}

enum err conf_load(struct conf **ret, const struct conf_opts *opts, struct why *why)
{
    struct conf *c = mem_zalloc(sizeof *c);
    if (!c) return ERR_NOMEM;
    c->opts = *opts;
    arena_init(&c->values, VALUES_MAX);
    c->applied = mem_array(opts->entries, sizeof *c->applied);
    enum err e = c->applied ? generation_read(&c->opts, &c->now, why) : ERR_NOMEM;
    if (e) {
        conf_free(c);
        return e;
    }
    *ret = c;
    return ERR_OK;
}

void conf_free(struct conf *c)
{
    if (!c) return;
    for (size_t i = 0; c->applied && i < c->opts.entries; i++) mem_free(c->applied[i]);
    mem_free(c->applied);
    generation_done(&c->now);
    arena_done(&c->values);
    mem_free(c);
}

static bool is_item(const struct conf_entry *entry)
{
    return !(entry->flags & (CONF_ALIAS | CONF_JVM)) && !strchr(entry->key, '*');
}

/* Writes one member and remembers what it was written from. */
static enum err write_member(struct conf *c, size_t i, const char *text, void *into)
{
    const struct conf_entry *entry = &c->opts.table[i];
    char *copy = mem_copy_str(text);
    if (!copy) return ERR_NOMEM;
    struct conf_value v;
    enum err e = conf_value_parse(entry, text, &c->values, &v);
    bug_if(e && e != ERR_NOMEM); /* it was checked when it was assigned; defaults by a test */
    if (e) {
        mem_free(copy);
        return e;
    }
    if (entry->into != CONF_NOWHERE) conf_value_store(entry, &v, (char *)into + entry->into);
    mem_free(c->applied[i]);
    c->applied[i] = copy;
    return ERR_OK;
}

enum err conf_fill(struct conf *c, void *into)
{
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < c->opts.entries; i++)
        if (is_item(&c->opts.table[i]))
            e = write_member(c, i, conf_assign_effective(&c->opts, &c->now, i, NULL), into);
    return e;
}

static enum err apply_one(struct conf *c, size_t i, void *into, conf_changed *changed, void *ctx)
{
    const struct conf_entry *entry = &c->opts.table[i];
    if (!is_item(entry)) return ERR_OK;
    const char *text = conf_assign_effective(&c->opts, &c->now, i, NULL);
    if (c->applied[i] && strcmp(c->applied[i], text) == 0) return ERR_OK;
    bool live = (entry->flags & CONF_LIVE) != 0;
    enum err e = live ? write_member(c, i, text, into) : ERR_OK;
    if (!e && changed) changed(ctx, entry, live);
    return e;
}

enum err conf_apply(struct conf *c, void *into, conf_changed *changed, void *ctx)
{
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < c->opts.entries; i++) e = apply_one(c, i, into, changed, ctx);
    return e;
}

static enum err keep_overrides(const struct conf *c, struct conf_generation *g)
{
    for (size_t i = 0; i < c->opts.entries; i++) {
        const char *text = c->now.slots[i].text[CONF_FROM_OVERRIDE];
        if (!text) continue;
        struct conf_assignment a = {CONF_FROM_OVERRIDE, c->opts.table[i].key, text,
                                    c->now.slots[i].origin[CONF_FROM_OVERRIDE].where, 0};
        enum err e = conf_assign(&c->opts, g, &a, NULL);
        if (e) return e;
    }
    return ERR_OK;
}

enum err conf_reload(struct conf *c, void *into, conf_changed *changed, void *ctx, struct why *why)
{
    struct conf_generation g;
    enum err e = generation_read(&c->opts, &g, why);
    if (e) return e;
    e = keep_overrides(c, &g);
    if (e) {
        generation_done(&g);
        return why_say(why, e, "%s", err_sentence(e));
    }
    generation_done(&c->now);
    c->now = g;
    return conf_apply(c, into, changed, ctx);
}

static enum err find_settable(const struct conf *c, const char *key, size_t *ret, struct why *why)
{
    size_t i = conf_assign_find(&c->opts, key);
    if (i < c->opts.entries && (c->opts.table[i].flags & CONF_ALIAS))
        i = conf_assign_find(&c->opts, c->opts.table[i].more);
    if (i == c->opts.entries || !is_item(&c->opts.table[i]))
        return why_say(why, ERR_NOTFOUND,
                       "%.100s is not a key; `sensorvision check-config` lists all", key);
    if (c->opts.table[i].flags & CONF_READER)
        return why_say(why, ERR_IMPOSSIBLE, "%s is read before the store is open", key);
    *ret = i;
    return ERR_OK;
}

enum err conf_check(const struct conf *c, const char *key, const char *value, struct why *why)
{
    size_t i = 0;
    enum err e = find_settable(c, key, &i, why);
    if (e) return e;
    struct arena scratch;
    struct conf_value v;
    arena_init(&scratch, VALUES_MAX);
    e = conf_value_parse(&c->opts.table[i], value, &scratch, &v);
    arena_done(&scratch);
    if (e != ERR_INVALID) return e;
    struct buf range;
    buf_init(&range, 1024);
    conf_say_range(&c->opts.table[i], &range);
    e = why_say(why, e, "%s=%.60s is not accepted; it takes %s", key, value, buf_cstr(&range));
    buf_done(&range);
    return e;
}

enum err conf_override(struct conf *c, const char *key, const char *value, const char *who,
                       struct why *why)
{
    size_t i = 0;
    enum err e = value ? conf_check(c, key, value, why) : find_settable(c, key, &i, why);
    if (e) return e;
    if (!value) {
        c->now.slots[i].text[CONF_FROM_OVERRIDE] = NULL;
        return ERR_OK;
    }
    struct conf_assignment a = {CONF_FROM_OVERRIDE, key, value, who, 0};
    return conf_assign(&c->opts, &c->now, &a, why);
}

bool conf_next_item(const struct conf *c, size_t *at, struct conf_item *ret)
{
    while (*at < c->opts.entries && !is_item(&c->opts.table[*at])) ++*at;
    if (*at == c->opts.entries) return false;
    const struct conf_entry *entry = &c->opts.table[*at];
    ret->entry = entry;
    ret->text = conf_assign_effective(&c->opts, &c->now, *at, &ret->origin);
    if ((entry->flags & CONF_SECRET) && ret->text[0]) ret->text = "********";
    ++*at;
    return true;
}

bool conf_is_secret(const struct conf *c, const char *key)
{
    size_t i = conf_assign_find(&c->opts, key);
    return i < c->opts.entries && (c->opts.table[i].flags & CONF_SECRET);
}

const char *conf_text(const struct conf *c, const char *key, struct conf_origin *ret_origin)
{
    size_t i = conf_assign_find(&c->opts, key);
    if (i < c->opts.entries && (c->opts.table[i].flags & CONF_ALIAS))
        i = conf_assign_find(&c->opts, c->opts.table[i].more);
    if (i == c->opts.entries) return NULL;
    return conf_assign_effective(&c->opts, &c->now, i, ret_origin);
}

bool conf_next_note(const struct conf *c, size_t *at, struct conf_note *ret)
{
    const struct conf_note_link *link = c->now.notes;
    for (size_t i = 0; link && i < *at; i++) link = link->next;
    if (!link) return false;
    ++*at;
    *ret = link->note;
    return true;
}
