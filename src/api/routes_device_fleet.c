/* Many devices at once, where they are, and the way back of a deleted one: this part of the surface
 * on one screen. */
#include "api/handlers_device_fleet.h"

#define V1     "/api/v1"
#define PLACE  V1 "/locations/devices/{device}"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_device_fleet[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_POST, V1 "/devices/bulk", WHO_WRITER, ON_ASYNC, KIB(512), device_bulk_api_run,
     "devicesBulk",
     "One operation on up to 1,000 devices, each with its outcome: DELETE (administrators), "
     "ENABLE, "
     "DISABLE, ASSIGN_TAGS and REMOVE_TAGS {tags}, ASSIGN_GROUP and REMOVE_FROM_GROUP {groupId}, "
     "UPDATE_STATUS {status: ACTIVE or INACTIVE}."},
    {HTTP1_POST, V1 "/import/devices/csv", WHO_WRITER, ON_ASYNC, KIB(4096), device_import_api_csv,
     "importDevicesCsv",
     "Make or change up to 10,000 devices from a CSV with a header: externalId, name, location, "
     "sensorType, firmwareVersion, status, latitude, longitude, altitude; an empty cell stays."},
    {HTTP1_POST, V1 "/devices/{id}/restore", WHO_ORG_ADMIN, ON_ASYNC, KIB(16),
     device_bulk_api_restore, "deviceRestore",
     "Bring a deleted device back within 7 days, with all but its token (GET /devices?deleted=true "
     "shows them)."},
    {HTTP1_GET, V1 "/locations", WHO_READER, ON_ASYNC, 0, device_locations_api_list, "locations",
     "Where the devices are that said so, as an array or in pages."},
    {HTTP1_GET, PLACE, WHO_READER, ON_ASYNC, 0, device_locations_api_get, "location",
     "Where a device is."},
    {HTTP1_PUT, PLACE, WHO_WRITER, ON_ASYNC, KIB(16), device_locations_api_put, "locationUpdate",
     "Say where a device is: {latitude,longitude,altitude}."},
    {HTTP1_DELETE, PLACE, WHO_WRITER, ON_ASYNC, KIB(16), device_locations_api_delete,
     "locationDelete", "Forget where a device is."},
};
const size_t routes_device_fleet_count = sizeof routes_device_fleet / sizeof *routes_device_fleet;
