/* The surface described from the route table (see docs_api.h). */
#include "api/docs_api.h"

#include "api/app.h"
#include "api/handlers.h"
#include "build_info.h"
#include "codec/json_write.h"

#include <ctype.h>

static const char *who_words(enum who who)
{
    switch (who) {
    case WHO_ANYONE:
        return "anyone";
    case WHO_USER:
        return "any user";
    case WHO_READER:
        return "users who may read";
    case WHO_WRITER:
        return "users who may write";
    case WHO_ORG_ADMIN:
        return "organisation administrators";
    case WHO_ADMIN:
        return "administrators";
    case WHO_PILOT_ADMIN:
        return "administrators of the pilot";
    case WHO_SENDER:
    case WHO_SENDER_P:
        return "device tokens, users who may write";
    case WHO_DEVICE_OWN:
        return "the device itself, users who may read";
    case WHO_LIVE:
        return "device tokens, users who may read";
    }
    return "";
}

static void write_parameters(struct buf *b, const char *path)
{
    json_write_key(b, "parameters");
    json_write_open(b, '[');
    for (const char *at = path; (at = strchr(at, '{')); at++) {
        const char *end = strchr(at, '}');
        json_write_open(b, '{');
        json_write_member_str(b, "name", bytes_of(at + 1, (size_t)(end - at - 1)));
        json_write_member_text(b, "in", "path");
        json_write_member_bool(b, "required", true);
        json_write_key(b, "schema");
        json_write_open(b, '{');
        json_write_member_text(b, "type", "string");
        json_write_close(b, '}');
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

static void write_operation(struct buf *b, const struct route *r)
{
    char method[8] = "";
    const char *name = http1_method_name(r->method);
    for (size_t i = 0; i < sizeof method - 1 && name[i]; i++)
        method[i] = (char)tolower((unsigned char)name[i]);
    json_write_key(b, method);
    json_write_open(b, '{');
    json_write_member_text(b, "operationId", r->id);
    json_write_member_text(b, "summary", r->summary);
    json_write_member_text(b, "x-who", who_words(r->who));
    json_write_member_u64(b, "x-body-max-bytes", r->body_max);
    write_parameters(b, r->path);
    if (r->who != WHO_ANYONE) {
        json_write_key(b, "security");
        buf_add_str(b, "[{\"bearer\":[]},{\"apiKey\":[]}]");
    }
    json_write_key(b, "responses");
    buf_add_str(b, "{\"2XX\":{\"description\":\"done\"},\"4XX\":{\"description\":\"refused, as "
                   "application/problem+json\"}}");
    json_write_close(b, '}');
}

static bool path_seen(const struct route_table *t, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(routes_at(t, k)->path, routes_at(t, i)->path) == 0) return true;
    return false;
}

void docs_write_openapi(const struct route_table *t, struct buf *b)
{
    buf_add_str(
        b,
        "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"SensorVision\",\"version\":\"" BUILD_VERSION
        "\"},\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":"
        "\"bearer\"},\"apiKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"}}}");
    json_write_key(b, "paths");
    json_write_open(b, '{');
    for (size_t i = 0; i < routes_count(t); i++) {
        if (path_seen(t, i)) continue;
        json_write_key(b, routes_at(t, i)->path);
        json_write_open(b, '{');
        for (size_t k = i; k < routes_count(t); k++)
            if (strcmp(routes_at(t, k)->path, routes_at(t, i)->path) == 0)
                write_operation(b, routes_at(t, k));
        json_write_close(b, '}');
    }
    json_write_close(b, '}');
    json_write_close(b, '}');
}

void docs_write_markdown(const struct route_table *t, struct buf *b)
{
    buf_add_str(
        b, "# The HTTP API\n\nGenerated from the route table by `sensorvision docs api`; do not "
           "edit. Errors are `application/problem+json`. The same as OpenAPI: `GET "
           "/openapi.json`.\n\n| method | path | who | body at most | what it does |\n| --- | "
           "--- | --- | --- | --- |\n");
    for (size_t i = 0; i < routes_count(t); i++) {
        const struct route *r = routes_at(t, i);
        buf_printf(b, "| %s | `%s` | %s | ", http1_method_name(r->method), r->path,
                   who_words(r->who));
        if (!r->body_max)
            buf_add_str(b, "none");
        else if (r->body_max >= 1 << 20)
            buf_printf(b, "%zu MiB", r->body_max >> 20);
        else
            buf_printf(b, "%zu KiB", r->body_max >> 10);
        buf_printf(b, " | %s |\n", r->summary);
    }
    /* parts of the contract that answer 404 until they are built */
    buf_add_str(
        b, "\n## Planned\n\nNot built yet: `/export/parquet` (no maintained C library for it is "
           "in Debian; `/export/csv` and `/export/json` carry everything), and deleting one "
           "variable: it goes with its device, its values with retention.\n");
}

/* GET /openapi.json */
void docs_openapi(struct api_call *c)
{
    docs_write_openapi(c->app->routes, c->body);
    api_ok(c, 200);
}

/* GET /docs */
void docs_page(struct api_call *c)
{
    docs_write_markdown(c->app->routes, c->body);
    api_answer(c, 200, "text/markdown; charset=utf-8");
}
