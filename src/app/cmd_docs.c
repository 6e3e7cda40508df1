/* `docs`: documents that are written from tables, so that they cannot say something else. */
#include "api/docs_api.h"
#include "app/cli_help.h"
#include "app/commands.h"
#include "app/conf_docs.h"

static void write_man(struct buf *out)
{
    cli_help_man(commands_table, commands_count, out);
}

static void write_completion(struct buf *out)
{
    cli_help_bash(commands_table, commands_count, out);
}

/* The table of routes as the server would have it, just to be described. */
static void write_routes(struct buf *out, void (*write)(const struct route_table *, struct buf *))
{
    struct route_table *routes;
    if (routes_new(&routes)) {
        out->err = ERR_NOMEM;
        return;
    }
    write(routes, out);
    routes_free(routes);
}

static void write_api(struct buf *out)
{
    write_routes(out, docs_write_markdown);
}

static void write_openapi(struct buf *out)
{
    write_routes(out, docs_write_openapi);
}

static const struct {
    const char *kind;
    void (*write)(struct buf *out);
} documents[] = {
    {"config", conf_docs_write},      {"api", write_api},
    {"openapi", write_openapi},       {"man", write_man},
    {"completion", write_completion},
};

int cmd_docs(struct cli *cli)
{
    struct buf b;
    buf_init(&b, 1 << 22);
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        if (strcmp(cli->operands[0], documents[i].kind) != 0) continue;
        documents[i].write(&b);
        int code = cli_print(cli, &b);
        buf_done(&b);
        return code;
    }
    return cli_usage(cli, "docs %s: no such document", cli->operands[0]);
}
