#pragma once
/* codec/line_series.h -- the front of a line-protocol line, and the variable names that follow from
 * it: measurement and tags -> device, properties, identity. Used by line_protocol.c only, whose
 * header states the rules (L1 to L3).
 * Threads: owner only.   Memory: as raw_batch.h says. */
#include "codec/raw_batch.h"

enum {
    LINE_TAGS_MAX = RAW_PROPERTIES_MAX, /* more is a bad line */
    LINE_NAMES_CACHED = 512             /* composed names that a body repeats are made once */
};

enum line_class { /* of a byte, for scanning up to a delimiter */
                  LINE_COMMA = 1,
                  LINE_EQUALS = 2,
                  LINE_BLANK = 4,
                  LINE_BREAK = 8,
                  LINE_SLASH = 16,
                  LINE_ODD = 32, /* control, or not ASCII: the word needs a closer look */
};

struct line_word {
    struct bytes raw; /* as written */
    bool escaped;     /* a backslash stands before , = or blank in it */
    bool odd;         /* it has a byte of LINE_ODD */
};

/* Passes a word up to a byte of one of the classes `stop`, or the end; *at stands on it. */
struct line_word line_word_take(const char **at, const char *end, unsigned stop);

struct line_tag {
    struct bytes key, value;
    enum { LINE_TAG_IDENTITY, LINE_TAG_DEVICE, LINE_TAG_PROPERTY, LINE_TAG_VARIABLE } role;
};

struct line_series {
    struct arena *arena;               /* borrowed */
    const struct bytes *property_tags; /* borrowed */
    size_t property_tag_count;
    struct bytes *names; /* LINE_NAMES_CACHED of them, from the arena; NULL until needed */

    /* of the current line: */
    struct bytes measurement;
    struct line_tag tags[LINE_TAGS_MAX];
    size_t tag_count;
    struct bytes device;
    struct bytes variable;         /* tag "variable"; p == NULL: none */
    struct bytes prefix;           /* goes before the field and a "_"; empty: nothing does */
    char suffix[RAW_NAME_MAX + 1]; /* {cpu=cpu0}; longer than a name may be is noticed here */
    size_t suffix_n;
};

/* Reads up to the blank before the fields. NULL on success, else what is wrong; ERR_NOMEM shows as
 * *ret_e. */
const char *line_series_read(struct line_series *s, const char **at, const char *end,
                             enum err *ret_e);
/* Decides prefix and suffix: `variable_names`: the tag "variable" is the name, not identity. */
const char *line_series_settle(struct line_series *s, bool variable_names);
/* The name of a field of this line. NULL on success. */
const char *line_series_name(struct line_series *s, const struct line_word *field,
                             struct bytes *ret, enum err *ret_e);
