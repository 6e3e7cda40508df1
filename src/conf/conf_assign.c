/* One assignment: which entry it means, whether its value is accepted, and what a person is told
 * otherwise (see conf_state.h). */
#include "conf/conf_state.h"
#include "conf/conf_value.h"

enum { SHOWN_VALUE = 48, SHOWN_PATH = 80, CLOSE_ENOUGH = 3, KEY_MAX = 100 };

size_t conf_assign_find(const struct conf_opts *o, const char *key)
{
    size_t i = 0;
    while (i < o->entries && ((o->table[i].flags & CONF_JVM) || strcmp(o->table[i].key, key) != 0))
        i++;
    return i;
}

/* "smtp.*" for "smtp.host", "spring." for "spring.application.name". */
static const struct conf_entry *find_prefix(const struct conf_opts *o, const char *key, bool jvm)
{
    for (size_t i = 0; i < o->entries; i++) {
        const struct conf_entry *entry = &o->table[i];
        size_t n = strlen(entry->key);
        bool is_jvm = (entry->flags & CONF_JVM) != 0;
        if (is_jvm != jvm || (!jvm && entry->key[n - 1] != '*')) continue;
        if (!jvm) n--;
        if (strncmp(key, entry->key, n) == 0 && key[n]) return entry;
    }
    return NULL;
}

/* Levenshtein's distance of two keys, by rows. */
static size_t distance(const char *a, const char *b)
{
    size_t row[KEY_MAX + 1], n = strlen(b);
    if (n > KEY_MAX) return KEY_MAX;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

/* "did you mean …?", or "" when nothing is near. */
static const char *suggest(const struct conf_opts *o, struct arena *arena, const char *key)
{
    const char *best = NULL;
    size_t nearest = CLOSE_ENOUGH + 1;
    if (strlen(key) > KEY_MAX) return "";
    for (size_t i = 0; i < o->entries; i++) {
        if (o->table[i].flags & CONF_JVM) continue;
        size_t far = distance(key, o->table[i].key);
        if (far < nearest) {
            nearest = far;
            best = o->table[i].key;
        }
    }
    const char *text = best ? arena_printf(arena, "did you mean %s?", best) : NULL;
    return text ? text : "";
}

enum err conf_assign_note(struct conf_generation *g, const struct conf_note *note)
{
    for (const struct conf_note_link *l = g->notes; l; l = l->next)
        if (l->note.kind == note->kind && note->kind != CONF_NOTE_BAD &&
            strcmp(l->note.key, note->key) == 0)
            return ERR_OK;
    struct conf_note_link *link = arena_zalloc(&g->arena, sizeof *link);
    if (!link) return ERR_NOMEM;
    link->note = *note;
    link->note.key = arena_copy_str(&g->arena, note->key);
    link->note.text = arena_copy_str(&g->arena, note->text);
    if (!link->note.key || !link->note.text) return ERR_NOMEM;
    if (!g->notes_end) g->notes_end = &g->notes;
    *g->notes_end = link;
    g->notes_end = &link->next;
    return ERR_OK;
}

static enum err note_stranger(const struct conf_opts *o, struct conf_generation *g, const char *key,
                              const struct conf_origin *origin)
{
    struct conf_note note = {CONF_NOTE_UNKNOWN, key, "", *origin};
    const struct conf_entry *planned = find_prefix(o, key, false);
    if (planned) {
        note.kind = CONF_NOTE_PLANNED;
        note.text = planned->doc;
    } else if (find_prefix(o, key, true)) {
        note.kind = CONF_NOTE_JVM;
    } else {
        note.text = suggest(o, &g->arena, key);
    }
    return conf_assign_note(g, &note);
}

/* The end of a long path says more than its beginning. */
static const char *path_tail(const char *path)
{
    size_t n = strlen(path);
    return n > SHOWN_PATH ? path + n - SHOWN_PATH : path;
}

static enum err say_refused(const struct conf_entry *entry, const struct conf_assignment *a,
                            struct why *why)
{
    struct buf range;
    buf_init(&range, 1024);
    conf_say_range(entry, &range);
    const char *value = entry->flags & CONF_SECRET ? "********" : a->value;
    const char *more = strlen(value) > SHOWN_VALUE ? "…" : "";
    if (a->line)
        (void)why_say(why, ERR_INVALID, "%s:%zu: %s=%.*s%s is not accepted; it takes %s",
                      path_tail(a->where), a->line, a->key, SHOWN_VALUE, value, more,
                      buf_cstr(&range));
    else
        (void)why_say(why, ERR_INVALID, "%s: %s=%.*s%s is not accepted; it takes %s",
                      path_tail(a->where), a->key, SHOWN_VALUE, value, more, buf_cstr(&range));
    buf_done(&range);
    return ERR_INVALID;
}

static enum err store_value(struct conf_generation *g, struct conf_slot *slot,
                            enum conf_layer layer, const char *value,
                            const struct conf_origin *origin)
{
    const char *copy = arena_copy_str(&g->arena, value);
    if (!copy) return ERR_NOMEM;
    slot->text[layer] = copy;
    slot->origin[layer] = *origin;
    return ERR_OK;
}

enum err conf_assign(const struct conf_opts *o, struct conf_generation *g,
                     const struct conf_assignment *a, struct why *why)
{
    struct conf_origin origin = {a->layer, arena_copy_str(&g->arena, a->where), a->line, NULL};
    if (!origin.where) return ERR_NOMEM;
    size_t i = conf_assign_find(o, a->key);
    if (i == o->entries || o->table[i].key[strlen(o->table[i].key) - 1] == '*')
        return note_stranger(o, g, a->key, &origin);
    const struct conf_entry *entry = &o->table[i];
    if (entry->flags & CONF_ALIAS) {
        origin.alias = entry->key;
        i = conf_assign_find(o, entry->more);
        bug_if(i == o->entries);
    }
    enum err e = ERR_OK;
    if ((entry->flags | o->table[i].flags) & CONF_PLANNED)
        e = conf_assign_note(
            g, &(struct conf_note){CONF_NOTE_PLANNED, a->key, o->table[i].doc, origin});
    struct conf_value v;
    if (!e) e = conf_value_parse(&o->table[i], a->value, &g->arena, &v);
    if (!e) return store_value(g, &g->slots[i], a->layer, a->value, &origin);
    if (e != ERR_INVALID) return e;
    struct why refused;
    e = say_refused(&o->table[i], a, &refused);
    if (!o->keep_going) return why_say(why, e, "%s", refused.text);
    return conf_assign_note(g, &(struct conf_note){CONF_NOTE_BAD, a->key, refused.text, origin});
}

const char *conf_assign_effective(const struct conf_opts *o, const struct conf_generation *g,
                                  size_t i, struct conf_origin *ret_origin)
{
    const struct conf_slot *slot = &g->slots[i];
    for (size_t layer = CONF_LAYERS; layer-- > CONF_FROM_FILE;)
        if (slot->text[layer]) {
            if (ret_origin) *ret_origin = slot->origin[layer];
            return slot->text[layer];
        }
    if (o->table[i].flags & CONF_FALLBACK) {
        size_t other = conf_assign_find(o, o->table[i].more);
        bug_if(other == o->entries || (o->table[other].flags & CONF_FALLBACK));
        const char *text = conf_assign_effective(o, g, other, ret_origin);
        if (ret_origin && ret_origin->layer != CONF_FROM_DEFAULT)
            ret_origin->alias = o->table[other].key;
        return text;
    }
    if (ret_origin) *ret_origin = (struct conf_origin){CONF_FROM_DEFAULT, "built in", 0, NULL};
    return o->table[i].absent;
}
