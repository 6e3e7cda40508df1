/* Dashboards, their widgets and their shares: this part of the surface on one screen. */
#include "api/handlers_dashboards.h"

#define V1        "/api/v1"
#define DASHBOARD V1 "/dashboards/{id}"
#define WIDGET    DASHBOARD "/widgets/{widgetId}"
#define SHARED    V1 "/public/dashboards/{token}"
#define KIB(n)    ((size_t)(n) << 10)

const struct route routes_dashboards[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, V1 "/dashboards", WHO_READER, ON_ASYNC, 0, dashboards_api_list, "dashboards",
     "The organisation's dashboards without their widgets, as an array or in pages."},
    {HTTP1_POST, V1 "/dashboards", WHO_WRITER, ON_ASYNC, KIB(512), dashboards_api_create,
     "dashboardCreate", "Make a dashboard; isDefault takes that from the one that has it."},
    {HTTP1_GET, V1 "/dashboards/default", WHO_READER, ON_ASYNC, 0, dashboards_api_default,
     "dashboardDefault", "The organisation's default dashboard; made when there is none."},
    {HTTP1_GET, DASHBOARD, WHO_READER, ON_ASYNC, 0, dashboards_api_get, "dashboard",
     "One dashboard with its widgets; its ETag is their version, too."},
    {HTTP1_PUT, DASHBOARD, WHO_WRITER, ON_ASYNC, KIB(512), dashboards_api_update, "dashboardUpdate",
     "Change a dashboard; what is absent stays. With If-Match only over that version: else 412."},
    {HTTP1_PATCH, DASHBOARD, WHO_WRITER, ON_ASYNC, KIB(512), dashboards_api_update,
     "dashboardPatch", "The same as PUT."},
    {HTTP1_DELETE, DASHBOARD, WHO_WRITER, ON_ASYNC, KIB(16), dashboards_api_delete,
     "dashboardDelete", "Delete a dashboard with its widgets and shares; If-Match as for PUT."},
    {HTTP1_POST, DASHBOARD "/data", WHO_READER, ON_ANALYTICS, KIB(16), dashboard_data_api_own,
     "dashboardData",
     "What all its widgets show, in one answer (docs/dashboards.md); from, to, maxPoints."},

    {HTTP1_GET, DASHBOARD "/widgets", WHO_READER, ON_ASYNC, 0, widgets_api_list, "widgets",
     "The widgets of a dashboard in order of creation."},
    {HTTP1_POST, DASHBOARD "/widgets", WHO_WRITER, ON_ASYNC, KIB(128), widgets_api_create,
     "widgetCreate", "Put a widget on the dashboard."},
    {HTTP1_GET, WIDGET, WHO_READER, ON_ASYNC, 0, widgets_api_get, "widget",
     "One widget; its ETag is its version."},
    {HTTP1_PUT, WIDGET, WHO_WRITER, ON_ASYNC, KIB(128), widgets_api_update, "widgetUpdate",
     "Change a widget; what is absent stays, null clears. If-Match as for dashboards."},
    {HTTP1_PATCH, WIDGET, WHO_WRITER, ON_ASYNC, KIB(128), widgets_api_update, "widgetPatch",
     "The same as PUT."},
    {HTTP1_DELETE, WIDGET, WHO_WRITER, ON_ASYNC, KIB(16), widgets_api_delete, "widgetDelete",
     "Take a widget off the dashboard; If-Match as for PUT."},

    {HTTP1_GET, DASHBOARD "/shares", WHO_WRITER, ON_ASYNC, 0, shares_api_list, "shares",
     "Links that show this dashboard to people without an account, without their tokens."},
    {HTTP1_POST, DASHBOARD "/shares", WHO_WRITER, ON_ASYNC, KIB(16), shares_api_create,
     "shareCreate",
     "Make a link, with a password and an end when given; its token is in this "
     "answer only."},
    {HTTP1_DELETE, DASHBOARD "/shares/{shareId}", WHO_WRITER, ON_ASYNC, KIB(16), shares_api_revoke,
     "shareRevoke", "Revoke a link: it shows nothing from now on."},
    {HTTP1_POST, SHARED "/open", WHO_ANYONE, ON_PASSWORDS, KIB(16), shares_api_open, "sharedOpen",
     "The link's password for a ticket, good for 12 hours; null when there is no password."},
    {HTTP1_GET, SHARED, WHO_ANYONE, ON_ASYNC, 0, shares_api_view, "shared",
     "The dashboard that a link shows; with its ticket in X-Share-Ticket when it has a password."},
    {HTTP1_POST, SHARED "/data", WHO_ANYONE, ON_ANALYTICS, KIB(16), dashboard_data_api_shared,
     "sharedData", "What the widgets of a shared dashboard show; maxPoints."},
};
const size_t routes_dashboards_count = sizeof routes_dashboards / sizeof *routes_dashboards;
