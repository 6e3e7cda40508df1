/* Every table of routes there is; together they are the whole surface. */
#include "api/handlers.h"
#include "api/handlers_commands.h"
#include "api/handlers_dashboards.h"
#include "api/handlers_device_fleet.h"
#include "api/handlers_fleet.h"
#include "api/handlers_labels.h"
#include "api/handlers_notify.h"
#include "api/handlers_people.h"
#include "api/handlers_performance.h"
#include "api/handlers_pilot.h"
#include "api/handlers_rules.h"
#include "api/handlers_synthetics.h"
#include "api/routes.h"

/* One to a line, so that those who add theirs do not meet. */
/* clang-format off */
const struct route_list route_lists[] = {
    {routes_telemetry, &routes_telemetry_count},
    {routes_account, &routes_account_count},
    {routes_people, &routes_people_count},
    {routes_devices, &routes_devices_count},
    {routes_device_fleet, &routes_device_fleet_count},
    {routes_labels, &routes_labels_count},
    {routes_commands, &routes_commands_count},
    {routes_dashboards, &routes_dashboards_count},
    {routes_rules, &routes_rules_count},
    {routes_fleet, &routes_fleet_count},
    {routes_notify, &routes_notify_count},
    {routes_synthetics, &routes_synthetics_count},
    {routes_pilot, &routes_pilot_count},
    {routes_performance, &routes_performance_count},
    {routes_absent, &routes_absent_count},
    {NULL, NULL},
};
/* clang-format on */
