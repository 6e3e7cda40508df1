/* A configuration as text, JSON and log lines (see conf_report.h). */
#include "app/conf_report.h"

#include "base/log.h"
#include "codec/json_write.h"

#include <stdio.h>

static const struct {
    enum conf_note_kind kind;
    const char *title, *member, *event;
    enum log_level level;
} kinds[] = {
    {CONF_NOTE_BAD, "Not accepted:", "bad", "config_bad", LOG_WARN},
    {CONF_NOTE_PROFILE, "Profiles without a file:", "missingProfiles", "config_profile_missing",
     LOG_WARN},
    {CONF_NOTE_PLANNED, "Planned, accepted without effect:", "planned", "config_planned", LOG_WARN},
    {CONF_NOTE_JVM, "The JVM's, ignored:", "ignored", "config_ignored_jvm", LOG_INFO},
    {CONF_NOTE_UNKNOWN, "Unknown:", "unknown", "config_unknown", LOG_WARN},
};
enum { KINDS = sizeof kinds / sizeof kinds[0], ORIGIN_BYTES = 1200 };

static void say_origin(const struct conf_origin *o, char *ret, size_t n)
{
    static const char *const words[] = {"default", "file", "environment", "command line",
                                        "override"};
    int used = o->line ? snprintf(ret, n, "%s:%zu", o->where, o->line)
               : o->layer == CONF_FROM_FILE || o->layer == CONF_FROM_DEFAULT
                   ? snprintf(ret, n, "%s", o->layer ? o->where : words[0])
                   : snprintf(ret, n, "%s %s", words[o->layer], o->where);
    if (o->alias && used > 0 && (size_t)used < n)
        snprintf(ret + used, n - (size_t)used, " as %s", o->alias);
}

static const char *effect_of(const struct conf_entry *entry)
{
    return entry->flags & CONF_LIVE ? "LIVE" : "RESTART";
}

size_t conf_report_text(const struct conf *c, struct buf *out)
{
    char origin[ORIGIN_BYTES];
    struct conf_item item;
    struct conf_note note;
    size_t bad = 0;
    for (size_t at = 0; conf_next_item(c, &at, &item);) {
        say_origin(&item.origin, origin, sizeof origin);
        const char *planned = item.entry->flags & CONF_PLANNED ? ", planned" : "";
        buf_printf(out, "%-7s %s=%s   (%s%s)\n", effect_of(item.entry), item.entry->key, item.text,
                   origin, planned);
    }
    for (size_t k = 0; k < KINDS; k++) {
        bool titled = false;
        for (size_t at = 0; conf_next_note(c, &at, &note);) {
            if (note.kind != kinds[k].kind) continue;
            if (!titled) buf_printf(out, "\n%s\n", kinds[k].title);
            titled = true;
            bad += note.kind == CONF_NOTE_BAD;
            if (note.kind == CONF_NOTE_BAD) {
                buf_printf(out, "  %s\n", note.text);
                continue;
            }
            say_origin(&note.origin, origin, sizeof origin);
            buf_printf(out, "  %s   (%s)%s%s\n", note.key, origin, note.text[0] ? "  " : "",
                       note.text);
        }
    }
    return bad;
}

static void write_origin(struct buf *out, const struct conf_origin *o)
{
    static const char *const words[] = {"default", "file", "environment", "set", "override"};
    json_write_key(out, "origin");
    json_write_open(out, '{');
    json_write_member_text(out, "layer", words[o->layer]);
    json_write_member_text(out, "where", o->where);
    if (o->line) json_write_member_u64(out, "line", o->line);
    if (o->alias) json_write_member_text(out, "as", o->alias);
    json_write_close(out, '}');
}

size_t conf_report_json(const struct conf *c, struct buf *out)
{
    struct conf_item item;
    struct conf_note note;
    size_t bad = 0;
    json_write_open(out, '{');
    json_write_key(out, "keys");
    json_write_open(out, '[');
    for (size_t at = 0; conf_next_item(c, &at, &item);) {
        json_write_open(out, '{');
        json_write_member_text(out, "key", item.entry->key);
        json_write_member_text(out, "value", item.text);
        json_write_member_text(out, "effect", effect_of(item.entry));
        json_write_member_bool(out, "planned", (item.entry->flags & CONF_PLANNED) != 0);
        write_origin(out, &item.origin);
        json_write_close(out, '}');
    }
    json_write_close(out, ']');
    for (size_t k = 0; k < KINDS; k++) {
        json_write_key(out, kinds[k].member);
        json_write_open(out, '[');
        for (size_t at = 0; conf_next_note(c, &at, &note);) {
            if (note.kind != kinds[k].kind) continue;
            bad += note.kind == CONF_NOTE_BAD;
            json_write_open(out, '{');
            json_write_member_text(out, "key", note.key);
            json_write_member_text(out, "text", note.text);
            write_origin(out, &note.origin);
            json_write_close(out, '}');
        }
        json_write_close(out, ']');
    }
    json_write_close(out, '}');
    buf_add_char(out, '\n');
    return bad;
}

void conf_report_log(const struct conf *c)
{
    struct conf_note note;
    for (size_t at = 0; conf_next_note(c, &at, &note);) {
        size_t k = 0;
        while (kinds[k].kind != note.kind) k++;
        if (note.text[0])
            LOG(kinds[k].level, kinds[k].event, LOG_S("key", note.key), LOG_S("note", note.text),
                LOG_S("from", note.origin.where));
        else
            LOG(kinds[k].level, kinds[k].event, LOG_S("key", note.key),
                LOG_S("from", note.origin.where));
    }
}
