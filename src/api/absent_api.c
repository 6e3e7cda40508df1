/* What the Java platform's front end asks for and this server does not have: an empty list, so
 * that its pages show "none" instead of an error. The table in routes_absent is the whole of it. */
#include "api/handlers.h"

#define V1 "/api/v1"

const struct route routes_absent[] = {
    {HTTP1_GET, V1 "/plugins", WHO_USER, ON_LOOP, 0, absent_list, "plugins",
     "An empty list: there are no plugins."},
    {HTTP1_GET, V1 "/plugins/providers", WHO_USER, ON_LOOP, 0, absent_list, "pluginProviders",
     "An empty list: there are no plugin providers."},
    {HTTP1_GET, V1 "/data-plugins", WHO_USER, ON_LOOP, 0, absent_list, "dataPlugins",
     "An empty list: there are no data plugins."},
    {HTTP1_GET, V1 "/plugins/installed", WHO_USER, ON_LOOP, 0, absent_list, "pluginsInstalled",
     "An empty list: there are no installed plugins."},
    {HTTP1_GET, V1 "/playlists", WHO_USER, ON_LOOP, 0, absent_list, "playlists",
     "An empty list: there are no playlists of dashboards."},
    {HTTP1_GET, V1 "/dashboard-templates", WHO_USER, ON_LOOP, 0, absent_list, "dashboardTemplates",
     "An empty list: there are no templates of dashboards."},
    {HTTP1_GET, V1 "/functions", WHO_USER, ON_LOOP, 0, absent_list, "functions",
     "An empty list: there are no functions."},
    {HTTP1_GET, V1 "/geofences", WHO_USER, ON_LOOP, 0, absent_list, "geofences",
     "An empty list: there are no geofences."},
    {HTTP1_GET, V1 "/phone-numbers", WHO_USER, ON_LOOP, 0, absent_list, "phoneNumbers",
     "An empty list: there are no phone numbers."},
    {HTTP1_GET, V1 "/sms-delivery-logs", WHO_USER, ON_LOOP, 0, absent_list, "smsDeliveryLogs",
     "An empty list: there are no text messages."},
    {HTTP1_GET, V1 "/support/issues", WHO_USER, ON_LOOP, 0, absent_list, "supportIssues",
     "An empty list: there are no support tickets."},
};
const size_t routes_absent_count = sizeof routes_absent / sizeof *routes_absent;

void absent_list(struct api_call *c)
{
    buf_add_str(c->body, "[]");
    api_ok(c, 200);
}
