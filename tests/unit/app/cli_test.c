/* Parsing by the command table: every form of an option, every mistake, and what each exit code
 * is. */
#include "app/cli.h"
#include "app/cli_help.h"
#include "app/commands.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static char seen[400];

/* Writes down what it was given: "set=a set=b flag operand …". */
static int run_probe(struct cli *cli)
{
    size_t n = 0;
    seen[0] = 0;
    for (size_t i = 0; i < cli->value_count; i++)
        n += (size_t)snprintf(seen + n, sizeof seen - n, "%s=%s ", cli->values[i].name,
                              cli->values[i].value);
    for (size_t i = 0; i < cli->operand_count; i++)
        n += (size_t)snprintf(seen + n, sizeof seen - n, "[%s] ", cli->operands[i]);
    return 7;
}

static const struct cli_option options[] = {{"name", "TEXT", "a value", false},
                                            {"flag", NULL, "a switch", false},
                                            {NULL, NULL, NULL, false}};
static const struct cli_command table[] = {
    {.name = "probe",
     .run = run_probe,
     .summary = "Probes",
     .operands = "ONE [TWO]",
     .operands_min = 1,
     .operands_max = 2,
     .groups = CLI_CONFIG,
     .options = options,
     .examples = "  probe x\n"},
    {.name = "two words", .run = run_probe, .summary = "Two", .examples = "  two words\n"},
};

/* Runs the program's arguments with both outputs closed away. */
static int run(const struct cli_command *commands, size_t n, const char *const *args)
{
    char *argv[200] = {(char *)(uintptr_t) "sensorvision"};
    int argc = 1, out = dup(1), err = dup(2), null = open("/dev/null", O_WRONLY);
    for (; args[argc - 1]; argc++) argv[argc] = (char *)(uintptr_t)args[argc - 1];
    fflush(stdout);
    fflush(stderr);
    dup2(null, 1);
    dup2(null, 2);
    int code = cli_main(commands, n, argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    close(null);
    return code;
}
#define RUN(...) run(table, 2, (const char *const[]){__VA_ARGS__, NULL})

static void options_are_taken_in_every_form(void **state)
{
    (void)state;
    assert_int_equal(RUN("probe", "--name", "a b", "x"), 7);
    assert_string_equal(seen, "name=a b [x] ");
    assert_int_equal(RUN("probe", "x", "--name=", "--flag", "--set=a=b", "--set", "c=d"), 7);
    assert_string_equal(seen, "name= flag= set=a=b set=c=d [x] ");
    assert_int_equal(RUN("probe", "--", "--name", "-"), 7);
    assert_string_equal(seen, "[--name] [-] ");
    assert_int_equal(RUN("two", "words", "--json"), 7);
    assert_string_equal(seen, "json= ");
}

static void mistakes_are_usage(void **state)
{
    (void)state;
    assert_int_equal(RUN("probe"), CLI_USAGE);
    assert_int_equal(RUN("probe", "x", "y", "z"), CLI_USAGE);
    assert_int_equal(RUN("probe", "x", "--unknown"), CLI_USAGE);
    assert_int_equal(RUN("probe", "x", "--nam", "a"), CLI_USAGE);
    assert_int_equal(RUN("probe", "x", "--name"), CLI_USAGE);
    assert_int_equal(RUN("probe", "x", "--flag=1"), CLI_USAGE);
    assert_int_equal(RUN("probe", "x", "--name", "a", "--name", "b"), CLI_USAGE);
    assert_int_equal(RUN("probes"), CLI_USAGE);
    assert_int_equal(RUN("two"), CLI_USAGE);
    assert_int_equal(RUN("two", "wings"), CLI_USAGE);
    assert_int_equal(RUN("backup", "file"), CLI_USAGE);
    const char *none[] = {NULL};
    assert_int_equal(run(table, 2, none), CLI_USAGE);
}

static void help_is_always_an_answer(void **state)
{
    (void)state;
    assert_int_equal(RUN("--help"), CLI_DONE);
    assert_int_equal(RUN("help"), CLI_DONE);
    assert_int_equal(RUN("probe", "--help"), CLI_DONE);
    assert_int_equal(RUN("probe", "-h"), CLI_DONE);
    assert_int_equal(RUN("two", "--help"), CLI_DONE);
    assert_int_equal(RUN("two", "words", "--help"), CLI_DONE);
}

static void too_many_options_or_operands_are_refused_not_overrun(void **state)
{
    (void)state;
    const char *args[2 * CLI_VALUES_MAX + 4] = {"probe", "x"};
    size_t n = 2;
    while (n < 2 * CLI_VALUES_MAX + 2) {
        args[n++] = "--set";
        args[n++] = "a=b";
    }
    assert_int_equal(run(table, 2, args), CLI_USAGE);
    const char *many[CLI_OPERANDS_MAX + 3] = {"probe"};
    for (size_t i = 1; i < CLI_OPERANDS_MAX + 2; i++) many[i] = "x";
    assert_int_equal(run(table, 2, many), CLI_USAGE);
}

/* Every row of the real table has what the help, the man page and the completion need. */
static void every_command_explains_itself(void **state)
{
    (void)state;
    struct cli cli = {
        .table = commands_table, .table_count = commands_count, .bold = "", .plain = ""};
    for (size_t i = 0; i < commands_count; i++) {
        const struct cli_command *c = &commands_table[i];
        struct buf b;
        buf_init(&b, 1 << 16);
        cli_help_command(&cli, c, &b);
        const char *text = buf_cstr(&b);
        assert_non_null(c->run);
        assert_non_null(strstr(text, "Usage: sensorvision "));
        assert_non_null(strstr(text, "Examples:\n  "));
        assert_non_null(strstr(text, c->name));
        assert_int_equal(c->examples[strlen(c->examples) - 1], '\n');
        assert_true((c->operands != NULL) == (c->operands_max > 0));
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            if (strcspn(line, "\n") > 110) fail_msg("%s: %.120s", c->name, line);
        buf_done(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_in_every_form),
        cmocka_unit_test(mistakes_are_usage),
        cmocka_unit_test(help_is_always_an_answer),
        cmocka_unit_test(too_many_options_or_operands_are_refused_not_overrun),
        cmocka_unit_test(every_command_explains_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
