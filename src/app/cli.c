/* Parsing and printing by the command table (see cli.h). */
#include "app/cli.h"

#include "app/cli_help.h"
#include "base/clock.h"
#include "codec/json_write.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20, BAR_WIDTH = 20 };

static const char *family_word(const struct cli *cli)
{
    return cli->command ? cli->command->name : "--help";
}

static void print_error(struct cli *cli, const char *text)
{
    if (!cli->json) {
        fprintf(cli->err, "sensorvision: %s\n", text);
        return;
    }
    struct buf b;
    buf_init(&b, TEXT_MAX);
    json_write_open(&b, '{');
    json_write_member_text(&b, "error", text);
    json_write_close(&b, '}');
    fprintf(cli->err, "%s\n", buf_cstr(&b));
    buf_done(&b);
}

int cli_fail(struct cli *cli, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error(cli, text);
    return CLI_FAILED;
}

int cli_usage(struct cli *cli, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_error(cli, text);
    if (!cli->json)
        fprintf(cli->err, "Try: sensorvision %s%s\n", family_word(cli),
                cli->command ? " --help" : "");
    return CLI_USAGE;
}

void cli_say(struct cli *cli, const char *format, ...)
{
    if (cli->json) return;
    va_list args;
    va_start(args, format);
    vfprintf(cli->err, format, args);
    fputc('\n', cli->err);
    va_end(args);
}

int cli_print(struct cli *cli, struct buf *b)
{
    if (b->err) return cli_fail(cli, "the answer: %s", err_sentence(b->err));
    if (fwrite(b->p, 1, b->n, cli->out) != b->n || fflush(cli->out))
        return cli_fail(cli, "standard output cannot be written");
    return CLI_DONE;
}

const char *cli_value(const struct cli *cli, const char *name, const char *absent)
{
    for (size_t i = cli->value_count; i-- > 0;)
        if (strcmp(cli->values[i].name, name) == 0) return cli->values[i].value;
    return absent;
}

bool cli_has(const struct cli *cli, const char *name)
{
    return cli_value(cli, name, NULL) != NULL;
}

size_t cli_each(const struct cli *cli, const char *name, const char *ret[CLI_VALUES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < cli->value_count; i++)
        if (strcmp(cli->values[i].name, name) == 0) ret[n++] = cli->values[i].value;
    return n;
}

/* --- parsing --------------------------------------------------------------------------------- */

/* Two words before one: "config set" is not an operand of "config". *ret_words: how many it
 * took. */
static const struct cli_command *find_command(const struct cli *cli, int argc, char **argv,
                                              int *ret_words)
{
    char two[64] = "";
    if (argc > 2) snprintf(two, sizeof two, "%s %s", argv[1], argv[2]);
    for (size_t i = 0; i < cli->table_count; i++)
        if (strcmp(cli->table[i].name, two) == 0) {
            *ret_words = 2;
            return &cli->table[i];
        }
    for (size_t i = 0; i < cli->table_count; i++)
        if (strcmp(cli->table[i].name, argv[1]) == 0) {
            *ret_words = 1;
            return &cli->table[i];
        }
    return NULL;
}

static int take_option(struct cli *cli, int argc, char **argv, int *at)
{
    const char *text = argv[*at] + 2, *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : strlen(text);
    const struct cli_option *o;
    size_t walk = 0;
    while ((o = cli_help_next(cli->command, &walk)))
        if (strlen(o->name) == n && memcmp(o->name, text, n) == 0) break;
    if (!o) return cli_usage(cli, "%s does not know --%.*s", cli->command->name, (int)n, text);
    if (!o->value && equals) return cli_usage(cli, "--%s takes no value", o->name);
    if (o->value && !equals && *at + 1 == argc)
        return cli_usage(cli, "--%s needs a value: --%s %s", o->name, o->name, o->value);
    if (!o->repeats && cli_has(cli, o->name)) return cli_usage(cli, "--%s stands twice", o->name);
    if (cli->value_count == CLI_VALUES_MAX)
        return cli_usage(cli, "more than %d options", CLI_VALUES_MAX);
    const char *value = !o->value ? "" : equals ? equals + 1 : argv[++*at];
    cli->values[cli->value_count].name = o->name;
    cli->values[cli->value_count++].value = value;
    return CLI_DONE;
}

static int parse(struct cli *cli, int argc, char **argv, int at)
{
    bool only_operands = false;
    for (; at < argc; at++) {
        const char *text = argv[at];
        if (!only_operands && strcmp(text, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && strcmp(text, "-h") == 0) {
            cli->values[cli->value_count].name = "help";
            cli->values[cli->value_count++].value = "";
            return CLI_DONE;
        } else if (!only_operands && strncmp(text, "--", 2) == 0) {
            int code = take_option(cli, argc, argv, &at);
            if (code) return code;
        } else if (cli->operand_count == CLI_OPERANDS_MAX) {
            return cli_usage(cli, "more than %d operands", CLI_OPERANDS_MAX);
        } else {
            cli->operands[cli->operand_count++] = text;
        }
        if (cli->value_count == CLI_VALUES_MAX)
            return cli_usage(cli, "more than %d options", CLI_VALUES_MAX - 1);
    }
    return CLI_DONE;
}

static int check_operands(struct cli *cli)
{
    const struct cli_command *c = cli->command;
    if (cli->operand_count > c->operands_max)
        return cli_usage(cli, "%s: '%s' is one operand too many", c->name,
                         cli->operands[c->operands_max]);
    if (cli->operand_count < c->operands_min)
        return cli_usage(cli, "%s needs %s", c->name, c->operands);
    return CLI_DONE;
}

static int print_help(struct cli *cli, const struct cli_command *c, const char *family)
{
    struct buf b;
    buf_init(&b, TEXT_MAX);
    int code = CLI_DONE;
    if (c)
        cli_help_command(cli, c, &b);
    else if (!family)
        cli_help_all(cli, &b);
    else if (!cli_help_family(cli, family, &b))
        code = CLI_USAGE;
    if (!code) code = cli_print(cli, &b);
    buf_done(&b);
    return code;
}

static bool is_help(const char *text)
{
    return strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0 || strcmp(text, "help") == 0;
}

/* Nothing in the table has that name: a family ("config"), or a mistake. */
static int no_such_command(struct cli *cli, int argc, char **argv)
{
    if (argc > 2 && is_help(argv[2]) && print_help(cli, NULL, argv[1]) == CLI_DONE) return CLI_DONE;
    FILE *out = cli->out;
    cli->out = cli->err; /* the family's help is the answer to half a command, but no success */
    int code = print_help(cli, NULL, argv[1]);
    cli->out = out;
    if (code == CLI_DONE) return CLI_USAGE;
    return cli_usage(cli, "%s is not a command", argv[1]);
}

int cli_main(const struct cli_command *table, size_t n, int argc, char **argv)
{
    const char *no_color = getenv("NO_COLOR");
    bool color = isatty(STDOUT_FILENO) && !(no_color && *no_color);
    struct cli cli = {.table = table,
                      .table_count = n,
                      .out = stdout,
                      .err = stderr,
                      .bold = color ? "\033[1m" : "",
                      .plain = color ? "\033[0m" : ""};
    int words = 0;
    if (argc < 2) {
        cli.out = stderr;
        (void)print_help(&cli, NULL, NULL);
        return CLI_USAGE;
    }
    if (is_help(argv[1])) return print_help(&cli, NULL, NULL);
    if (strcmp(argv[1], "--version") == 0) argv[1] = "version";
    cli.command = find_command(&cli, argc, argv, &words);
    if (!cli.command) return no_such_command(&cli, argc, argv);
    int code = parse(&cli, argc, argv, 1 + words);
    cli.json = cli_has(&cli, "json");
    if (code) return code;
    if (cli_has(&cli, "help")) return print_help(&cli, cli.command, NULL);
    code = check_operands(&cli);
    return code ? code : cli.command->run(&cli);
}

/* --- progress -------------------------------------------------------------------------------- */

void cli_progress_start(struct cli_progress *p, const struct cli *cli, const char *noun,
                        uint64_t total)
{
    bool shown = !cli->json && isatty(STDERR_FILENO);
    int64_t now = clock_mono_ns(clock_real());
    *p = (struct cli_progress){shown ? cli->err : NULL, noun, total, now, now};
}

void cli_progress_show(struct cli_progress *p, uint64_t done)
{
    int64_t now = clock_mono_ns(clock_real());
    if (!p->to || now - p->shown_ns < 100 * NS_PER_MS) return;
    p->shown_ns = now;
    double seconds = (double)(now - p->started_ns) / (double)NS_PER_S;
    uint64_t rate = (uint64_t)((double)done / seconds);
    if (!p->total) {
        fprintf(p->to, "\r\033[K%" PRIu64 " %s, %" PRIu64 "/s", done, p->noun, rate);
        return;
    }
    uint64_t part = done > p->total ? p->total : done;
    int filled = (int)(part * BAR_WIDTH / p->total);
    fprintf(p->to, "\r\033[K[%.*s%.*s] %3d %%  %" PRIu64 " of %" PRIu64 " %s, %" PRIu64 "/s",
            filled, "####################", BAR_WIDTH - filled, "--------------------",
            (int)(part * 100 / p->total), done, p->total, p->noun, rate);
}

void cli_progress_end(struct cli_progress *p)
{
    if (p->to) fputs("\r\033[K", p->to);
}
