#pragma once
/* conf/conf.h -- typed tables of keys, what each is set to, and by whom.
 *
 *   built-in default < file (and its profiles) < environment < --set < overrides kept in the store
 *
 * The tables belong to the layers above; a table's `into` is an offset in the caller's struct,
 * which conf_fill() fills: COUNT MS S BYTES -> int64_t (durations always in nanoseconds), RATIO ->
 * double, BOOL -> bool, CHOICE -> int (place in `more`), TEXT -> const char *, LIST -> const char
 * *const * (NULL-terminated); texts and lists are never NULL.
 *
 * K1  a value that does not parse or lies outside its range is never taken: loading fails (or,
 *     with keep_going, is noted) naming file, line, key, value and what would be accepted.
 * K2  a later assignment of the same layer wins; an alias is an assignment to its target.
 * K3  keys that belong to the JVM, unknown keys and keys of planned parts are noted once, never
 *     errors.
 * K4  conf_reload() takes all or nothing, and changes no member whose key is not LIVE.
 * Threads: owner only.   Memory: texts in the filled struct are borrowed until conf_free(). */
#include "base/buf.h"
#include "sys/file.h"

enum conf_unit {
    CONF_COUNT,
    CONF_MS, /* a duration; a bare number is milliseconds */
    CONF_S,  /* a duration; a bare number is seconds */
    CONF_BYTES,
    CONF_RATIO,
    CONF_BOOL,
    CONF_CHOICE, /* one of the words in `more`, "durable|queued" */
    CONF_TEXT,   /* min and max bound its length in bytes; max 0 = 4096 */
    CONF_LIST,   /* comma separated; min and max bound the number of items; max 0 = 1000 */
};

enum conf_flag {
    CONF_LIVE = 1 << 0,     /* takes effect at once; every other key needs a restart */
    CONF_PLANNED = 1 << 1,  /* accepted and named: its part is not built yet */
    CONF_ALIAS = 1 << 2,    /* stands for the key in `more` */
    CONF_FALLBACK = 1 << 3, /* set by nobody, it has the value of the key in `more` */
    CONF_SECRET = 1 << 4,   /* never shown */
    CONF_JVM = 1 << 5,      /* a prefix (ends in '.'): other keys below it belong to the JVM */
    CONF_READER = 1 << 6,   /* read by the loader itself (spring.profiles.*) */
    CONF_NO_ZERO = 1 << 7,  /* min and max hold, and so does 0 (it means never, or automatic) */
};

#define CONF_NOWHERE ((size_t)-1)

struct conf_entry {
    const char *key; /* "a.b.*" (planned only): every key below a.b */
    size_t into;     /* offset in the struct, or CONF_NOWHERE */
    enum conf_unit unit;
    const char *absent; /* the default, written as in a file; parsed like one */
    double min, max;    /* in the key's unit; both 0: see the unit */
    unsigned flags;     /* bits of enum conf_flag */
    const char *doc;    /* one sentence for docs/CONFIG.md */
    const char *more;   /* by unit and flag, see above; else NULL */
};

enum conf_layer {
    CONF_FROM_DEFAULT,
    CONF_FROM_FILE,
    CONF_FROM_ENVIRONMENT,
    CONF_FROM_SET,
    CONF_FROM_OVERRIDE,
    CONF_LAYERS
};

struct conf_origin {
    enum conf_layer layer;
    const char *where; /* file, environment variable, "--set", or who made the override */
    size_t line;       /* of a file, else 0 */
    const char *alias; /* the key it was written as, when not its own; else NULL */
};

struct conf_opts {
    const struct fs *fs;
    const struct conf_entry *table; /* borrowed for ever, as are its texts */
    size_t entries;
    const char *file; /* NULL: none; profiles are its siblings application-<profile>.properties */
    const char *(*env)(void *ctx, const char *name); /* NULL: getenv */
    void *env_ctx;
    const char *const *sets; /* "key=value" */
    size_t set_count;
    bool keep_going; /* bad values become notes, so that a person sees all of them */
};

struct conf;
enum err conf_load(struct conf **ret, const struct conf_opts *opts, struct why *why) MUST_CHECK;
void conf_free(struct conf *c); /* NULL is fine */

/* Writes every member that has a place; `into` is the struct the offsets are of. */
enum err conf_fill(struct conf *c, void *into) MUST_CHECK;

/* The layer above all others. NULL takes the override away. The struct is brought up to date by
 * conf_apply(). ERR_NOTFOUND: unknown key; ERR_INVALID: value refused. */
enum err conf_override(struct conf *c, const char *key, const char *value, const char *who,
                       struct why *why) MUST_CHECK;
/* Would conf_override() take it? Changes nothing. */
enum err conf_check(const struct conf *c, const char *key, const char *value,
                    struct why *why) MUST_CHECK;

/* Called once per key whose value is another than the last one filled or applied. applied: it is
 * LIVE and `into` has it; false: it waits for a restart. */
typedef void conf_changed(void *ctx, const struct conf_entry *entry, bool applied);
/* Brings LIVE members of `into` up to date. `changed` may be NULL. */
enum err conf_apply(struct conf *c, void *into, conf_changed *changed, void *ctx) MUST_CHECK;
/* Reads file, profiles and environment again, keeps --set and overrides, then conf_apply()s. On
 * failure everything stays as it was. */
enum err conf_reload(struct conf *c, void *into, conf_changed *changed, void *ctx,
                     struct why *why) MUST_CHECK;

/* One key as it stands now; aliases, planned wildcards and JVM prefixes are not items. */
struct conf_item {
    const struct conf_entry *entry;
    const char *text; /* effective; "********" for a secret that is set */
    struct conf_origin origin;
};
/* In the order of the table: start with *at = 0; false at the end. */
bool conf_next_item(const struct conf *c, size_t *at, struct conf_item *ret);
/* The effective text (secrets too), NULL for an unknown key; and the origin when asked. */
const char *conf_text(const struct conf *c, const char *key, struct conf_origin *ret_origin);
bool conf_is_secret(const struct conf *c, const char *key);

enum conf_note_kind {
    CONF_NOTE_PLANNED,
    CONF_NOTE_JVM,
    CONF_NOTE_UNKNOWN,
    CONF_NOTE_PROFILE,
    CONF_NOTE_BAD
};
struct conf_note {
    enum conf_note_kind kind;
    const char *key; /* or the profile whose file is missing */
    const char
        *text; /* PLANNED: its doc; UNKNOWN: "did you mean …" or ""; BAD: the full sentence */
    struct conf_origin origin;
};
/* Each key once, in order of appearance. */
bool conf_next_note(const struct conf *c, size_t *at, struct conf_note *ret);

/* "from 1 to 1000000", "one of durable, queued": what an entry accepts, for people. */
void conf_say_range(const struct conf_entry *entry, struct buf *out);
