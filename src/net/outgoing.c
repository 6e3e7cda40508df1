/* HTTP requests and mails by libcurl (see outgoing.h). */
#include "net/outgoing.h"

#include "base/clock.h"
#include "codec/address_public.h"
#include "net/curl_library.h"

#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

enum { ANSWER_BYTES = 64 * 1024, URL_BYTES = 512, ADDRESS_BYTES = 280 };

/* One transfer while it runs. */
struct transfer {
    const struct curl_library *curl;
    CURL *easy;
    const atomic_bool *stop;
    bool public_only, refused, allowed; /* addresses that were tried */
    size_t read;                        /* bytes of the answer */
    struct bytes upload;
    char error[CURL_ERROR_SIZE];
};

static bool address_of(const struct curl_sockaddr *s, struct address *ret)
{
    const struct sockaddr *sa = &s->addr;
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        memset(ret->ip, 0, 10);
        memset(ret->ip + 10, 0xff, 2);
        memcpy(ret->ip + 12, &in.sin_addr, 4);
        return true;
    }
    if (sa->sa_family != AF_INET6) return false;
    struct sockaddr_in6 in6;
    memcpy(&in6, sa, sizeof in6);
    memcpy(ret->ip, &in6.sin6_addr, 16);
    return true;
}

/* Keeps O1: libcurl asks here for the socket it will connect to exactly this address. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *s)
{
    struct transfer *t = ctx;
    struct address a;
    (void)purpose;
    if (t->public_only && (!address_of(s, &a) || !address_public_is(&a))) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    t->allowed = true;
    return socket(s->family, s->socktype | SOCK_CLOEXEC, s->protocol);
}

static size_t take_answer(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    (void)p;
    t->read += size * n;
    return t->read > ANSWER_BYTES ? 0 : size * n;
}

static size_t give_upload(char *p, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t room = size * n, give = t->upload.n < room ? t->upload.n : room;
    if (give) memcpy(p, t->upload.p, give);
    t->upload = bytes_of(t->upload.p + give, t->upload.n - give);
    return give;
}

static int may_go_on(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct transfer *t = ctx;
    (void)a, (void)b, (void)c, (void)d;
    return t->stop && atomic_load_explicit(t->stop, memory_order_relaxed);
}

static bool begin(struct transfer *t, struct outgoing_result *ret)
{
    *ret = (struct outgoing_result){.end = OUTGOING_FAILED};
    t->curl = curl_library_load();
    if (t->curl) t->easy = t->curl->easy_init();
    if (t->easy) return true;
    snprintf(ret->why, sizeof ret->why, "%s", t->curl ? "out of memory" : CURL_LIBRARY_MISSING);
    return false;
}

static void set_common(struct transfer *t, const char *url, int64_t timeout_ns)
{
    CURLcode (*set)(CURL *, CURLoption, ...) = t->curl->easy_setopt;
    long ms = (long)(timeout_ns / NS_PER_MS);
    set(t->easy, CURLOPT_URL, url);
    set(t->easy, CURLOPT_NOSIGNAL, 1L);
    set(t->easy, CURLOPT_NOPROXY, "*");
    set(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(t->easy, CURLOPT_TIMEOUT_MS, ms);
    set(t->easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
    set(t->easy, CURLOPT_ERRORBUFFER, t->error);
    set(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    set(t->easy, CURLOPT_OPENSOCKETDATA, t);
    set(t->easy, CURLOPT_WRITEFUNCTION, take_answer);
    set(t->easy, CURLOPT_WRITEDATA, t);
    set(t->easy, CURLOPT_NOPROGRESS, 0L);
    set(t->easy, CURLOPT_XFERINFOFUNCTION, may_go_on);
    set(t->easy, CURLOPT_XFERINFODATA, t);
}

/* libcurl's own words name hosts and ports, which is fine; a URL it never repeats here. */
static void explain(const struct transfer *t, CURLcode code, struct outgoing_result *ret)
{
    const char *text = t->error[0] ? t->error : t->curl->easy_strerror(code);
    if (code == CURLE_ABORTED_BY_CALLBACK) text = "the server is stopping";
    snprintf(ret->why, sizeof ret->why, "%.*s", (int)sizeof ret->why - 1, text);
}

/* --- HTTP ------------------------------------------------------------------------------------- */

static struct curl_slist *make_headers(const struct curl_library *curl, const char *const *headers)
{
    struct curl_slist *list = curl->slist_append(NULL, "Expect:"); /* one round trip less */
    for (; list && *headers; headers++) {
        struct curl_slist *more = curl->slist_append(list, *headers);
        if (!more) curl->slist_free_all(list);
        list = more;
    }
    return list;
}

static void post_settle(struct transfer *t, CURLcode code, struct outgoing_result *ret)
{
    long status = 0;
    curl_off_t retry_after_s = 0;
    t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->curl->easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    bool cut = code == CURLE_WRITE_ERROR && t->read > ANSWER_BYTES; /* by us: it said enough */
    if (code == CURLE_OK || cut) {
        ret->end = OUTGOING_ANSWERED;
        ret->status = (int)status;
        ret->retry_after_s = retry_after_s;
    } else if (t->refused && !t->allowed) {
        ret->end = OUTGOING_REFUSED;
        snprintf(ret->why, sizeof ret->why, "the address is not a public one");
    } else {
        explain(t, code, ret);
    }
}

void outgoing_post(const struct outgoing_post *request, struct outgoing_result *ret)
{
    struct transfer t = {.stop = request->stop, .public_only = request->public_only};
    if (!begin(&t, ret)) return;
    struct curl_slist *headers = make_headers(t.curl, request->headers);
    CURLcode (*set)(CURL *, CURLoption, ...) = t.curl->easy_setopt;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (headers) {
        set_common(&t, request->url, request->timeout_ns);
        set(t.easy, CURLOPT_PROTOCOLS_STR, "http,https");
        set(t.easy, CURLOPT_HTTPHEADER, headers);
        set(t.easy, CURLOPT_POST, 1L);
        set(t.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        set(t.easy, CURLOPT_POSTFIELDS, request->body.n ? request->body.p : "");
        code = t.curl->easy_perform(t.easy);
    }
    post_settle(&t, code, ret);
    t.curl->easy_cleanup(t.easy);
    t.curl->slist_free_all(headers);
}

/* --- mail ------------------------------------------------------------------------------------- */

static void mail_settle(struct transfer *t, CURLcode code, struct outgoing_result *ret)
{
    long status = 0;
    t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    if (code == CURLE_OK) {
        ret->end = OUTGOING_ANSWERED;
        return;
    }
    /* a login that is refused is for the operator to mend, so it is tried again */
    ret->final = status >= 500 && status < 600 && code != CURLE_LOGIN_DENIED;
    explain(t, code, ret);
}

static void set_mail(struct transfer *t, const struct outgoing_mail *m)
{
    static const long tls[] = {CURLUSESSL_ALL, CURLUSESSL_TRY, CURLUSESSL_NONE};
    CURLcode (*set)(CURL *, CURLoption, ...) = t->curl->easy_setopt;
    set(t->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    set(t->easy, CURLOPT_USE_SSL, m->port == 465 ? CURLUSESSL_ALL : tls[m->tls]);
    if (m->ca_file[0]) set(t->easy, CURLOPT_CAINFO, m->ca_file);
    if (m->username[0]) {
        set(t->easy, CURLOPT_USERNAME, m->username);
        set(t->easy, CURLOPT_PASSWORD, m->password);
    }
    set(t->easy, CURLOPT_UPLOAD, 1L);
    set(t->easy, CURLOPT_READFUNCTION, give_upload);
    set(t->easy, CURLOPT_READDATA, t);
}

void outgoing_mail(const struct outgoing_mail *m, struct outgoing_result *ret)
{
    struct transfer t = {.stop = m->stop, .upload = m->message};
    char url[URL_BYTES], from[ADDRESS_BYTES], to[ADDRESS_BYTES];
    if (!begin(&t, ret)) return;
    snprintf(url, sizeof url, "%s://%s:%d", m->port == 465 ? "smtps" : "smtp", m->host, m->port);
    snprintf(from, sizeof from, "<%s>", m->from);
    snprintf(to, sizeof to, "<%s>", m->to);
    struct curl_slist *receivers = t.curl->slist_append(NULL, to);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (receivers) {
        set_common(&t, url, m->timeout_ns);
        set_mail(&t, m);
        t.curl->easy_setopt(t.easy, CURLOPT_MAIL_FROM, from);
        t.curl->easy_setopt(t.easy, CURLOPT_MAIL_RCPT, receivers);
        code = t.curl->easy_perform(t.easy);
    }
    mail_settle(&t, code, ret);
    t.curl->easy_cleanup(t.easy);
    t.curl->slist_free_all(receivers);
}
