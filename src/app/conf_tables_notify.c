/* Keys of notifications (see conf_tables.h). A change needs a restart: deliveries under way would
 * otherwise meet two receivers. */
#include "app/conf_tables_notify.h"

#include "app/settings.h"

#include <stddef.h>

#define AT(member) offsetof(struct settings, member)
#define NOTIFY     "notifications."

enum { RESTART = 0 };

static const struct conf_entry notify_table[] = {
    {NOTIFY "concurrency", AT(notify_threads), CONF_COUNT, "4", 1, 8, RESTART,
     "Deliveries on their way at once, half of them for one organisation at most.", NULL},
    {NOTIFY "max-attempts", AT(notify_attempts), CONF_COUNT, "10", 1, 100, RESTART,
     "A delivery is given up after this many attempts, or a day.", NULL},
    {NOTIFY "retry-delay", AT(notify_retry_ns), CONF_MS, "10s", 10, 3600000, RESTART,
     "The wait after a first failure; doubled with each further one, up to an hour.", NULL},
    {NOTIFY "timeout", AT(notify_timeout_ns), CONF_MS, "10s", 100, 60000, RESTART,
     "An attempt takes this long at most.", NULL},
    {NOTIFY "retention-days", AT(notify_retention_days), CONF_COUNT, "30", 1, 3650, RESTART,
     "The log of deliveries is kept this long.", NULL},
    {NOTIFY "webhook.url", AT(site_webhook_url), CONF_TEXT, "", 0, 2048, RESTART,
     "Every alert of the installation is also posted here; private addresses are fine.", NULL},
    {NOTIFY "webhook.secret", AT(site_webhook_secret), CONF_TEXT, "", 0, 256, CONF_SECRET,
     "Signs what is posted there (X-SensorVision-Signature); empty: not signed.", NULL},
    {NOTIFY "webhook.allow-private", AT(notify_allow_private), CONF_BOOL, "false", 0, 0, RESTART,
     "Users' webhooks may lead to loopback, private and link-local addresses.", NULL},
    {"alertmanager.url", AT(alertmanager_url), CONF_TEXT, "", 0, 2048, RESTART,
     "An Alertmanager (http://127.0.0.1:9093) that hears of every alert of the installation.",
     NULL},
    {"alertmanager.resend-interval", AT(alertmanager_resend_ns), CONF_S, "60", 1, 3600, RESTART,
     "Open alerts are told to it again this often; untold for 4 times as long they count as over.",
     NULL},
    {"smtp.host", AT(smtp_host), CONF_TEXT, "", 0, 253, RESTART,
     "The server that takes our mail; empty: no mail is sent.", NULL},
    {"smtp.port", AT(smtp_port), CONF_COUNT, "587", 1, 65535, RESTART,
     "Its port; 465 speaks TLS from the first byte.", NULL},
    {"smtp.username", AT(smtp_username), CONF_TEXT, "", 0, 256, RESTART,
     "Logs in there; empty: without a login.", NULL},
    {"smtp.password", AT(smtp_password), CONF_TEXT, "", 0, 1024, CONF_SECRET, "The password to it.",
     NULL},
    {"smtp.from", AT(smtp_from), CONF_TEXT, "", 0, 320, RESTART,
     "The sender: alerts@example.org, or Name <alerts@example.org>.", NULL},
    {"smtp.starttls", AT(smtp_tls), CONF_CHOICE, "required", 0, 0, RESTART,
     "Whether the connection must become encrypted, may, or does not.", "required|optional|never"},
    {"smtp.ca-file", AT(smtp_ca_file), CONF_TEXT, "", 0, 1024, RESTART,
     "Certificates that may vouch for it (PEM); empty: those of the system.", NULL},
};

const struct conf_section conf_tables_notify = {
    .title = "Notifications",
    .text = "Who is told of alerts, and by what.",
    CONF_SECTION_ROWS(notify_table),
};
