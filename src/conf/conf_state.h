#pragma once
/* conf/conf_state.h -- what struct conf is made of. Inside conf/ only.
 *
 * A generation is one reading of all sources: raw texts with their origins, and the notes. A reload
 * builds a second one beside it and swaps. What the filled struct borrows lives in `values`,
 * outlives every generation, and grows only when a LIVE text changes. Threads: owner only. Memory:
 * a generation owns all its texts through its arena. */
#include "base/arena.h"
#include "conf/conf.h"

struct conf_slot {                 /* one per table entry */
    const char *text[CONF_LAYERS]; /* NULL: not set in that layer */
    struct conf_origin origin[CONF_LAYERS];
};

struct conf_note_link {
    struct conf_note note;
    struct conf_note_link *next;
};

struct conf_generation {
    struct arena arena;
    struct conf_slot *slots;
    struct conf_note_link *notes, **notes_end;
};

struct conf {
    struct conf_opts opts;
    struct conf_generation now;
    struct arena values;
    char **applied; /* owned: text of each entry when it was last written to the struct, or NULL */
};

/* One assignment on its way in. */
struct conf_assignment {
    enum conf_layer layer;
    const char *key, *value;
    const char *where; /* copied */
    size_t line;
};

/* --- conf_assign.c ------------------------------------------------------------------------------
 */
/* Index of the entry, aliases not followed; `entries` when unknown. */
size_t conf_assign_find(const struct conf_opts *o, const char *key);
/* Finds the entry, follows the alias, checks the value (K1), stores it or writes a note (K3). */
enum err conf_assign(const struct conf_opts *o, struct conf_generation *g,
                     const struct conf_assignment *a, struct why *why) MUST_CHECK;
enum err conf_assign_note(struct conf_generation *g, const struct conf_note *note) MUST_CHECK;
/* Effective text of an entry: the highest layer, the fallback key, the default. */
const char *conf_assign_effective(const struct conf_opts *o, const struct conf_generation *g,
                                  size_t i, struct conf_origin *ret_origin);

/* --- conf_sources.c -----------------------------------------------------------------------------
 */
/* --set, environment, file and profiles into an empty generation. */
enum err conf_sources_read(const struct conf_opts *o, struct conf_generation *g,
                           struct why *why) MUST_CHECK;
