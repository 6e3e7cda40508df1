/* Alerts for an Alertmanager (see notify_alertmanager.h). */
#include "rules/notify_alertmanager.h"

#include "codec/json_write.h"
#include "store/catalog_alerts.h"

enum { PAGE = 500, BODY_BYTES = 8 << 20, ARENA_BYTES = 16 << 20, WAITS = 4 };

/* A label without a value is no label. */
static void add_label(struct buf *b, const char *name, struct bytes value)
{
    if (value.n) json_write_member_str(b, name, value);
}

static void add_uuid(struct buf *b, const char *name, const struct uuid *u)
{
    char text[UUID_TEXT + 1];
    uuid_format(u, text);
    json_write_member_text(b, name, text);
}

static void write_labels(struct buf *b, const struct alert *a)
{
    static const char *const severities[] = {"low", "medium", "high", "critical"};
    char org[24];
    struct buf text;
    buf_init(&text, sizeof org);
    buf_add_i64(&text, a->org);
    json_write_key(b, "labels");
    json_write_open(b, '{');
    add_label(b, "alertname", a->rule_name);
    json_write_member_text(b, "severity", severities[(unsigned)a->severity % ALERT_SEVERITIES]);
    json_write_member_str(b, "organization", buf_bytes(&text));
    add_label(b, "device", a->device_external_id);
    add_label(b, "variable", a->variable);
    add_uuid(b, "rule", &a->rule_uuid);
    add_uuid(b, "alert", &a->uuid); /* what keeps two of the same rule apart */
    json_write_close(b, '}');
    buf_done(&text);
}

void notify_alertmanager_write(struct buf *out, const struct alert *a, int64_t ends_ns,
                               const char *public_url)
{
    json_write_open(out, '{');
    write_labels(out, a);
    json_write_key(out, "annotations");
    json_write_open(out, '{');
    add_label(out, "summary", a->message);
    add_label(out, "deviceName", a->device_name);
    json_write_close(out, '}');
    json_write_member_time(out, "startsAt", a->raised_ns);
    if (ends_ns) json_write_member_time(out, "endsAt", ends_ns);
    if (public_url[0]) json_write_member_text(out, "generatorURL", public_url);
    json_write_close(out, '}');
}

void notify_alertmanager_url(struct buf *out, const char *base)
{
    struct bytes b = bytes_str(base);
    while (b.n && b.p[b.n - 1] == '/') b.n--;
    buf_add_bytes(out, b);
    buf_add_str(out, "/api/v2/alerts");
}

/* --- again ------------------------------------------------------------------------------------ */

static enum err list(struct sql_db *db, const struct alert *last, struct arena *a,
                     struct alert **ret, size_t *ret_n)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_alerts_open_after(tx, last->org, last->id, PAGE, a, ret, ret_n));
}

static enum err post(const struct notify_outbox *o, const struct notify_transport *transport,
                     const struct alert *alerts, size_t n, struct notify_answer *ret)
{
    struct buf body, url;
    const char *const headers[] = {"Content-Type: application/json", NULL};
    int64_t ends_ns = clock_wall_ns(o->clock) + WAITS * o->site.resend_ns;
    buf_init(&body, BODY_BYTES);
    buf_init(&url, 4096);
    json_write_open(&body, '[');
    for (size_t i = 0; i < n; i++)
        notify_alertmanager_write(&body, &alerts[i], ends_ns, o->site.public_url);
    json_write_close(&body, ']');
    notify_alertmanager_url(&url, o->site.alertmanager_url);
    const struct notify_http request = {buf_cstr(&url), headers, buf_bytes(&body), false,
                                        o->site.timeout_ns};
    enum err e = body.err ? body.err : url.err;
    if (!e) transport->http(transport->ctx, &request, ret);
    buf_done(&url);
    buf_done(&body);
    return e;
}

enum err notify_alertmanager_resend(const struct notify_outbox *o, struct sql_db *db,
                                    const struct notify_transport *transport,
                                    struct notify_answer *ret)
{
    struct alert last = {.id = 0};
    struct arena a;
    enum err e = ERR_OK;
    *ret = (struct notify_answer){.verdict = NOTIFY_DELIVERED};
    arena_init(&a, ARENA_BYTES);
    for (size_t n = PAGE; !e && n == PAGE && ret->verdict == NOTIFY_DELIVERED;) {
        struct alert *alerts = NULL;
        e = list(db, &last, &a, &alerts, &n);
        if (e || !n) break;
        e = post(o, transport, alerts, n, ret);
        last.org = alerts[n - 1].org;
        last.id = alerts[n - 1].id;
        arena_reset(&a);
    }
    arena_done(&a);
    return e;
}
