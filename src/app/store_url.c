/* Reading store.url (see store_url.h). */
#include "app/store_url.h"

#include "base/buf.h"

#include <string.h>

/* The driver's names that libpq has too; "": the same. */
static const struct {
    const char *jdbc, *libpq;
} kept[] = {
    {"user", ""},    {"password", ""},
    {"sslmode", ""}, {"sslcert", ""},
    {"sslkey", ""},  {"sslrootcert", ""},
    {"ssl", NULL},   {"currentSchema", "options=-csearch_path%3D"},
};

static struct bytes cut(struct bytes *rest, char end)
{
    const char *at = rest->n ? memchr(rest->p, end, rest->n) : NULL;
    size_t n = at ? (size_t)(at - rest->p) : rest->n;
    struct bytes part = bytes_of(rest->p, n);
    *rest = bytes_of(rest->p + n + (at != NULL), rest->n - n - (at != NULL));
    return part;
}

static void add_parameter(struct buf *out, struct bytes pair, bool *first)
{
    struct bytes value = pair, name = cut(&value, '=');
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (!bytes_equal(name, bytes_str(kept[i].jdbc))) continue;
        bool off = !kept[i].libpq && bytes_equal(value, BYTES("false"));
        if (off) return;
        buf_add_char(out, *first ? '?' : '&');
        *first = false;
        if (!kept[i].libpq) { /* ssl, ssl=true: what the driver takes it for */
            buf_add_str(out, "sslmode=verify-full");
            return;
        }
        buf_add_str(out, kept[i].libpq);
        if (!kept[i].libpq[0]) {
            buf_add_bytes(out, name);
            buf_add_char(out, '=');
        }
        buf_add_bytes(out, value);
        return;
    }
}

/* rest: behind "jdbc:postgresql:", so "//HOST/DB?…" or the name of a local database. */
static void write_jdbc(struct buf *out, struct bytes rest)
{
    bool first = true;
    struct bytes query = rest, place = cut(&query, '?');
    buf_add_str(out, bytes_starts(place, BYTES("//")) ? "postgresql:" : "postgresql://localhost/");
    buf_add_bytes(out, place);
    while (query.n) add_parameter(out, cut(&query, '&'), &first);
}

static enum err take(struct store_url *ret, enum store_url_kind kind, struct bytes text,
                     struct why *why)
{
    if (text.n >= sizeof ret->text || (text.n && memchr(text.p, 0, text.n)))
        return why_say(why, ERR_INVALID, "store.url: it is longer than %zu bytes",
                       sizeof ret->text - 1);
    ret->kind = kind;
    if (text.n) memcpy(ret->text, text.p, text.n);
    ret->text[text.n] = 0;
    return ERR_OK;
}

static enum err take_jdbc(struct store_url *ret, struct bytes rest, struct why *why)
{
    struct buf out;
    buf_init(&out, 1 << 14);
    write_jdbc(&out, rest);
    enum err e = out.err ? why_say(why, out.err, "store.url: %s", err_sentence(out.err))
                         : take(ret, STORE_URL_POSTGRES, buf_bytes(&out), why);
    buf_done(&out);
    return e;
}

enum err store_url_parse(struct store_url *ret, struct bytes url, struct why *why)
{
    static const struct bytes embedded = {"embedded:", 9}, jdbc = {"jdbc:postgresql:", 16};
    if (!url.n) return take(ret, STORE_URL_EMBEDDED, url, why);
    if (bytes_starts(url, embedded))
        return take(ret, STORE_URL_EMBEDDED, bytes_of(url.p + embedded.n, url.n - embedded.n), why);
    if (bytes_starts(url, jdbc))
        return take_jdbc(ret, bytes_of(url.p + jdbc.n, url.n - jdbc.n), why);
    if (bytes_starts(url, BYTES("postgres://")) || bytes_starts(url, BYTES("postgresql://")))
        return take(ret, STORE_URL_POSTGRES, url, why);
    return why_say(why, ERR_INVALID,
                   "store.url is not an address; it takes embedded:DIR or "
                   "postgres://USER:PASSWORD@HOST:PORT/DATABASE");
}
