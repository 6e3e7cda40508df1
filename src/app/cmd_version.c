/* `version`: what this binary is made of. */
#include "app/commands.h"
#include "codec/json_write.h"

#include "build_info.h"

#include <cjson/cJSON.h>
#include <sodium.h>
#include <sqlite3.h>
#include <uv.h>
#include <wslay/wslay.h>
#include <zlib.h>
#include <zstd.h>

int cmd_version(struct cli *cli)
{
    const struct {
        const char *name, *version;
    } libraries[] = {
        {"libuv", uv_version_string()},
        {"wslay", WSLAY_VERSION},
        {"cJSON", cJSON_Version()},
        {"SQLite", sqlite3_libversion()},
        {"libsodium", sodium_version_string()},
        {"zlib", zlibVersion()},
        {"zstd", ZSTD_versionString()},
    };
    struct buf b;
    buf_init(&b, 1 << 16);
    if (cli->json) {
        json_write_open(&b, '{');
        json_write_member_text(&b, "version", BUILD_VERSION);
        json_write_member_text(&b, "commit", BUILD_COMMIT);
        json_write_member_text(&b, "compiler", BUILD_COMPILER);
        json_write_key(&b, "libraries");
        json_write_open(&b, '{');
    } else {
        buf_printf(&b, "sensorvision %s\ncommit    %s\ncompiler  %s\n", BUILD_VERSION, BUILD_COMMIT,
                   BUILD_COMPILER);
    }
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        if (cli->json)
            json_write_member_text(&b, libraries[i].name, libraries[i].version);
        else
            buf_printf(&b, "%-9s %s\n", libraries[i].name, libraries[i].version);
    if (cli->json) {
        json_write_close(&b, '}');
        json_write_close(&b, '}');
        buf_add_char(&b, '\n');
    }
    int code = cli_print(cli, &b);
    buf_done(&b);
    return code;
}
