/* docs/CONFIG.md out of the tables (see conf_docs.h). */
#include "app/conf_docs.h"

#include "app/conf_tables.h"

static const char opening[] =
    "# Configuration\n\n"
    "Written by `sensorvision docs config` from the tables in `src/app/conf_tables.c`; edit "
    "those.\n\n"
    "Order: built-in default < file < environment < `--set` < overrides kept in the store "
    "(`sensorvision config set`). `sensorvision check-config` prints what counts and where it "
    "comes "
    "from.\n\n"
    "The file is a Java `.properties` file: comments, continuations, `\\u` escapes, "
    "`${ENV:default}`; "
    "`spring.profiles.include` and `spring.profiles.active` load the sibling "
    "`application-<profile>.properties`, later wins. In the environment a key is upper case, `.` "
    "and "
    "`-` become `_`: `SERVER_PORT`. Durations take `5000` (the key's unit), `5s`, `5m`; byte sizes "
    "`65536`, `64KiB`, `64MiB`. A wrong value stops the start and names file, line, key, value and "
    "what is accepted; an unknown key is listed, never an error. SIGHUP reads the file again.\n\n"
    "LIVE keys take effect at once after `config set` or SIGHUP, the others at the next start.\n";

static void add_cell(struct buf *out, const char *text)
{
    buf_add_str(out, "| ");
    for (; *text; text++) {
        if (*text == '|') buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
    buf_add_char(out, ' ');
}

static void add_row(struct buf *out, const struct conf_entry *entry)
{
    buf_printf(out, "| `%s` ", entry->key);
    if (entry->flags & CONF_ALIAS) {
        buf_printf(out, "| | | | Stands for `%s`. |\n", entry->more);
        return;
    }
    struct buf range;
    buf_init(&range, 1024);
    conf_say_range(entry, &range);
    add_cell(out, entry->absent[0] ? entry->absent : "none");
    add_cell(out, buf_cstr(&range));
    add_cell(out, entry->flags & CONF_LIVE ? "LIVE" : "RESTART");
    add_cell(out, entry->doc);
    if (entry->flags & CONF_FALLBACK) buf_printf(out, "Not set: as `%s`. ", entry->more);
    if (entry->flags & CONF_SECRET) buf_add_str(out, "Never shown. ");
    buf_add_str(out, "|\n");
    buf_done(&range);
}

void conf_docs_write(struct buf *out)
{
    buf_add_str(out, opening);
    for (size_t s = 0; s < conf_tables_section_count; s++) {
        const struct conf_section *section = conf_tables_sections[s];
        buf_printf(out, "\n## %s\n\n%s\n\n", section->title, section->text);
        if (section->entries[0].flags & CONF_JVM) {
            for (size_t i = 0; i < section->count; i++)
                buf_printf(out, "- `%s*`\n", section->entries[i].key);
            continue;
        }
        buf_add_str(
            out, "| key | default | takes | when | meaning |\n| --- | --- | --- | --- | --- |\n");
        for (size_t i = 0; i < section->count; i++) add_row(out, &section->entries[i]);
    }
}
