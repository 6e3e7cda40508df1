/* `loadtest`: its options, its phases in order, and its verdict. */
#include "app/ask.h"
#include "app/commands.h"
#include "app/loadtest.h"
#include "app/loadtest_compare.h"
#include "app/loadtest_report.h"
#include "app/loadtest_run.h"
#include "app/loadtest_stages.h"
#include "base/mem.h"
#include "codec/number.h"

#include <errno.h>
#include <math.h>

enum { USERS_PER_ORG = 50, DEVICES_PER_ORG = 100, ORGS_AT_MOST = 9, LINKS = 1500 };
enum { REPORT_MAX = 64 << 20 };
#define SECONDS_MAX (7 * 3600) /* an access token's life is 8 hours */

static int take_count(struct cli *cli, const char *name, size_t absent, size_t min, size_t max,
                      size_t *ret)
{
    const char *text = cli_value(cli, name, NULL);
    double value = (double)absent;
    if (text && (number_parse(bytes_str(text), &value) || value < (double)min ||
                 value > (double)max || value != floor(value)))
        return cli_usage(cli, "--%s %s: it takes a number from %zu to %zu", name, text, min, max);
    *ret = (size_t)value;
    return CLI_DONE;
}

/* 90, 90s, 5m, 2h. */
static int take_duration(struct cli *cli, const char *text, int64_t *ret_ns)
{
    struct bytes digits = bytes_str(text);
    double value, unit = 1;
    char last = digits.n ? digits.p[digits.n - 1] : 0;
    if (last == 'm') unit = 60;
    if (last == 'h') unit = 3600;
    if (last == 's' || unit > 1) digits.n--;
    if (number_parse(digits, &value) || value * unit < 1 || value * unit > SECONDS_MAX)
        return cli_usage(cli, "--duration %s: it takes 1s to 7h", text);
    *ret_ns = (int64_t)(value * unit * (double)NS_PER_S);
    return CLI_DONE;
}

static int take_rate(struct cli *cli, struct loadtest_opts *o)
{
    const char *text = cli_value(cli, "points-per-day", "1e6");
    o->max_rate = cli_has(cli, "max-rate");
    if (o->max_rate && cli_has(cli, "points-per-day"))
        return cli_usage(cli, "either --points-per-day or --max-rate");
    if (number_parse(bytes_str(cli_value(cli, "noisy", "0")), &o->noisy) || o->noisy < 0 ||
        o->noisy > 1000 || (o->noisy > 1 && o->max_rate))
        return cli_usage(cli, "--noisy takes a number up to 1000, and no --max-rate");
    if (cli_has(cli, "points") && !o->max_rate)
        return cli_usage(cli, "--points goes with --max-rate");
    if (number_parse(bytes_str(text), &o->points_per_day) || !(o->points_per_day >= 1) ||
        o->points_per_day > 1e12)
        return cli_usage(cli, "--points-per-day %s: it takes a number from 1 to 1e12", text);
    return CLI_DONE;
}

static size_t at_least(size_t n, size_t each)
{
    return (n + each - 1) / each;
}

/* As many organisations as keep within the limits of a pilot, which has ten with its own. */
static size_t orgs_for(const struct loadtest_opts *o)
{
    size_t users = at_least(o->users, USERS_PER_ORG),
           devices = at_least(o->devices, DEVICES_PER_ORG);
    size_t n = users > devices ? users : devices;
    if (n < 1) n = 1;
    return n < ORGS_AT_MOST ? n : ORGS_AT_MOST;
}

static int take_scenario(struct cli *cli, struct loadtest_opts *o)
{
    const char *name = cli_value(cli, "scenario", "baseline");
    const char *transport = cli_value(cli, "transport", "http");
    if (!loadtest_scenario_find(name, &o->scenario))
        return cli_usage(cli, "--scenario takes baseline, peak, stress or endurance");
    o->mqtt = strcmp(transport, "mqtt") == 0;
    o->mqtt_address = cli_value(cli, "mqtt", NULL);
    if (!o->mqtt && strcmp(transport, "http") != 0)
        return cli_usage(cli, "--transport takes http or mqtt");
    if (o->mqtt && cli_has(cli, "max-rate"))
        return cli_usage(cli, "--max-rate sends bulks, which MQTT does not have");
    if (o->mqtt_address && !o->mqtt) return cli_usage(cli, "--mqtt goes with --transport mqtt");
    const char *usual = o->scenario == LOADTEST_ENDURANCE ? "30m" : "60s";
    return take_duration(cli, cli_value(cli, "duration", usual), &o->duration_ns);
}

static int take_options(struct cli *cli, struct loadtest_opts *o)
{
    size_t seed, points;
    int code = take_count(cli, "users", 100, 0, LOADTEST_USERS_MAX, &o->users);
    if (!code) code = take_count(cli, "devices", 500, 1, LOADTEST_DEVICES_MAX, &o->devices);
    if (!code) code = take_count(cli, "organizations", orgs_for(o), 1, LOADTEST_ORGS_MAX, &o->orgs);
    if (!code) code = take_count(cli, "variables", 3, 1, LOADTEST_VARIABLES_MAX, &o->variables);
    if (!code) code = take_count(cli, "batch", 500, 1, 10000, &o->batch);
    if (!code) code = take_count(cli, "connections", LINKS, 1, 60000, &o->connections);
    if (!code) code = take_count(cli, "seed", 1, 0, 1000000000, &seed);
    if (!code) code = take_count(cli, "points", 0, 0, 1000000000, &points);
    if (!code) code = take_scenario(cli, o);
    if (!code) code = take_rate(cli, o);
    if (!code && o->orgs > o->devices) code = cli_usage(cli, "more organisations than devices");
    if (code) return code;
    o->seed = seed;
    o->points = points;
    o->keep = cli_has(cli, "keep");
    o->url = cli_value(cli, "url", NULL);
    o->save = cli_value(cli, "save", NULL);
    o->compare = cli_value(cli, "compare", NULL);
    return CLI_DONE;
}

static int fail(struct loadtest *t, enum err e)
{
    if (!t->why.text[0] && e == ERR_FORBIDDEN) return CLI_FAILED; /* said already */
    return cli_fail(t->cli, "%s", t->why.text[0] ? t->why.text : err_sentence(e));
}

static int write_file(struct loadtest *t, const char *path, struct buf *b)
{
    FILE *f = b->err ? NULL : fopen(path, "wb");
    if (!f)
        return cli_fail(t->cli, "%s: %s", path, b->err ? err_sentence(b->err) : strerror(errno));
    bool whole = fwrite(b->p, 1, b->n, f) == b->n;
    if (fclose(f) || !whole) return cli_fail(t->cli, "%s cannot be written", path);
    return CLI_DONE;
}

static int save(struct loadtest *t)
{
    struct buf b;
    if (!t->opts.save) return CLI_DONE;
    buf_init(&b, REPORT_MAX);
    loadtest_report_json(t, NULL, &b);
    int code = write_file(t, t->opts.save, &b);
    buf_done(&b);
    return code;
}

static int print_report(struct loadtest *t, const struct loadtest_comparison *c)
{
    struct buf b;
    buf_init(&b, REPORT_MAX);
    if (t->cli->json)
        loadtest_report_json(t, c, &b);
    else
        loadtest_report_text(t, &b);
    if (c && !t->cli->json) loadtest_compare_text(c, &b);
    int code = cli_print(t->cli, &b);
    buf_done(&b);
    return code;
}

static enum err measure(struct loadtest *t)
{
    enum err e = loadtest_limits_lift(t);
    if (!e) e = loadtest_setup_make(t);
    if (!e) e = loadtest_history_send(t);
    if (!e) e = loadtest_limits_narrow(t);
    if (!e) e = loadtest_run_all(t);
    if (!e) e = loadtest_verify_all(t);
    return e;
}

static enum err clean(struct loadtest *t)
{
    if (!t->orgs_made) return ERR_OK;
    if (t->opts.keep) {
        cli_say(t->cli, "kept: %zu organisations, loadtest-%s-1 …; their users' password is %s",
                t->orgs_made, t->tag, t->password);
        return ERR_OK;
    }
    enum err e = loadtest_setup_clean(t);
    if (!e)
        cli_say(t->cli,
                "the %zu organisations are deleted again; the server purges them in the "
                "background",
                t->orgs_made);
    return e;
}

/* Errors of the server and points that are not there are a failed test; under stress errors are
 * what is looked for. */
static int verdict_of(struct loadtest *t, const struct loadtest_comparison *c)
{
    struct loadtest_growth growth[LOADTEST_KINDS];
    bool errors = loadtest_figures_errors(t->figures) && t->opts.scenario != LOADTEST_STRESS;
    if (!loadtest_report_stored(t) || errors || t->interrupts) return CLI_FAILED;
    if (loadtest_stages_growth(t, growth)) return CLI_FAILED;
    return c && c->worse ? CLI_FAILED : CLI_DONE;
}

static int conclude(struct loadtest *t, const cJSON *saved)
{
    struct loadtest_comparison comparison, *c = NULL;
    enum err e = saved ? loadtest_compare_run(t, saved, &comparison) : ERR_OK;
    if (e) return fail(t, e);
    if (saved) c = &comparison;
    int code = print_report(t, c);
    if (!code) code = save(t);
    return code ? code : verdict_of(t, c);
}

static int run(struct loadtest *t, const cJSON *saved)
{
    enum err e = loadtest_run_open(t);
    if (!e) e = loadtest_access_open(t);
    if (!e) e = measure(t);
    int code = e ? fail(t, e) : conclude(t, saved);
    t->why.text[0] = 0;
    e = clean(t);
    if (e) code = fail(t, e);
    loadtest_limits_restore(t);
    loadtest_access_close(t);
    return code;
}

int cmd_loadtest(struct cli *cli)
{
    struct loadtest *t = mem_zalloc(sizeof *t);
    cJSON *saved = NULL;
    if (!t) return cli_fail(cli, "%s", err_sentence(ERR_NOMEM));
    t->cli = cli;
    int code = take_options(cli, &t->opts);
    if (!code && t->opts.compare && loadtest_compare_read(t, t->opts.compare, &saved, &t->why))
        code = cli_usage(cli, "--compare: %s", t->why.text);
    if (!code) {
        code = run(t, saved);
        loadtest_run_close(t);
    }
    cJSON_Delete(saved);
    mem_free(t);
    return code;
}
