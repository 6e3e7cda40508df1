/* The table of all commands (see commands.h). Help, man page and completion are written from it. */
#include "app/commands.h"

static const struct cli_option serve_options[] = {
    {"http", "HOST:PORT", "listens there: server.address and server.port", false},
    {"mqtt", "HOST:PORT", "where MQTT listens (mqtt.address and mqtt.port)", false},
    {"demo", NULL, "a demo organisation with recorded and live simulated devices", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option migrate_options[] = {
    {"status", NULL, "lists every step and whether it is applied", false},
    {"dry-run", NULL, "prints what would be run, changes nothing", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option move_options[] = {
    {"from", "URL", "the store to copy: embedded:DIR or postgres://...", false},
    {"to", "URL", "where to: a new database, or a directory that is new or empty", false},
    {"online", NULL, "the source's server goes on; the end follows when it has been stopped",
     false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option restore_options[] = {
    {"check", NULL, "reads the file and checks it, writes nothing", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option user_options[] = {
    {"org", "NAME", "the organisation", false},
    {"email", "ADDRESS", "the e-mail address", false},
    {"role", "ROLE", "USER, ORG_ADMIN, VIEWER, DEVELOPER, ADMIN (default USER)", false},
    {"password", "TEXT", "the password; else SENSORVISION_PASSWORD, else the terminal asks", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option onboard_options[] = {
    {"email", "ADDRESS", "of its first administrator, who is invited", false},
    {"device", "ID", "its example device (default example-1)", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option passwd_options[] = {
    {"password", "TEXT", "the new one; else SENSORVISION_PASSWORD, else the terminal asks", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option token_options[] = {
    {"device", "ID", "externalId or uuid; made when it is missing", false},
    {"org", "NAME", "its organisation (needed when there are several)", false},
    {"value", "UUID", "takes this token instead of a random one", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option import_options[] = {
    {"format", "NAME", "csv, json or lp; else by the name of the file", false},
    {"device", "ID", "the device of all records (else the column deviceId)", false},
    {"time-column", "NAME", "the column of the time (default timestamp)", false},
    {"time-format", "FORMAT", "as strptime, with %f for a fraction (default RFC 3339 or a number)",
     false},
    {"zone", "ZONE", "of times without one: +01:00, Europe/Paris, Z (default Z)", false},
    {"columns", "A=B,...", "takes only these columns, under these variable names", false},
    {"skip", "A,B,...", "leaves these columns out; \"\" is the column without a name", false},
    {"shift-to-now", NULL, "moves all times so that the last record is now", false},
    {"batch", "N", "records in one request (default 1000)", false},
    {"org", "NAME", "the organisation, with --data (needed when there are several)", false},
    {"from-line", "N", "goes on at this line after a refusal", false},
    {"dry-run", NULL, "reads and checks everything, sends nothing", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option legacy_options[] = {
    {"from", "URL", "the platform's database: postgres://... (jdbc:postgresql:... too)", false},
    {"dry-run", NULL, "reads everything and reports, writes nothing", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option export_options[] = {
    {"device", "ID", "the device", false},
    {"format", "NAME", "csv or json (default csv)", false},
    {"from", "TIME", "from this instant (default: the beginning)", false},
    {"to", "TIME", "up to, not including, this instant (default: now)", false},
    {"org", "NAME", "the organisation, with --data (needed when there are several)", false},
    {"output", "FILE", "writes there instead of standard output", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option loadtest_options[] = {
    {"users", "N", "simulated people (default 100)", false},
    {"devices", "N", "simulated devices (default 500)", false},
    {"duration", "TIME", "60s, 5m, 2h, behind the logins (default 60s)", false},
    {"points-per-day", "N", "values that all devices send together (default 1e6)", false},
    {"max-rate", NULL, "devices send as soon as they were answered, in bulks", false},
    {"points", "N", "with --max-rate: ends when so many are stored", false},
    {"batch", "N", "with --max-rate: readings in one request (default 500)", false},
    {"variables", "N", "values in one reading, 1 to 8 (default 3)", false},
    {"organizations", "N", "that they belong to (default: as few as the limits of a pilot allow)",
     false},
    {"connections", "N", "at most, of all devices (default 1500)", false},
    {"seed", "N", "of all that is random (default 1)", false},
    {"scenario", "NAME", "baseline, peak, stress or endurance (default baseline)", false},
    {"transport", "NAME", "of the devices: http or mqtt (default http)", false},
    {"mqtt", "HOST:PORT", "where MQTT listens (default: the server's host, 1883)", false},
    {"noisy", "N", "the first organisation sends N times its daily quota's pace", false},
    {"save", "FILE", "keeps the figures as JSON", false},
    {"compare", "FILE", "against figures that were kept; exit 1 when one is worse", false},
    {"keep", NULL, "leaves the organisations in place", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command commands_table[] = {
    {.name = "serve",
     .run = cmd_serve,
     .summary = "The server: takes telemetry in, keeps it, answers queries, shows pages",
     .groups = CLI_CONFIG | CLI_DATA,
     .options = serve_options,
     .examples =
         "  sensorvision serve --demo\n"
         "  sensorvision serve --config application.properties --data /var/lib/sensorvision\n"
         "  sensorvision serve --http 127.0.0.1:8081 --set pilot.telemetry.batch-size=500\n"},
    {.name = "check-config",
     .run = cmd_check_config,
     .summary = "Reads the configuration as serve would and prints every key with its origin",
     .groups = CLI_CONFIG | CLI_DATA,
     .more = "Exits with 2 when a value is not accepted, and names all such values.\n",
     .examples = "  sensorvision check-config --config application-pilot-performance.properties\n"
                 "  SERVER_PORT=9000 sensorvision check-config --json\n"},
    {.name = "config list",
     .run = cmd_config_list,
     .summary = "Lists the overrides kept in the store, with who and when",
     .groups = CLI_DATA,
     .examples = "  sensorvision config list\n  sensorvision config list --json\n"},
    {.name = "config set",
     .run = cmd_config_set,
     .summary = "Overrides a key in the store; a LIVE key takes effect at once",
     .operands = "KEY VALUE",
     .operands_min = 2,
     .operands_max = 2,
     .groups = CLI_DATA,
     .examples = "  sensorvision config set pilot.telemetry.batch-size 500\n"},
    {.name = "config unset",
     .run = cmd_config_unset,
     .summary = "Takes an override away",
     .operands = "KEY",
     .operands_min = 1,
     .operands_max = 1,
     .groups = CLI_DATA,
     .examples = "  sensorvision config unset pilot.telemetry.batch-size\n"},
    {.name = "migrate",
     .run = cmd_migrate,
     .summary = "Brings the schema of a stopped installation up to date",
     .groups = CLI_DATA,
     .options = migrate_options,
     .more = "A server does the same when it starts; this is for looking first.\n",
     .examples = "  sensorvision migrate --status\n  sensorvision migrate --dry-run\n"},
    {.name = "verify",
     .run = cmd_verify,
     .summary = "Checks every checksum and invariant of a stopped embedded store, read only",
     .groups = CLI_DATA,
     .examples = "  sensorvision verify --data /var/lib/sensorvision\n"},
    {.name = "backup",
     .run = cmd_backup,
     .summary = "Writes an embedded installation of one instant into one file",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .groups = CLI_CONFIG | CLI_DATA,
     .more =
         "The server of --data goes on taking readings; without one the command takes the lock.\n"
         "All that was acknowledged before it began is in the file. Every byte is checked while "
         "it\n"
         "is read, so a damaged store is named here and not at the restore. An existing FILE is\n"
         "left alone; until all is there the file is called FILE.part.\n",
     .examples = "  sensorvision backup /backup/sensorvision-$(date +%F).svb\n"
                 "  sensorvision backup nightly.svb --data /var/lib/sensorvision --json\n"},
    {.name = "restore",
     .run = cmd_restore,
     .summary = "Makes an installation out of a backup, in a directory that has none",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .groups = CLI_CONFIG | CLI_DATA,
     .options = restore_options,
     .more = "Reads what it has written again, and checks it as verify does, before it says so. A\n"
             "restore that was killed is served by nobody; run it again.\n",
     .examples = "  sensorvision restore nightly.svb --check\n"
                 "  sensorvision restore nightly.svb --data /var/lib/sensorvision\n"},
    {.name = "move",
     .run = cmd_move,
     .summary = "Copies a whole installation between stores: embedded and PostgreSQL, both ways",
     .groups = CLI_CONFIG,
     .options = move_options,
     .more =
         "Both stores must be stopped, or with --online only the target: then what arrives is\n"
         "copied too, pass by pass, and the last pass follows when the server of the source has\n"
         "been stopped, which the command asks for and waits for. What was copied is read again\n"
         "from both and compared, series by series, before the target may be served. A command\n"
         "that was killed goes on when it is run again. The source is not changed.\n",
     .examples = "  sensorvision move --from embedded:/var/lib/sensorvision \\\n"
                 "      --to postgres://sensorvision@db.example.org/sensorvision\n"
                 "  sensorvision move --from postgres:///sensorvision --to embedded:/srv/new\n"},
    {.name = "cleanup",
     .run = cmd_cleanup,
     .summary = "Runs retention now",
     .groups = CLI_CONFIG | CLI_DATA,
     .examples = "  sensorvision cleanup\n"},
    {.name = "org create",
     .run = cmd_org_create,
     .summary = "Makes an organisation",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .groups = CLI_CONFIG | CLI_DATA,
     .examples = "  sensorvision org create 'North Plant'\n"},
    {.name = "org onboard",
     .run = cmd_org_onboard,
     .summary = "Makes an organisation with all it needs to begin",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .groups = CLI_CONFIG | CLI_DATA,
     .options = onboard_options,
     .examples = "  sensorvision org onboard 'North Plant' --email ann@example.org\n"},
    {.name = "org list",
     .run = cmd_org_list,
     .summary = "Lists the organisations",
     .groups = CLI_CONFIG | CLI_DATA,
     .examples = "  sensorvision org list --json\n"},
    {.name = "user add",
     .run = cmd_user_add,
     .summary = "Adds a user to an organisation",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .groups = CLI_CONFIG | CLI_DATA,
     .options = user_options,
     .examples = "  sensorvision user add ann --org 'North Plant' --email ann@example.org\n"
                 "  SENSORVISION_PASSWORD=... sensorvision user add bob --org 'North Plant' \\\n"
                 "      "
                 "--email bob@example.org --role VIEWER\n"},
    {.name = "user passwd",
     .run = cmd_user_passwd,
     .summary = "Sets a user's password and ends their sessions",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .groups = CLI_CONFIG | CLI_DATA,
     .options = passwd_options,
     .examples = "  sensorvision user passwd ann\n"},
    {.name = "token create",
     .run = cmd_token_create,
     .summary = "Makes a device's token (and the device, when it is missing); shown once",
     .groups = CLI_CONFIG | CLI_DATA,
     .options = token_options,
     .examples = "  sensorvision token create --device pump-1 --org 'North Plant'\n"
                 "  sensorvision token create --device pump-1 --value "
                 "550e8400-e29b-41d4-a716-446655440000\n"},
    {.name = "import",
     .run = cmd_import,
     .summary = "Takes a file of telemetry in, through the server's public API",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .groups = CLI_CLIENT | CLI_CONFIG | CLI_DATA,
     .options = import_options,
     .more =
         "Speaks to the server at --url, with --token or --user; without --url to the server of\n"
         "--data, whose owner needs neither. When none runs there, the command works under the\n"
         "lock of --data as that server would, with --config and --set, and seals what it took.\n"
         "Stops at the first refusal and says how to go on. JSON is an array, or one object a "
         "line,\nas POST /api/v1/data/ingest takes it; lp is InfluxDB line protocol.\n",
     .examples = "  sensorvision import examples/data/machine-temperature.csv --device machine \\\n"
                 "      --columns value=temperature --shift-to-now\n"
                 "  sensorvision import examples/data/household-power.csv --device household \\\n"
                 "      --time-column DateTime --shift-to-now \\\n"
                 "      --columns Global_active_power=kw_consumption,Voltage=voltage\n"
                 "  sensorvision import points.lp --url https://telemetry.example.org --token T\n"},
    {.name = "import legacy",
     .run = cmd_import_legacy,
     .summary = "Takes over an installation of the Java platform from its database",
     .groups = CLI_CONFIG | CLI_DATA,
     .options = legacy_options,
     .more =
         "Organisations, users with their passwords and keys, devices with their tokens, tags,\n"
         "groups, variables, values, rules, synthetic variables, alerts, events, dashboards, into\n"
         "a new and empty store (--data, or store.url). The source is only read, as one\n"
         "snapshot. What cannot be taken over is reported with its reason. A command that was\n"
         "killed goes on when it is run again.\n",
     .examples =
         "  sensorvision import legacy --from postgres://reader@old/sensorvision --dry-run\n"
         "  sensorvision import legacy --from postgres://reader@old/sensorvision \\\n"
         "      --data /var/lib/sensorvision\n"},
    {.name = "export",
     .run = cmd_export,
     .summary = "Writes a device's telemetry to a file or standard output",
     .groups = CLI_CLIENT | CLI_CONFIG | CLI_DATA,
     .options = export_options,
     .more =
         "Speaks to the server at --url, with --token or --user; without --url to the server of\n"
         "--data, whose owner needs neither, or under its lock when none runs.\n",
     .examples =
         "  sensorvision export --device household --user admin --output household.csv\n"
         "  sensorvision export --device household --token KEY --from 2026-01-01T00:00:00Z\n"},
    {.name = "loadtest",
     .run = cmd_loadtest,
     .summary = "Simulated users and devices against a running server",
     .groups = CLI_CLIENT | CLI_DATA,
     .options = loadtest_options,
     .more =
         "Makes organisations of its own with users, devices and a day of history in the server "
         "of\n"
         "--data, or of --url with an administrator's --user or --token; lets people log in (20 a\n"
         "second), look at pages and hold live sockets, and devices send; reads every series "
         "back,\n"
         "and deletes what it made. Latencies count from when a request should have gone out.\n"
         "Exits with 1 when a request failed, a point that was acknowledged is not stored, or a\n"
         "figure is worse than in --compare by more than its noise. Scenarios: peak is five times\n"
         "the pace for a third of the time; stress doubles it five times and tells what held;\n"
         "endurance is long (30m) and tells what grew. A run that goes past the limits of a pilot\n"
         "switches pilot.mode off meanwhile (with --data) and says so.\n",
     .examples = "  sensorvision loadtest\n"
                 "  sensorvision loadtest --users 20 --devices 50 --duration 10s --json\n"
                 "  sensorvision loadtest --scenario peak --save before.json\n"
                 "  sensorvision loadtest --scenario peak --compare before.json\n"
                 "  sensorvision loadtest --url http://10.0.0.5:8080 --user admin\n"
                 "  sensorvision loadtest --users 0 --max-rate --points 1e6\n"},
    {.name = "version",
     .run = cmd_version,
     .summary = "Version, commit, compiler, libraries",
     .examples = "  sensorvision version\n  sensorvision version --json\n"},
    {.name = "docs",
     .run = cmd_docs,
     .summary = "Writes a generated document: config, api, openapi, man, completion",
     .operands = "KIND",
     .operands_min = 1,
     .operands_max = 1,
     .examples = "  sensorvision docs config > docs/CONFIG.md\n",
     .hidden = true},
};
const size_t commands_count = sizeof commands_table / sizeof commands_table[0];
