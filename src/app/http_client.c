/* HTTP by libcurl's easy interface (see http_client.h). */
#include "app/http_client.h"

#include "base/mem.h"
#include "net/curl_library.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum {
    ANSWER_MAX_BYTES = 64 << 20,
    URL_MAX_BYTES = 32 << 10,
    HEADERS_MAX = 8,
    HEADER_BYTES = 4096
};

struct http_client {
    const struct curl_library *curl;
    CURL *easy;
    char *base; /* owned */
    char headers[HEADERS_MAX][HEADER_BYTES];
    size_t header_count;
    struct buf body;
    const struct http_request *request; /* while one runs */
    bool sink_stopped;
    char error[CURL_ERROR_SIZE];
};

static bool is_loopback(const char *base)
{
    struct bytes host = bytes_str(strstr(base, "://") ? strstr(base, "://") + 3 : base);
    return bytes_starts(host, BYTES("127.")) || bytes_starts(host, BYTES("localhost")) ||
           bytes_starts(host, BYTES("[::1]"));
}

enum err http_client_open(struct http_client **ret, const char *base, struct why *why)
{
    const struct curl_library *library = curl_library_load();
    if (!library) return why_say(why, ERR_UNSUPPORTED, CURL_LIBRARY_MISSING);
    if (strncmp(base, "http://", 7) != 0 && strncmp(base, "https://", 8) != 0)
        return why_say(why, ERR_INVALID, "%.100s is not an http:// or https:// address", base);
    struct http_client *c = mem_zalloc(sizeof *c);
    if (!c) return ERR_NOMEM;
    buf_init(&c->body, ANSWER_MAX_BYTES);
    size_t n = strlen(base);
    while (n && base[n - 1] == '/') n--;
    c->base = mem_copy(base, n);
    c->curl = library;
    c->easy = library->easy_init();
    if (!c->base || !c->easy) {
        http_client_close(c);
        return ERR_NOMEM;
    }
    *ret = c;
    return ERR_OK;
}

void http_client_close(struct http_client *c)
{
    if (!c) return;
    if (c->easy) c->curl->easy_cleanup(c->easy);
    mem_free(c->base);
    buf_done(&c->body);
    mem_free(c);
}

enum err http_client_set_header(struct http_client *c, const char *name, const char *value)
{
    size_t n = strlen(name), i = 0;
    while (i < c->header_count && (strncmp(c->headers[i], name, n) != 0 || c->headers[i][n] != ':'))
        i++;
    if (i == HEADERS_MAX) return ERR_FULL;
    if (strpbrk(value, "\r\n")) return ERR_INVALID;
    if (snprintf(c->headers[i], HEADER_BYTES, "%s: %s", name, value) >= HEADER_BYTES)
        return ERR_TOOLARGE;
    if (i == c->header_count) c->header_count++;
    return ERR_OK;
}

/* libcurl's write callback: anything but size * n stops the transfer. */
static size_t take_part(char *p, size_t size, size_t n, void *arg)
{
    struct http_client *c = arg;
    long status = 0;
    c->curl->easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    struct bytes part = bytes_of(p, size * n);
    if (c->request->sink && status >= 200 && status < 300) {
        c->sink_stopped = !c->request->sink(c->request->sink_ctx, part);
        return c->sink_stopped ? 0 : part.n;
    }
    buf_add_bytes(&c->body, part);
    return c->body.err ? 0 : part.n;
}

static struct curl_slist *make_headers(struct http_client *c, const struct http_request *request)
{
    char type[HEADER_BYTES];
    struct curl_slist *list = c->curl->slist_append(NULL, "Expect:"); /* one round trip less */
    for (size_t i = 0; list && i < c->header_count; i++) {
        struct curl_slist *more = c->curl->slist_append(list, c->headers[i]);
        if (!more) c->curl->slist_free_all(list);
        list = more;
    }
    if (!list || !request->content_type) return list;
    snprintf(type, sizeof type, "Content-Type: %s", request->content_type);
    struct curl_slist *more = c->curl->slist_append(list, type);
    if (!more) c->curl->slist_free_all(list);
    return more;
}

static void set_options(struct http_client *c, const struct http_request *request, const char *url,
                        struct curl_slist *headers)
{
    CURL *easy = c->easy;
    c->curl->easy_setopt(easy, CURLOPT_URL, url);
    c->curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    c->curl->easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    c->curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    c->curl->easy_setopt(easy, CURLOPT_POST, request->content_type ? 1L : 0L);
    if (!request->content_type) c->curl->easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (request->content_type) {
        c->curl->easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.n ? request->body.p : "");
        c->curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
    }
    c->curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_part);
    c->curl->easy_setopt(easy, CURLOPT_WRITEDATA, c);
    c->curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, c->error);
    c->curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    c->curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    c->curl->easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L); /* silent for a minute: given up */
    c->curl->easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, 60L);
    if (is_loopback(c->base)) c->curl->easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

enum err http_client_send(struct http_client *c, const struct http_request *request,
                          struct http_answer *ret, struct why *why)
{
    struct buf url;
    long status = 0;
    buf_init(&url, URL_MAX_BYTES);
    buf_printf(&url, "%s%s", c->base, request->path);
    const char *text = buf_cstr(&url);
    struct curl_slist *headers = make_headers(c, request);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    c->request = request;
    c->sink_stopped = false;
    c->error[0] = 0;
    buf_clear(&c->body);
    if (headers && !url.err) {
        set_options(c, request, text, headers);
        code = c->curl->easy_perform(c->easy);
        c->curl->easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        c->curl->easy_setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
    }
    if (headers) c->curl->slist_free_all(headers);
    buf_done(&url);
    if (c->sink_stopped) return why_say(why, ERR_CLOSED, "stopped by its reader");
    if (code != CURLE_OK)
        return why_say(why, ERR_IO, "%.120s: %.120s", c->base,
                       c->error[0] ? c->error : c->curl->easy_strerror(code));
    curl_off_t retry_after_s = 0;
    c->curl->easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    *ret = (struct http_answer){(int)status, retry_after_s, buf_bytes(&c->body)};
    return ERR_OK;
}

void http_client_explain(const struct http_answer *answer, struct why *why)
{
    cJSON *root = cJSON_ParseWithLength(answer->body.p ? answer->body.p : "", answer->body.n);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "detail"));
    if (!text) text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "message"));
    if (!text) text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "error"));
    int n = answer->body.n < 160 ? (int)answer->body.n : 160;
    if (text)
        (void)why_say(why, ERR_INVALID, "%d: %s", answer->status, text);
    else
        (void)why_say(why, ERR_INVALID, "%d: %.*s", answer->status, n, answer->body.p);
    cJSON_Delete(root);
}

void http_client_escape(struct buf *out, struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c);
        if (plain && c)
            buf_add_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}
