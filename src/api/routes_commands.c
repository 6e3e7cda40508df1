/* Commands to devices: this part of the surface on one screen. */
#include "api/handlers_commands.h"

#define COMMANDS "/api/v1/devices/{id}/commands"
#define KIB(n)   ((size_t)(n) << 10)

const struct route routes_commands[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_POST, COMMANDS, WHO_WRITER, ON_ASYNC, KIB(16), commands_api_send, "deviceCommand",
     "Send a command {command,payload,expiresInSeconds?}: kept until the device has it, 24 hours "
     "unless it says otherwise."},
    {HTTP1_POST, COMMANDS "/toggle", WHO_WRITER, ON_ASYNC, KIB(16), commands_api_toggle,
     "deviceCommandToggle", "Send the command toggle with {target}."},
    {HTTP1_POST, COMMANDS "/set-value", WHO_WRITER, ON_ASYNC, KIB(16), commands_api_set_value,
     "deviceCommandSetValue", "Send the command set_value with {variable,value}."},
    {HTTP1_GET, COMMANDS, WHO_DEVICE_OWN, ON_ASYNC, 0, commands_api_get, "deviceCommands",
     "With the device's own token: its commands, oldest first, waiting up to `wait` seconds (60) "
     "for one; with `ack`=id delivered are those up to it, without it those of this answer. For a "
     "user: all of the last days, newest first."},
};
const size_t routes_commands_count = sizeof routes_commands / sizeof *routes_commands;
