#pragma once
/* conf/conf_value.h -- text to typed value and back, by the unit of a key. Inside conf/ only.
 * Threads: any.   Memory: lists are allocated from the given arena, texts borrowed from the input.
 */
#include "base/arena.h"
#include "conf/conf.h"

struct conf_value {
    int64_t integer; /* COUNT, MS, S (nanoseconds), BYTES, CHOICE, BOOL */
    double real;     /* RATIO */
    const char *text;
    const char *const *list;
};

/* Blanks at both ends do not count (but for secrets). ERR_INVALID: not such a value or out of
 * range. */
enum err conf_value_parse(const struct conf_entry *entry, const char *text, struct arena *arena,
                          struct conf_value *ret) MUST_CHECK;
/* Writes the member at `at`. */
void conf_value_store(const struct conf_entry *entry, const struct conf_value *v, void *at);
