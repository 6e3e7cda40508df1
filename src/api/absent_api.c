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
};
const size_t routes_absent_count = sizeof routes_absent / sizeof *routes_absent;

void absent_list(struct api_call *c)
{
    buf_add_str(c->body, "[]");
    api_ok(c, 200);
}
