#pragma once
/* app/conf_section.h -- a table of keys under one heading of docs/CONFIG.md. Each table is private
 * to its file, which exports this: the rows are counted there, by the compiler.
 * Threads: immutable. */
#include "conf/conf.h"

struct conf_section {
    const char *title, *text;
    const struct conf_entry *entries;
    size_t count;
};

/* The last two members, from the array that holds the rows. */
#define CONF_SECTION_ROWS(table) .entries = (table), .count = sizeof(table) / sizeof(table)[0]
