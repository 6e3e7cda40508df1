#pragma once
/* app/cli.h -- the command line: a table of commands, from which come parsing, --help, the man page
 * and the shell completion.
 *
 * Exit codes: 0 done, 1 failed, 2 usage (or a configuration that is not accepted). Results go to
 * standard output, everything else to standard error; with --json both are JSON. Progress bars and
 * colours appear on terminals only; NO_COLOR is honoured.
 * Threads: main only.   Memory: values and operands are borrowed from argv. */
#include "base/buf.h"

#include <stdbool.h>
#include <stdio.h>

enum cli_exit { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what stands for it in the help ("FILE"); NULL: a switch */
    const char *doc;
    bool repeats;
};

/* Options that many commands share. --help and --json are everybody's. */
enum cli_group {
    CLI_CONFIG = 1 << 0, /* --config FILE, --set key=value */
    CLI_DATA = 1 << 1,   /* --data DIR */
    CLI_CLIENT = 1 << 2, /* --url URL, --token TOKEN, --user NAME, --password TEXT */
};

struct cli;
struct cli_command {
    const char *name; /* one word, or two: "config set" */
    int (*run)(struct cli *cli);
    const char *summary;  /* one line */
    const char *operands; /* "KEY VALUE", NULL: none */
    unsigned operands_min, operands_max;
    unsigned groups;                  /* bits of enum cli_group */
    const struct cli_option *options; /* its own, ended by a name of NULL; NULL: none */
    const char *more;                 /* further paragraphs of the help, or NULL */
    const char *examples;             /* lines as one would type them */
    bool hidden;
};

enum { CLI_VALUES_MAX = 64, CLI_OPERANDS_MAX = 16 };

struct cli {
    const struct cli_command *table, *command;
    size_t table_count;
    FILE *out, *err;
    bool json;
    const char *bold, *plain; /* terminal codes, or "" */
    struct {
        const char *name, *value;
    } values[CLI_VALUES_MAX];
    size_t value_count;
    const char *operands[CLI_OPERANDS_MAX];
    size_t operand_count;
};

/* Runs one command; the exit code. */
int cli_main(const struct cli_command *table, size_t n, int argc, char **argv);

/* The last value given, else `absent`; "" for a switch that was given. */
const char *cli_value(const struct cli *cli, const char *name, const char *absent);
bool cli_has(const struct cli *cli, const char *name);
/* All values of a repeated option, in order; at most CLI_VALUES_MAX. */
size_t cli_each(const struct cli *cli, const char *name, const char *ret[CLI_VALUES_MAX]);

/* Print "sensorvision: …" (or {"error":…}) and return the exit code, so a failing line reads
 *     return cli_fail(cli, "…"); */
int cli_fail(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_usage(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line for people on standard error, its end added; nothing with --json. */
void cli_say(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes a finished buffer to standard output; CLI_FAILED (and says so) when it is incomplete or
 * the output is full. */
int cli_print(struct cli *cli, struct buf *b);

/* "[#####-----]  50 %  1,440 of 2,880 records, 12,000/s" on a terminal's standard error, at most
 * ten times a second; elsewhere nothing. total 0: not known. */
struct cli_progress {
    FILE *to; /* NULL: silent */
    const char *noun;
    uint64_t total;
    int64_t started_ns, shown_ns;
};
void cli_progress_start(struct cli_progress *p, const struct cli *cli, const char *noun,
                        uint64_t total);
void cli_progress_show(struct cli_progress *p, uint64_t done);
void cli_progress_end(struct cli_progress *p); /* takes the line away */
