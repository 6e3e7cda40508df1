/* What the Java platform's front end asks for and this server does not have: an empty list, so
 * that its pages show "none" instead of an error. The table in routes_absent is the whole of it. */
#include "api/handlers.h"
#include "api/paging.h"

#define V1     "/api/v1"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_absent[] = {
    {HTTP1_GET, V1 "/plugins", WHO_USER, ON_LOOP, 0, absent_list, "plugins",
     "An empty list: there are no plugins."},
    {HTTP1_GET, V1 "/plugins/providers", WHO_USER, ON_LOOP, 0, absent_list, "pluginProviders",
     "An empty list: there are no plugin providers."},
    {HTTP1_GET, V1 "/data-plugins", WHO_USER, ON_LOOP, 0, absent_list, "dataPlugins",
     "An empty list: there are no data plugins."},
    {HTTP1_GET, V1 "/plugins/installed", WHO_USER, ON_LOOP, 0, absent_list, "pluginsInstalled",
     "An empty list: there are no plugins."},
    {HTTP1_GET, V1 "/dashboard-templates", WHO_USER, ON_LOOP, 0, absent_list, "dashboardTemplates",
     "An empty list: there are no templates of dashboards."},
    {HTTP1_GET, V1 "/playlists", WHO_USER, ON_LOOP, 0, absent_list, "playlists",
     "An empty list: there are no playlists of dashboards."},
    {HTTP1_GET, V1 "/phone-numbers", WHO_USER, ON_LOOP, 0, absent_list, "phoneNumbers",
     "An empty list: nobody is told by text message."},
    {HTTP1_GET, V1 "/sms-delivery-logs", WHO_USER, ON_LOOP, 0, absent_list, "smsDeliveryLogs",
     "An empty list: nobody is told by text message."},
    {HTTP1_GET, V1 "/support/issues", WHO_USER, ON_LOOP, 0, absent_list, "supportIssues",
     "An empty list: support is not given here."},
    {HTTP1_GET, V1 "/functions", WHO_USER, ON_LOOP, 0, absent_list, "functions",
     "An empty list: there are no functions on the server."},
    {HTTP1_GET, V1 "/email-templates", WHO_USER, ON_LOOP, 0, absent_list, "emailTemplates",
     "An empty list: there are no templates of mails."},
    {HTTP1_GET, V1 "/webhook-tests", WHO_USER, ON_LOOP, 0, absent_list, "webhookTests",
     "An empty list: webhooks are tested by POST /notifications/webhooks/{id}/test."},
    {HTTP1_GET, V1 "/ml/models", WHO_USER, ON_LOOP, 0, absent_list, "mlModels",
     "An empty list: there are no models."},
    {HTTP1_GET, V1 "/ml/models/deployed", WHO_USER, ON_LOOP, 0, absent_list, "mlModelsDeployed",
     "An empty list: there are no models."},
    {HTTP1_GET, V1 "/ml/anomalies", WHO_USER, ON_LOOP, 0, absent_list, "mlAnomalies",
     "An empty list: there are no models."},
    {HTTP1_GET, V1 "/ml/anomalies/new", WHO_USER, ON_LOOP, 0, absent_list, "mlAnomaliesNew",
     "An empty list: there are no models."},
    {HTTP1_GET, V1 "/ml/anomalies/critical", WHO_USER, ON_LOOP, 0, absent_list,
     "mlAnomaliesCritical", "An empty list: there are no models."},
    {HTTP1_GET, V1 "/device-types", WHO_USER, ON_LOOP, 0, absent_list, "deviceTypes",
     "An empty list: there are no types of devices."},
    {HTTP1_GET, V1 "/geofences", WHO_USER, ON_LOOP, 0, absent_list, "geofences",
     "An empty list: there are no geofences."},
    {HTTP1_GET, V1 "/scheduled-reports", WHO_USER, ON_LOOP, 0, absent_list, "scheduledReports",
     "An empty list: there are no reports on a schedule."},
    {HTTP1_GET, V1 "/retention-policies/executions", WHO_USER, ON_LOOP, 0, absent_list,
     "retentionExecutions", "An empty list: what retention removed is in GET /events."},
    {HTTP1_GET, V1 "/admin/support/issues", WHO_ADMIN, ON_LOOP, 0, absent_list,
     "adminSupportIssues", "An empty list: support is not given here."},
    {HTTP1_GET, V1 "/admin/canned-responses", WHO_ADMIN, ON_LOOP, 0, absent_list, "cannedResponses",
     "An empty list: support is not given here."},
    {HTTP1_POST, V1 "/export/telemetry/excel", WHO_READER, ON_LOOP, KIB(64), absent_excel,
     "telemetryExcel",
     "406: Excel files are not written; GET /export/csv/{device} opens in a spreadsheet."},
    {HTTP1_POST, V1 "/export/devices/excel", WHO_READER, ON_LOOP, KIB(64), absent_excel,
     "devicesExcel", "406: Excel files are not written; GET /devices has the list."},
    {HTTP1_POST, V1 "/export/events/excel", WHO_READER, ON_LOOP, KIB(64), absent_excel,
     "eventsExcel", "406: Excel files are not written; GET /events has the list."},
};
const size_t routes_absent_count = sizeof routes_absent / sizeof *routes_absent;

/* An array, or an empty page when a page was asked for. */
void absent_list(struct api_call *c)
{
    struct paging p;
    const struct catalog_listing nothing = {.total = 0};
    if (!paging_read(c, &p)) return;
    paging_open(c, &p);
    paging_close(c, &p, &nothing);
    api_ok(c, 200);
}

void absent_excel(struct api_call *c)
{
    api_problem(c, 406,
                "Excel files are not written here. GET /api/v1/export/csv/{deviceId} answers CSV, "
                "which every spreadsheet opens.");
}
