/* Alerts on live sockets (see live_alerts.h). */
#include "api/live_alerts.h"

#include "api/alerts_json.h"
#include "codec/json_write.h"

enum { FRAME_BYTES_MAX = 64 << 10 };

static void on_committed(void *ctx, const struct alert *alert, enum alert_change change)
{
    struct live_hub *hub = ctx;
    struct buf b;
    if (!live_hub_sessions(hub)) return;
    buf_init(&b, FRAME_BYTES_MAX);
    json_write_open(&b, '{');
    json_write_member_text(&b, "type", "ALERT");
    json_write_member_text(&b, "change", alerts_change_name(change));
    alerts_json_members(&b, alert);
    json_write_close(&b, '}');
    /* without memory this frame is lost; the alert stands in the list */
    if (!b.err) live_hub_tell(hub, alert->org, buf_bytes(&b), 0);
    buf_done(&b);
}

struct alerts_hook live_alerts_hook(struct live_hub *hub)
{
    return (struct alerts_hook){.ctx = hub, .committed = on_committed};
}
