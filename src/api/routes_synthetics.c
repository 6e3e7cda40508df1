/* Synthetic variables and their language: this part of the surface on one screen. */
#include "api/handlers_synthetics.h"

#define V1     "/api/v1"
#define ALL    V1 "/synthetic-variables"
#define ONE    ALL "/{id}"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_synthetics[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, ALL, WHO_READER, ON_ASYNC, 0, synthetics_api_list, "synthetics",
     "The organisation's synthetic variables, as an array or in pages; by deviceId, enabled, q."},
    {HTTP1_POST, ALL, WHO_WRITER, ON_ASYNC, KIB(64), synthetics_api_create, "syntheticCreate",
     "Make one {name,deviceId,expression,description,unit,enabled}; it is computed from the next "
     "reading on. 422 when it would be computed from itself. 50 a device, 10,000 an organisation."},
    {HTTP1_POST, ALL "/validate", WHO_READER, ON_ANALYTICS, KIB(64), expressions_api_validate,
     "syntheticValidate",
     "Try {expression,deviceId?,name?}: {valid,errors[{line,column,offset,message}],variables[],"
     "windows[],preview{value,timestamp}}; nothing is made."},
    {HTTP1_GET, ONE, WHO_READER, ON_ASYNC, 0, synthetics_api_get, "synthetic",
     "One synthetic variable."},
    {HTTP1_PUT, ONE, WHO_WRITER, ON_ASYNC, KIB(64), synthetics_api_update, "syntheticUpdate",
     "Change expression, description, unit, enabled; what is absent stays, null clears. Name and "
     "device stay."},
    {HTTP1_PATCH, ONE, WHO_WRITER, ON_ASYNC, KIB(64), synthetics_api_update, "syntheticPatch",
     "The same as PUT."},
    {HTTP1_POST, ONE "/enable", WHO_WRITER, ON_ASYNC, KIB(16), synthetics_api_enable,
     "syntheticEnable", "Compute it from the next reading on."},
    {HTTP1_POST, ONE "/disable", WHO_WRITER, ON_ASYNC, KIB(16), synthetics_api_disable,
     "syntheticDisable", "Compute it no more; its values stay."},
    {HTTP1_POST, ONE "/backfill", WHO_WRITER, ON_ASYNC, KIB(16), synthetics_api_backfill,
     "syntheticBackfill",
     "Compute those of its device again {from}, at most 31 days back, in the background: 202."},
    {HTTP1_DELETE, ONE, WHO_WRITER, ON_ASYNC, KIB(16), synthetics_api_delete, "syntheticDelete",
     "Delete it; its variable and values stay."},

    {HTTP1_GET, V1 "/expression-functions", WHO_USER, ON_LOOP, 0, expressions_api_functions,
     "expressionFunctions",
     "The functions of the language by category: {Math|Logic|Statistical:[{name,description,"
     "category}]}."},
    {HTTP1_GET, V1 "/expression-functions/flat", WHO_USER, ON_LOOP, 0, expressions_api_flat,
     "expressionFunctionsFlat", "The same as one array, by name."},
};
const size_t routes_synthetics_count = sizeof routes_synthetics / sizeof *routes_synthetics;
