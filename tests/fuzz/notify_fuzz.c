/* What people type that goes to others: a URL that is taken has only its own parts; a mail is 7-bit
 * clean, short in its lines, and has the headers we write and no other, whatever is in it. */
#include "codec/mail_message.h"
#include "codec/web_url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_url(struct bytes s)
{
    struct web_url u;
    struct why why = {""};
    if (web_url_parse(s, &u, &why)) {
        if (!why.text[0]) abort();
        return;
    }
    if (u.origin.n + u.rest.n != s.n || u.origin.p != s.p) abort();
    if (!u.host.n || memchr(u.origin.p, '@', u.origin.n)) abort();
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '\\') abort();
    (void)web_url_is_inside(&u);
}

/* Header lines, without those that continue one. */
static void check_mail(struct buf *b)
{
    int headers = 0;
    const char *text = buf_cstr(b), *body = strstr(text, "\r\n\r\n");
    if (!body) abort();
    for (const char *line = text, *end; (end = strstr(line, "\r\n")); line = end + 2) {
        if (end - line > 78 && line > body) abort();
        if (memchr(line, '\n', (size_t)(end - line)) || memchr(line, '\r', (size_t)(end - line)))
            abort();
        headers += line < body && *line != ' ';
        if (line > body && *line == '.') abort();
    }
    for (size_t i = 0; i < b->n; i++)
        if ((unsigned char)b->p[i] >= 0x7f || !b->p[i]) abort();
    if (headers != 10) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct bytes s = bytes_of(p, n), subject, to;
    struct buf b;
    check_url(s);
    struct bytes rest = bytes_cut(s, '\0', &subject);
    struct bytes text = rest.p ? bytes_cut(rest, '\0', &to) : rest;
    const struct mail_message plain = {BYTES("a@b"), BYTES("c@d"), subject, text, BYTES("id"), 0};
    buf_init(&b, 1 << 22);
    if (mail_message_write(&b, &plain) == ERR_OK) check_mail(&b);
    buf_clear(&b);
    const struct mail_message given = {subject, rest.p ? to : s, s, s, BYTES("id"), INT64_MAX / 2};
    if (mail_message_write(&b, &given) == ERR_OK && !strstr(buf_cstr(&b), "\r\n\r\n")) abort();
    buf_done(&b);
    return 0;
}
