/* Mails as text (see mail_message.h). */
#include "codec/mail_message.h"

#include "codec/base64.h"

#include <time.h>

enum { ADDRESS_MAX = 254, WORD_BYTES = 42, LINE_MAX = 74 };

bool mail_message_is_address(struct bytes a)
{
    struct bytes local, domain = bytes_cut(a, '@', &local);
    if (!domain.n || !local.n || local.n > 64 || a.n > ADDRESS_MAX) return false;
    for (size_t i = 0; i < a.n; i++) {
        unsigned char c = (unsigned char)a.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("<>()[],;:\\\"", c)) return false;
    }
    return !memchr(domain.p, '@', domain.n);
}

struct bytes mail_message_address_of(struct bytes from)
{
    struct bytes a = bytes_trim(from), head;
    if (a.n && a.p[a.n - 1] == '>') {
        a = bytes_cut(bytes_of(a.p, a.n - 1), '<', &head);
    }
    return mail_message_is_address(a) ? a : bytes_of(NULL, 0);
}

static bool is_plain(struct bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] >= 0x7f) return false;
    return s.n < LINE_MAX && !(s.n >= 2 && memcmp(s.p, "=?", 2) == 0);
}

/* Bytes of the UTF-8 character at s.p[i]; 0: there is none. */
static size_t char_at(struct bytes s, size_t i)
{
    for (size_t n = 1; n <= 4 && i + n <= s.n; n++)
        if (bytes_is_utf8(bytes_of(s.p + i, n))) return n;
    return 0;
}

/* Encoded words of at most 42 bytes each, never in the middle of a character; a control character
 * becomes a blank, what is not UTF-8 a question mark. */
static void add_words(struct buf *out, struct bytes s)
{
    char word[WORD_BYTES], text[64];
    size_t n = 0;
    for (size_t i = 0; i <= s.n;) {
        size_t step = i < s.n ? char_at(s, i) : 0;
        if (n && (i == s.n || n + (step ? step : 1) > sizeof word)) {
            size_t length = base64_encode(bytes_of(word, n), text);
            buf_printf(out, "=?UTF-8?B?%.*s?=%s", (int)length, text, i == s.n ? "" : "\r\n ");
            n = 0;
        }
        if (i == s.n) break;
        if (step > 1)
            memcpy(word + n, s.p + i, step);
        else
            word[n] = !step ? '?' : (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : s.p[i];
        n += step ? step : 1;
        i += step ? step : 1;
    }
}

static void add_header(struct buf *out, const char *name, struct bytes value)
{
    buf_printf(out, "%s: ", name);
    if (is_plain(value))
        buf_add_bytes(out, value);
    else
        add_words(out, value);
    buf_add_str(out, "\r\n");
}

static void add_from(struct buf *out, struct bytes from, struct bytes address)
{
    struct bytes name = {NULL, 0};
    if (address.p != bytes_trim(from).p) bytes_cut(from, '<', &name);
    name = bytes_trim(name);
    buf_add_str(out, "From: ");
    if (name.n) {
        add_words(out, name); /* always encoded: nothing in it needs quoting then */
        buf_add_str(out, " ");
    }
    buf_printf(out, "<%.*s>\r\n", (int)address.n, address.p);
}

static void add_date(struct buf *out, int64_t unix_s)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t t = (time_t)unix_s;
    struct tm tm;
    if (!gmtime_r(&t, &tm)) return; /* a year beyond int: no date at all */
    buf_printf(out, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\r\n", days + 3 * tm.tm_wday,
               tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
               tm.tm_sec);
}

/* Quoted-printable: lines of at most 76, LF or CR LF of the text become CR LF. */
static void add_text(struct buf *out, struct bytes text)
{
    size_t column = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n') continue;
        if (c == '\n') {
            buf_add_str(out, "\r\n");
            column = 0;
            continue;
        }
        if (column >= LINE_MAX - 2) {
            buf_add_str(out, "=\r\n");
            column = 0;
        }
        bool last = i + 1 == text.n || text.p[i + 1] == '\n' || text.p[i + 1] == '\r';
        bool plain =
            c >= ' ' && c < 0x7f && c != '=' && !(c == ' ' && last) && !(c == '.' && column == 0);
        if (plain)
            buf_add_char(out, (char)c);
        else
            buf_printf(out, "=%02X", c);
        column += plain ? 1 : 3;
    }
    buf_add_str(out, "\r\n");
}

enum err mail_message_write(struct buf *out, const struct mail_message *m)
{
    struct bytes from = mail_message_address_of(m->from), host;
    if (!from.p || !mail_message_is_address(m->to) || !is_plain(m->id)) return ERR_INVALID;
    host = bytes_cut(from, '@', &(struct bytes){NULL, 0});
    add_from(out, m->from, from);
    buf_printf(out, "To: <%.*s>\r\n", (int)m->to.n, m->to.p);
    add_header(out, "Subject", m->subject);
    add_date(out, m->date_s);
    buf_printf(out, "Message-ID: <%.*s@%.*s>\r\n", (int)m->id.n, m->id.p, (int)host.n, host.p);
    add_header(out, "X-SensorVision-Delivery", m->id);
    buf_add_str(out, "Auto-Submitted: auto-generated\r\n"
                     "MIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    add_text(out, m->text);
    return out->err;
}
