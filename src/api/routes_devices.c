/* Devices, their tokens and their variables: this part of the surface on one screen. */
#include "api/handlers.h"

#define V1     "/api/v1"
#define DEVICE V1 "/devices/{id}"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_devices[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, V1 "/devices", WHO_READER, ON_ASYNC, 0, devices_api_list, "devices",
     "The organisation's devices, as an array or in pages; by status, q, tagName, groupId; "
     "deleted=true: those that can be restored, for administrators."},
    {HTTP1_POST, V1 "/devices", WHO_WRITER, ON_ASYNC, KIB(64), devices_api_create, "deviceCreate",
     "Make a device; its token is in this answer only (apiToken)."},
    {HTTP1_GET, DEVICE, WHO_READER, ON_ASYNC, 0, devices_api_get, "device",
     "One device, by its externalId or uuid."},
    {HTTP1_PUT, DEVICE, WHO_WRITER, ON_ASYNC, KIB(64), devices_api_update, "deviceUpdate",
     "Change a device; what is absent stays, null clears."},
    {HTTP1_PATCH, DEVICE, WHO_WRITER, ON_ASYNC, KIB(64), devices_api_update, "devicePatch",
     "The same as PUT."},
    {HTTP1_DELETE, DEVICE, WHO_ORG_ADMIN, ON_ASYNC, KIB(64), devices_api_delete, "deviceDelete",
     "Delete a device: hidden and its token refused at once, its externalId free again."},

    {HTTP1_POST, DEVICE "/token/generate", WHO_WRITER, ON_ASYNC, KIB(16),
     device_tokens_api_generate, "deviceTokenGenerate",
     "Make a token for the device; an earlier one is refused at once. Shown in this answer only."},
    {HTTP1_POST, DEVICE "/token/rotate", WHO_WRITER, ON_ASYNC, KIB(16), device_tokens_api_generate,
     "deviceTokenRotate", "The same as generate."},
    {HTTP1_POST, DEVICE "/rotate-token", WHO_WRITER, ON_ASYNC, KIB(16),
     device_tokens_api_rotate_short, "deviceRotateToken",
     "The same, answered as {deviceExternalId,apiToken}."},
    {HTTP1_GET, DEVICE "/token", WHO_WRITER, ON_ASYNC, 0, device_tokens_api_get, "deviceToken",
     "The token's ends and times, never the token."},
    {HTTP1_DELETE, DEVICE "/token", WHO_WRITER, ON_ASYNC, KIB(16), device_tokens_api_revoke,
     "deviceTokenRevoke", "Take the token away: refused at once."},
    {HTTP1_POST, V1 "/device-tokens/{id}/generate", WHO_WRITER, ON_ASYNC, KIB(16),
     device_tokens_api_generate, "deviceTokensGenerate", "Alias of /devices/{id}/token/generate."},
    {HTTP1_POST, V1 "/device-tokens/{id}/rotate", WHO_WRITER, ON_ASYNC, KIB(16),
     device_tokens_api_generate, "deviceTokensRotate", "Alias of /devices/{id}/token/rotate."},
    {HTTP1_GET, V1 "/device-tokens/{id}", WHO_WRITER, ON_ASYNC, 0, device_tokens_api_get,
     "deviceTokens", "Alias of GET /devices/{id}/token."},
    {HTTP1_DELETE, V1 "/device-tokens/{id}", WHO_WRITER, ON_ASYNC, KIB(16),
     device_tokens_api_revoke, "deviceTokensRevoke", "Alias of DELETE /devices/{id}/token."},

    {HTTP1_GET, DEVICE "/variables", WHO_READER, ON_ASYNC, 0, variables_api_list, "deviceVariables",
     "The variables of a device with their newest values."},
    {HTTP1_GET, DEVICE "/variables/latest", WHO_READER, ON_ASYNC, 0, variables_api_latest,
     "deviceVariablesLatest", "The newest values as {name: value}."},
    {HTTP1_GET, DEVICE "/variables/{vid}", WHO_READER, ON_ASYNC, 0, variables_api_get,
     "deviceVariable", "One variable."},
    {HTTP1_GET, DEVICE "/variables/{vid}/values", WHO_READER, ON_ANALYTICS, 0, variables_api_values,
     "deviceVariableValues",
     "Values over [startTime, endTime], ascending, limit (10000); Link leads on."},
    {HTTP1_GET, DEVICE "/variables/{vid}/statistics", WHO_READER, ON_ANALYTICS, 0,
     variables_api_statistics, "deviceVariableStats",
     "average, min, max, sum, count over [startTime, endTime]."},
    {HTTP1_PUT, DEVICE "/variables/{vid}", WHO_WRITER, ON_ASYNC, KIB(64), variables_api_update,
     "deviceVariableUpdate", "Change how a variable is shown; what is absent stays, null clears."},
    {HTTP1_GET, V1 "/variables/{vid}", WHO_READER, ON_ASYNC, 0, variables_api_get, "variable",
     "One variable, by its id alone."},
    {HTTP1_GET, V1 "/variables/{vid}/values", WHO_READER, ON_ANALYTICS, 0, variables_api_values,
     "variableValues",
     "Values over [startTime, endTime], ascending, limit (10000); Link leads on."},
    {HTTP1_GET, V1 "/variables/{vid}/statistics", WHO_READER, ON_ANALYTICS, 0,
     variables_api_statistics, "variableStatistics",
     "average, min, max, sum, count over [startTime, endTime]."},
    {HTTP1_PUT, V1 "/variables/{vid}", WHO_WRITER, ON_ASYNC, KIB(64), variables_api_update,
     "variableUpdate", "Change how a variable is shown; what is absent stays, null clears."},
    {HTTP1_PATCH, V1 "/variables/{vid}", WHO_WRITER, ON_ASYNC, KIB(64), variables_api_update,
     "variablePatch", "The same as PUT."},
};
const size_t routes_devices_count = sizeof routes_devices / sizeof *routes_devices;
