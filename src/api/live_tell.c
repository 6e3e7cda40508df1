/* What live sessions are told beside readings (see live_api.h). */
#include "api/live_internal.h"
#include "codec/json_write.h"

enum { TOLD_BYTES_MAX = 64 << 10 };
/* Lanes of readings are small numbers times a device's id; these begin far above. */
#define STATUS_LANES ((uint64_t)1 << 62)

void live_hub_tell(struct live_hub *hub, int64_t org, struct bytes json, uint64_t lane)
{
    if (!live_hub_sessions(hub)) return;
    struct ws_frame *f = ws_frame_new(json);
    if (!f) return; /* out of memory: that message is lost, as a slow reader would lose it */
    lock_take(&hub->lock);
    for (struct live_session *s = hub->sessions; s; s = s->next) {
        bool by_login = s->who.kind == PRINCIPAL_USER && !s->who.by_key;
        if (by_login && s->who.org == org) websocket_send(s->ws, f, lane);
    }
    lock_release(&hub->lock);
    ws_frame_unref(f);
}

void live_hub_tell_status(struct live_hub *hub, const struct reg_device *d, const char *status,
                          int64_t at_ns)
{
    struct buf b;
    buf_init(&b, TOLD_BYTES_MAX);
    json_write_open(&b, '{');
    json_write_member_text(&b, "type", "DEVICE_STATUS");
    json_write_member_str(&b, "deviceId", d->external_id);
    json_write_member_text(&b, "status", status);
    json_write_member_time(&b, "lastSeenAt", atomic_load(&d->last_seen_ns));
    json_write_member_time(&b, "timestamp", at_ns);
    json_write_close(&b, '}');
    if (!b.err) live_hub_tell(hub, d->org, buf_bytes(&b), STATUS_LANES + (uint64_t)d->id);
    buf_done(&b);
}
