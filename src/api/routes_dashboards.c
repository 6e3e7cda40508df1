/* Dashboards and their widgets: this part of the surface on one screen. */
#include "api/handlers_dashboards.h"

#define V1        "/api/v1"
#define DASHBOARD V1 "/dashboards/{id}"
#define WIDGET    DASHBOARD "/widgets/{widgetId}"
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
};
const size_t routes_dashboards_count = sizeof routes_dashboards / sizeof *routes_dashboards;
