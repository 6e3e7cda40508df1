/* Alerts as JSON and as mail (see notify_body.h). */
#include "rules/notify_body.h"

#include "codec/json_write.h"

static void write_time(struct buf *b, const char *key, int64_t ns)
{
    json_write_member_time(b, key, ns ? ns : INT64_MIN);
}

static void write_alert(struct buf *b, const struct alert *a)
{
    char uuid[UUID_TEXT + 1];
    json_write_open(b, '{');
    uuid_format(&a->uuid, uuid);
    json_write_member_text(b, "id", uuid);
    uuid_format(&a->rule_uuid, uuid);
    json_write_member_text(b, "ruleId", uuid);
    json_write_member_str(b, "ruleName", a->rule_name);
    json_write_member_str(b, "deviceId", a->device_external_id);
    json_write_member_str(b, "deviceName", a->device_name);
    json_write_member_str(b, "variable", a->variable);
    json_write_member_str(b, "message", a->message);
    json_write_member_text(b, "severity", alert_severity_name(a->severity));
    json_write_member_number(b, "triggeredValue", a->triggered_value);
    json_write_member_bool(b, "acknowledged", a->acknowledged_ns != 0);
    write_time(b, "acknowledgedAt", a->acknowledged_ns);
    write_time(b, "resolvedAt", a->resolved_ns);
    json_write_member_time(b, "timestamp", a->raised_ns);
    json_write_close(b, '}');
}

static void open_body(struct buf *out, const struct uuid *delivery, const char *type, int64_t org,
                      int64_t now_ns)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(delivery, uuid);
    json_write_open(out, '{');
    json_write_member_text(out, "id", uuid);
    json_write_member_text(out, "type", type);
    json_write_member_time(out, "createdAt", now_ns);
    json_write_member_i64(out, "organizationId", org);
}

void notify_body_json(struct buf *out, const struct uuid *delivery, const struct alert *alert,
                      enum alert_change change, int64_t now_ns)
{
    open_body(out, delivery, notify_change_name(change), alert->org, now_ns);
    json_write_key(out, "alert");
    write_alert(out, alert);
    json_write_close(out, '}');
}

void notify_body_test(struct buf *out, const struct uuid *delivery, int64_t org, int64_t now_ns)
{
    open_body(out, delivery, "test", org, now_ns);
    json_write_member_text(out, "message", "A test of this webhook.");
    json_write_close(out, '}');
}

static const char *change_word(enum alert_change change)
{
    static const char *const words[] = {"", "acknowledged: ", "resolved: "};
    return (unsigned)change < 3 ? words[change] : "";
}

void notify_body_subject(struct buf *out, const struct alert *a, enum alert_change change)
{
    buf_printf(out, "[%s] %s", alert_severity_name(a->severity), change_word(change));
    buf_add_bytes(out, a->rule_name);
    if (!a->device) return;
    buf_add_str(out, ": ");
    buf_add_bytes(out, a->device_name.n ? a->device_name : a->device_external_id);
}

static void add_line(struct buf *out, const char *label, struct bytes value)
{
    if (!value.n) return;
    buf_printf(out, "%-10s ", label);
    buf_add_bytes(out, value);
    buf_add_char(out, '\n');
}

void notify_body_text(struct buf *out, const struct alert *a, enum alert_change change,
                      const char *public_url)
{
    struct buf time;
    buf_init(&time, 128);
    buf_add_bytes(out, a->message);
    buf_add_str(out, "\n\n");
    add_line(out, "State:", bytes_str(notify_change_name(change)));
    add_line(out, "Severity:", bytes_str(alert_severity_name(a->severity)));
    add_line(out, "Rule:", a->rule_name);
    add_line(out, "Device:", a->device_name.n ? a->device_name : a->device_external_id);
    add_line(out, "Variable:", a->variable);
    buf_printf(out, "%-10s %.15g\n", "Value:", a->triggered_value);
    json_write_time(&time, a->raised_ns); /* with its quotes around it */
    if (time.n > 2) add_line(out, "Raised:", bytes_of(time.p + 1, time.n - 2));
    struct bytes base = bytes_str(public_url);
    while (base.n && base.p[base.n - 1] == '/') base.n--;
    if (base.n) buf_printf(out, "\n%.*s/alerts\n", (int)base.n, base.p);
    buf_done(&time);
}
