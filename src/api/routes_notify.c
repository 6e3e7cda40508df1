/* Webhooks, preferences and the log of deliveries: this part of the surface on one screen. */
#include "api/handlers_notify.h"

#define NOTIFY  "/api/v1/notifications"
#define WEBHOOK NOTIFY "/webhooks/{id}"
#define KIB(n)  ((size_t)(n) << 10)

const struct route routes_notify[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, NOTIFY "/webhooks", WHO_WRITER, ON_ASYNC, 0, webhooks_api_list, "webhooks",
     "The organisation's webhooks."},
    {HTTP1_POST, NOTIFY "/webhooks", WHO_WRITER, ON_ASYNC, KIB(16), webhooks_api_create,
     "webhookCreate", "Make a webhook; its signing secret is in this answer only (signingSecret)."},
    {HTTP1_GET, WEBHOOK, WHO_WRITER, ON_ASYNC, 0, webhooks_api_get, "webhook", "One webhook."},
    {HTTP1_PUT, WEBHOOK, WHO_WRITER, ON_ASYNC, KIB(16), webhooks_api_update, "webhookUpdate",
     "Change a webhook; what is absent stays."},
    {HTTP1_PATCH, WEBHOOK, WHO_WRITER, ON_ASYNC, KIB(16), webhooks_api_update, "webhookPatch",
     "The same as PUT."},
    {HTTP1_DELETE, WEBHOOK, WHO_WRITER, ON_ASYNC, KIB(16), webhooks_api_delete, "webhookDelete",
     "Take a webhook away; what still waits for it is given up."},
    {HTTP1_POST, WEBHOOK "/secret", WHO_WRITER, ON_ASYNC, KIB(16), webhooks_api_rotate,
     "webhookSecret", "A new signing secret from the next delivery on; in this answer only."},
    {HTTP1_POST, WEBHOOK "/test", WHO_WRITER, ON_ASYNC, KIB(16), webhooks_api_test, "webhookTest",
     "Send a test now and say how it went; 10 a minute for an organisation."},

    {HTTP1_GET, NOTIFY "/preferences", WHO_READER, ON_ASYNC, 0, notifications_api_preferences,
     "notificationPreferences", "How the caller wants to be told of alerts."},
    {HTTP1_POST, NOTIFY "/preferences", WHO_READER, ON_ASYNC, KIB(16), notifications_api_prefer,
     "notificationPreferenceSet", "Make or replace the preference of one channel."},
    {HTTP1_DELETE, NOTIFY "/preferences/{channel}", WHO_READER, ON_ASYNC, KIB(16),
     notifications_api_unprefer, "notificationPreferenceDelete",
     "Take the preference of a channel away; 204 also when there was none."},
    {HTTP1_POST, NOTIFY "/preferences/{channel}/test", WHO_READER, ON_ASYNC, KIB(16),
     notifications_api_test, "notificationPreferenceTest",
     "Send a test by EMAIL or WEBHOOK now and say how it went; 10 a minute for an organisation."},
    {HTTP1_GET, NOTIFY "/logs", WHO_READER, ON_ASYNC, 0, notifications_api_logs, "notificationLogs",
     "Deliveries to the caller, newest first, in pages; scope=organization: all (administrators). "
     "By status, channel, alertId, webhookId."},
    {HTTP1_GET, NOTIFY "/stats", WHO_READER, ON_ASYNC, 0, notifications_api_stats,
     "notificationStats", "How many deliveries were sent, failed, or still wait; scope as logs."},
};
const size_t routes_notify_count = sizeof routes_notify / sizeof *routes_notify;
