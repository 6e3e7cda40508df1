/* Absolute URLs (see web_url.h). */
#include "codec/web_url.h"

#include "codec/address_public.h"

static bool is_host_char(char c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || (c && strchr(".-_", c));
}

/* Printable ASCII without what browsers, servers and libraries disagree about. */
static bool is_plain(struct bytes s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("\\<>\"^`{|}#", c)) return false;
    }
    return true;
}

static bool is_port(struct bytes text)
{
    uint64_t port = 0;
    return text.n <= 5 && bytes_to_u64(text, &port) && port > 0 && port < 65536;
}

/* "host", "host:port", "[v6]:port" */
static bool split_authority(struct bytes authority, struct bytes *ret_host)
{
    struct bytes host = authority, port = {NULL, 0};
    if (authority.n && authority.p[0] == '[') {
        port = bytes_cut(authority, ']', &host);
        host = bytes_of(host.p + 1, host.n - 1);
        struct address a;
        if (!port.p || address_parse(host, &a)) return false;
        if (port.n && port.p[0] != ':') return false;
        port = port.n ? bytes_of(port.p + 1, port.n - 1) : bytes_of(NULL, 0);
    } else {
        port = bytes_cut(authority, ':', &host);
        for (size_t i = 0; i < host.n; i++)
            if (!is_host_char(host.p[i])) return false;
    }
    *ret_host = host;
    return host.n > 0 && host.n <= 253 && (!port.p || is_port(port));
}

enum err web_url_parse(struct bytes text, struct web_url *ret, struct why *why)
{
    static const struct bytes schemes[] = {BYTES("http://"), BYTES("https://")};
    struct web_url u = {0};
    size_t scheme = 0;
    if (text.n > WEB_URL_MAX)
        return why_say(why, ERR_INVALID, "may have %d characters at most", WEB_URL_MAX);
    if (!is_plain(text))
        return why_say(why, ERR_INVALID, "may have printable ASCII characters only, no fragment");
    while (scheme < 2 &&
           !(text.n >= schemes[scheme].n &&
             bytes_equal_nocase(bytes_of(text.p, schemes[scheme].n), schemes[scheme])))
        scheme++;
    if (scheme == 2) return why_say(why, ERR_INVALID, "must begin with https:// or http://");
    u.secure = scheme == 1;
    size_t at = schemes[scheme].n, end = at;
    while (end < text.n && text.p[end] != '/' && text.p[end] != '?') end++;
    struct bytes authority = bytes_of(text.p + at, end - at);
    if (authority.n && memchr(authority.p, '@', authority.n))
        return why_say(why, ERR_INVALID, "may not carry a user name or password");
    if (!split_authority(authority, &u.host))
        return why_say(why, ERR_INVALID, "has no host that can be called");
    u.origin = bytes_of(text.p, end);
    u.rest = bytes_of(text.p + end, text.n - end);
    *ret = u;
    return ERR_OK;
}

bool web_url_is_inside(const struct web_url *u)
{
    static const struct bytes local = BYTES("localhost");
    struct address a;
    struct bytes host = u->host;
    if (!address_parse(host, &a)) return !address_public_is(&a);
    if (host.n && host.p[host.n - 1] == '.') host.n--;
    if (host.n < local.n) return false;
    struct bytes tail = bytes_of(host.p + host.n - local.n, local.n);
    return bytes_equal_nocase(tail, local) && (host.n == local.n || tail.p[-1] == '.');
}
