/* Help, man page and completion out of the command table (see cli_help.h). */
#include "app/cli_help.h"

#include "build_info.h"

#include <string.h>

enum { COLUMN = 26 };

static const struct {
    unsigned group; /* 0: everybody's */
    struct cli_option option;
} shared[] = {
    {CLI_CONFIG, {"config", "FILE", "reads this properties file", false}},
    {CLI_CONFIG, {"set", "KEY=VALUE", "sets one key; may be repeated", true}},
    {CLI_DATA, {"data", "DIR", "the data directory (default ./var)", false}},
    {CLI_CLIENT, {"url", "URL", "a server somewhere else", false}},
    {CLI_CLIENT, {"token", "TOKEN", "a device token or an API key", false}},
    {CLI_CLIENT, {"user", "NAME", "logs in as this user instead", false}},
    {CLI_CLIENT, {"password", "TEXT", "their password; else SENSORVISION_PASSWORD", false}},
    {0, {"json", NULL, "answers as JSON, for programs", false}},
    {0, {"help", NULL, "this text", false}},
};

const struct cli_option *cli_help_next(const struct cli_command *c, size_t *at)
{
    const size_t n = sizeof shared / sizeof shared[0];
    size_t own = 0;
    while (c->options && c->options[own].name) own++;
    if (*at < own) return &c->options[(*at)++];
    while (*at < own + n) {
        size_t i = (*at)++ - own;
        if (!shared[i].group || (c->groups & shared[i].group)) return &shared[i].option;
    }
    return NULL;
}

static void add_spaces(struct buf *out, size_t used)
{
    do {
        buf_add_char(out, ' ');
        used++;
    } while (used < COLUMN);
}

static void add_option(struct buf *out, const struct cli_option *o)
{
    size_t before = out->n;
    buf_printf(out, "  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    add_spaces(out, out->n - before);
    buf_printf(out, "%s\n", o->doc);
}

static void add_summary(struct buf *out, const struct cli_command *c)
{
    size_t before = out->n;
    buf_printf(out, "  %s%s%s", c->name, c->operands ? " " : "", c->operands ? c->operands : "");
    add_spaces(out, out->n - before);
    buf_printf(out, "%s\n", c->summary);
}

void cli_help_all(const struct cli *cli, struct buf *out)
{
    buf_printf(
        out,
        "%ssensorvision%s %s: telemetry of devices, taken in, kept, queried and shown by one "
        "program.\n\n%sUsage:%s sensorvision COMMAND [OPTIONS]\n\n%sCommands:%s\n",
        cli->bold, cli->plain, BUILD_VERSION, cli->bold, cli->plain, cli->bold, cli->plain);
    for (size_t i = 0; i < cli->table_count; i++)
        if (!cli->table[i].hidden) add_summary(out, &cli->table[i]);
    buf_printf(out,
               "\n%sExamples:%s\n  sensorvision serve --demo\n  sensorvision COMMAND --help\n\n"
               "Exit status: 0 done, 1 failed, 2 usage or a configuration that is not accepted.\n",
               cli->bold, cli->plain);
}

bool cli_help_family(const struct cli *cli, const char *word, struct buf *out)
{
    size_t n = strlen(word), found = 0;
    for (size_t i = 0; i < cli->table_count; i++) {
        const struct cli_command *c = &cli->table[i];
        if (strncmp(c->name, word, n) != 0 || c->name[n] != ' ') continue;
        if (!found++) buf_printf(out, "%sUsage:%s one of\n", cli->bold, cli->plain);
        add_summary(out, c);
    }
    if (found) buf_printf(out, "\n%sExamples:%s\n", cli->bold, cli->plain);
    for (size_t i = 0; found && i < cli->table_count; i++) {
        const struct cli_command *c = &cli->table[i];
        if (strncmp(c->name, word, n) == 0 && c->name[n] == ' ') buf_add_str(out, c->examples);
    }
    return found > 0;
}

void cli_help_command(const struct cli *cli, const struct cli_command *c, struct buf *out)
{
    buf_printf(out, "%sUsage:%s sensorvision %s [OPTIONS]%s%s\n\n%s.\n", cli->bold, cli->plain,
               c->name, c->operands ? " " : "", c->operands ? c->operands : "", c->summary);
    if (c->more) buf_printf(out, "\n%s", c->more);
    buf_printf(out, "\n%sOptions:%s\n", cli->bold, cli->plain);
    const struct cli_option *o;
    for (size_t at = 0; (o = cli_help_next(c, &at));) add_option(out, o);
    buf_printf(out, "\n%sExamples:%s\n%s", cli->bold, cli->plain, c->examples);
}

/* Text of ours with what troff would take for commands made harmless. */
static void add_roff(struct buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '-' || *s == '\\') buf_add_char(out, '\\');
        if (*s == '\n' && (s[1] == '.' || s[1] == '\'')) {
            buf_add_str(out, "\n\\&");
            continue;
        }
        buf_add_char(out, *s);
    }
}

static void add_man_command(struct buf *out, const struct cli_command *c)
{
    buf_add_str(out, ".SS \"");
    buf_printf(out, "%s%s%s\"\n", c->name, c->operands ? " " : "", c->operands ? c->operands : "");
    add_roff(out, c->summary);
    buf_add_str(out, ".\n");
    if (c->more) {
        buf_add_str(out, ".PP\n");
        add_roff(out, c->more);
    }
    const struct cli_option *o;
    for (size_t at = 0; (o = cli_help_next(c, &at));) {
        buf_printf(out, ".TP\n\\fB\\-\\-%s\\fR%s%s\n", o->name, o->value ? " " : "",
                   o->value ? o->value : "");
        add_roff(out, o->doc);
        buf_add_char(out, '\n');
    }
    buf_add_str(out, ".PP\n.nf\n");
    add_roff(out, c->examples);
    buf_add_str(out, ".fi\n");
}

void cli_help_man(const struct cli_command *table, size_t n, struct buf *out)
{
    buf_add_str(out, ".\\\" Written by: sensorvision docs man\n"
                     ".TH SENSORVISION 1 \"\" \"SensorVision " BUILD_VERSION "\"\n"
                     ".SH NAME\nsensorvision \\- telemetry of devices, taken in, kept, queried and "
                     "shown\n.SH SYNOPSIS\n.B sensorvision\nCOMMAND [OPTIONS]\n.SH COMMANDS\n");
    for (size_t i = 0; i < n; i++)
        if (!table[i].hidden) add_man_command(out, &table[i]);
    buf_add_str(out, ".SH EXIT STATUS\n0 done, 1 failed, 2 usage or a configuration that is not "
                     "accepted.\n.SH ENVIRONMENT\n.TP\n.B NO_COLOR\nNo colours on the terminal.\n"
                     ".TP\n.B SENSORVISION_PASSWORD\nInstead of \\-\\-password.\n"
                     ".PP\nEvery configuration key: upper case, '.' and '\\-' become '_'.\n");
}

static void add_bash_case(struct buf *out, const struct cli_command *c)
{
    buf_printf(out, "        '%s') options='", c->name);
    const struct cli_option *o;
    const char *gap = "";
    for (size_t at = 0; (o = cli_help_next(c, &at)); gap = " ")
        buf_printf(out, "%s--%s", gap, o->name);
    buf_add_str(out, "' ;;\n");
}

void cli_help_bash(const struct cli_command *table, size_t n, struct buf *out)
{
    buf_add_str(out, "# Completion for bash. Written by: sensorvision docs completion\n"
                     "_sensorvision() {\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]} options=\n"
                     "    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
    for (size_t i = 0; i < n; i++)
        if (!table[i].hidden && strchr(table[i].name, ' ')) add_bash_case(out, &table[i]);
    buf_add_str(out, "    esac\n    [ -n \"$options\" ] || case \"${COMP_WORDS[1]}\" in\n");
    for (size_t i = 0; i < n; i++)
        if (!table[i].hidden && !strchr(table[i].name, ' ')) add_bash_case(out, &table[i]);
    buf_add_str(out, "    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        options='");
    const char *gap = "";
    for (size_t i = 0; i < n; i++) {
        size_t word = strcspn(table[i].name, " ");
        bool again = i && strncmp(table[i].name, table[i - 1].name, word) == 0 &&
                     table[i - 1].name[word] == ' ';
        if (table[i].hidden || again) continue;
        buf_printf(out, "%s%.*s", gap, (int)word, table[i].name);
        gap = " ";
    }
    buf_add_str(out, "'\n    fi\n");
    for (size_t i = 0; i < n; i++) {
        size_t word = strcspn(table[i].name, " ");
        if (table[i].name[word])
            buf_printf(out,
                       "    [ \"$COMP_CWORD\" -eq 2 ] && [ \"${COMP_WORDS[1]}\" = %.*s ] && "
                       "options=\"$options %s\"\n",
                       (int)word, table[i].name, table[i].name + word + 1);
    }
    buf_add_str(out, "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
                     "    [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
                     "}\ncomplete -F _sensorvision sensorvision\n");
}
