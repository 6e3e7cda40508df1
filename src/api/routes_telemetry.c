/* Telemetry in and out, the live socket, and what operators ask: this part of the surface on one
 * screen. */
#include "api/handlers.h"

#define V1       "/api/v1"
#define KIB(n)   ((size_t)(n) << 10)
#define BODY_MAX ((size_t)16 << 20)

const struct route routes_telemetry[] = {
    /* method     path                                  who         where         body max  handler
     *                 id                   what it does */
    {HTTP1_POST, V1 "/ingest/{device}", WHO_SENDER, ON_LOOP, BODY_MAX, ingest_flat, "ingestFlat",
     "Take one reading as a flat object of variables; the server gives the time."},
    {HTTP1_POST, V1 "/data/ingest", WHO_SENDER, ON_LOOP, BODY_MAX, ingest_one, "dataIngest",
     "Take one record: deviceId, timestamp, variables, metadata."},
    {HTTP1_POST, V1 "/data/ingest/bulk", WHO_SENDER, ON_LOOP, BODY_MAX, ingest_wrapped,
     "dataIngestBulk", "Take many records as {\"telemetry\":[…]}; counts and errors by index."},
    {HTTP1_POST, V1 "/data/ingest/{device}", WHO_SENDER, ON_LOOP, BODY_MAX, ingest_device,
     "dataIngestDevice", "Take one record of the device in the path."},
    {HTTP1_POST, V1 "/data/bulk", WHO_SENDER, ON_LOOP, BODY_MAX, ingest_array, "dataBulk",
     "Take an array of records; an answer for each, in order."},
    {HTTP1_POST, V1 "/data/{device}/{variable}", WHO_SENDER, ON_LOOP, KIB(64), ingest_value,
     "dataIngestValue", "Take one value: a bare number or {\"value\":n}."},
    {HTTP1_POST, "/api/v2/write", WHO_SENDER_P, ON_LOOP, BODY_MAX, write_v2, "writeV2",
     "Take InfluxDB line protocol; precision=ns, us, ms or s."},
    {HTTP1_POST, V1 "/write", WHO_SENDER_P, ON_LOOP, BODY_MAX, write_v1, "writeV1Prefixed",
     "The same as /write."},
    {HTTP1_POST, "/write", WHO_SENDER_P, ON_LOOP, BODY_MAX, write_v1, "writeV1",
     "Take InfluxDB line protocol as version 1 clients send it (u, p, precision)."},
    {HTTP1_GET, "/ping", WHO_ANYONE, ON_LOOP, 0, write_ping, "ping",
     "Answer 204, so that line protocol agents know we are here."},
    {HTTP1_POST, V1 "/import/telemetry/csv", WHO_SENDER, ON_TELEMETRY, BODY_MAX, import_csv,
     "importCsv", "Take a CSV file with a header deviceId,timestamp,…"},
    {HTTP1_POST, V1 "/import/telemetry/json", WHO_SENDER, ON_TELEMETRY, BODY_MAX, import_json,
     "importJson", "Take a JSON file of records."},

    {HTTP1_GET, V1 "/data/query", WHO_READER, ON_ANALYTICS, 0, query_range, "dataQuery",
     "Rows of a device in a range, ascending; maxPoints thins without losing a spike."},
    {HTTP1_GET, V1 "/data/latest", WHO_READER, ON_ASYNC, 0, query_latest, "dataLatest",
     "The newest values of devices, all or named."},
    {HTTP1_GET, V1 "/data/latest/{device}", WHO_READER, ON_LOOP, 0, query_latest_device,
     "dataLatestDevice", "The newest values of one device."},
    {HTTP1_GET, V1 "/devices/{device}/telemetry", WHO_READER, ON_ANALYTICS, 0,
     query_device_telemetry, "deviceTelemetry", "Rows of a device, newest first."},
    {HTTP1_GET, V1 "/analytics/aggregate", WHO_READER, ON_ANALYTICS, 0, aggregate_get, "aggregate",
     "One number per interval of one variable."},
    {HTTP1_POST, V1 "/analytics/aggregate/batch", WHO_READER, ON_ANALYTICS, KIB(1024),
     aggregate_batch, "aggregateBatch", "Many aggregates in one request; results in order."},
    {HTTP1_GET, V1 "/analytics/fleet", WHO_READER, ON_ANALYTICS, 0, aggregate_fleet,
     "analyticsFleet", "Aggregates over every device that has the variable."},
    {HTTP1_GET, V1 "/export/csv/{device}", WHO_READER, ON_ANALYTICS, 0, export_csv, "exportCsv",
     "All variables of a device as CSV, streamed."},
    {HTTP1_GET, V1 "/export/json/{device}", WHO_READER, ON_ANALYTICS, 0, export_json, "exportJson",
     "All variables of a device as JSON, streamed, rows as /data/query; names=exact: without the "
     "second spelling of the electrical five."},
    {HTTP1_GET, "/ws/telemetry", WHO_LIVE, ON_LOOP, 0, live_open, "liveTelemetry",
     "The live socket (WebSocket)."},

    {HTTP1_GET, "/actuator/health", WHO_ANYONE, ON_LOOP, 0, health_get, "health",
     "Is every part breathing?"},
    {HTTP1_GET, "/actuator/health/liveness", WHO_ANYONE, ON_LOOP, 0, health_liveness, "liveness",
     "Does the process answer?"},
    {HTTP1_GET, "/actuator/health/readiness", WHO_ANYONE, ON_LOOP, 0, health_readiness, "readiness",
     "Can writes be made durable?"},
    {HTTP1_GET, "/actuator/info", WHO_ANYONE, ON_LOOP, 0, health_info, "info",
     "Version, commit, compiler."},
    {HTTP1_GET, "/actuator/prometheus", WHO_ANYONE, ON_LOOP, 0, metrics_get, "prometheus",
     "Everything counted, as Prometheus text."},
    {HTTP1_GET, "/metrics", WHO_ANYONE, ON_LOOP, 0, metrics_get, "metrics",
     "The same as /actuator/prometheus."},
    {HTTP1_GET, "/openapi.json", WHO_ANYONE, ON_ASYNC, 0, docs_openapi, "openapi",
     "This surface as OpenAPI 3."},
    {HTTP1_GET, "/docs", WHO_ANYONE, ON_ASYNC, 0, docs_page, "docs",
     "This surface as a page to read."},
};
const size_t routes_telemetry_count = sizeof routes_telemetry / sizeof *routes_telemetry;
