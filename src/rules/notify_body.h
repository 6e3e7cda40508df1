#pragma once
/* rules/notify_body.h -- what is said of an alert: the JSON of a webhook, the text of a mail, the
 * object of an Alertmanager. Formats: docs/notifications.md.   Pure.   Threads: any. */
#include "base/buf.h"
#include "model/notification.h"

/* {"id":delivery,"type":"alert.raised",…,"alert":{…}} */
void notify_body_json(struct buf *out, const struct uuid *delivery, const struct alert *alert,
                      enum alert_change change, int64_t now_ns);
/* The same without an alert: what the test button sends. */
void notify_body_test(struct buf *out, const struct uuid *delivery, int64_t org, int64_t now_ns);
/* "[HIGH] rule: device" */
void notify_body_subject(struct buf *out, const struct alert *alert, enum alert_change change);
/* public_url: "" leaves the link out. */
void notify_body_text(struct buf *out, const struct alert *alert, enum alert_change change,
                      const char *public_url);
