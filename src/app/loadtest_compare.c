/* Saved figures against present ones (see loadtest_compare.h). */
#include "app/loadtest_compare.h"

#include "app/ask.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "perf/mann_whitney.h"

#include <errno.h>
#include <math.h>

enum { SAVED_MAX = 64 << 20, SAMPLES_MAX = 1300 };
#define ALPHA       0.01
#define LEAST_SHARE 0.05
#define LEAST_MS    0.1

/* --- reading ---------------------------------------------------------------------------------- */

static enum err read_file(const char *path, struct buf *text, struct why *why)
{
    FILE *f = fopen(path, "rb");
    if (!f) return why_say(why, err_from_errno(errno), "%.150s: %s", path, strerror(errno));
    while (!feof(f) && !ferror(f)) {
        char *room = buf_reserve(text, 1 << 16);
        if (!room) break;
        buf_advance(text, fread(room, 1, 1 << 16, f));
    }
    enum err e = ferror(f) ? ERR_IO : text->err;
    fclose(f);
    return e ? why_say(why, e, "%.150s: %s", path, err_sentence(e)) : ERR_OK;
}

/* What makes two loads one. */
static enum err check_load(const struct loadtest *t, const cJSON *saved, const char *path,
                           struct why *why)
{
    const struct loadtest_opts *o = &t->opts;
    const struct {
        const char *name;
        double now;
    } rows[] = {{"users", (double)o->users},
                {"devices", (double)o->devices},
                {"organizations", (double)o->orgs},
                {"variables", (double)o->variables},
                {"pointsPerDay", o->max_rate ? 0 : o->points_per_day}};
    const char *scenario = ask_text(saved, "scenario"), *transport = ask_text(saved, "transport");
    if (!*scenario)
        return why_say(why, ERR_INVALID, "%.150s was not written by loadtest --save", path);
    if (strcmp(scenario, loadtest_scenario_name(o->scenario)) != 0)
        return why_say(why, ERR_INVALID, "%.100s is of the scenario %.20s", path, scenario);
    if (strcmp(transport, o->mqtt ? "mqtt" : "http") != 0)
        return why_say(why, ERR_INVALID, "%.100s is of devices over %.10s", path, transport);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const cJSON *n = cJSON_GetObjectItemCaseSensitive(saved, rows[i].name);
        double before = cJSON_IsNumber(n) ? n->valuedouble : 0;
        if (fabs(before - rows[i].now) <= 1e-9 * fabs(before)) continue;
        return why_say(why, ERR_INVALID, "%.100s is of another load: %s was %.15g, not %.15g", path,
                       rows[i].name, before, rows[i].now);
    }
    return ERR_OK;
}

enum err loadtest_compare_read(const struct loadtest *t, const char *path, struct cJSON **ret,
                               struct why *why)
{
    struct buf text;
    cJSON *saved = NULL;
    buf_init(&text, SAVED_MAX);
    enum err e = read_file(path, &text, why);
    if (!e) saved = cJSON_ParseWithLength(text.p ? text.p : "", text.n);
    buf_done(&text);
    if (!e) e = check_load(t, saved, path, why);
    if (e)
        cJSON_Delete(saved);
    else
        *ret = saved;
    return e;
}

/* --- comparing -------------------------------------------------------------------------------- */

static const cJSON *find_kind(const cJSON *saved, const char *name)
{
    const cJSON *kind, *kinds = cJSON_GetObjectItemCaseSensitive(saved, "kinds");
    cJSON_ArrayForEach(kind, kinds) if (strcmp(ask_text(kind, "kind"), name) == 0) return kind;
    return NULL;
}

/* Of the intervals in which there were any. */
static size_t take_saved(const cJSON *kind, bool p99, double *ret)
{
    const cJSON *one, *list = cJSON_GetObjectItemCaseSensitive(kind, "intervals");
    size_t n = 0;
    cJSON_ArrayForEach(one, list)
    {
        const cJSON *ms = cJSON_GetObjectItemCaseSensitive(one, p99 ? "p99Ms" : "p50Ms");
        if (n == SAMPLES_MAX || ask_integer(one, "requests") < 1 || !cJSON_IsNumber(ms)) continue;
        ret[n++] = ms->valuedouble;
    }
    return n;
}

static size_t take_present(const struct loadtest *t, enum loadtest_kind k, bool p99, double *ret)
{
    const struct loadtest_figures *f = t->figures;
    size_t n = 0;
    for (size_t i = 0; i < f->intervals && n < SAMPLES_MAX; i++) {
        const struct loadtest_sample *s = &f->samples[k][i];
        if (s->count) ret[n++] = (double)(p99 ? s->p99_ns : s->p50_ns) / (double)NS_PER_MS;
    }
    return n;
}

struct work {
    double before[SAMPLES_MAX], now[SAMPLES_MAX];
    double scratch[MANN_WHITNEY_SCRATCH(SAMPLES_MAX, SAMPLES_MAX)];
};

static void compare_one(const struct loadtest *t, const cJSON *kind, enum loadtest_kind k, bool p99,
                        struct work *w, struct loadtest_comparison *c)
{
    struct mann_whitney r;
    size_t n = take_saved(kind, p99, w->before), m = take_present(t, k, p99, w->now);
    if (!mann_whitney_run(w->before, n, w->now, m, w->scratch, &r)) return;
    c->changes[c->count++] = (struct loadtest_change){
        .kind = k,
        .what = p99 ? "p99" : "p50",
        .before_ms = mann_whitney_median(w->before, n, w->scratch),
        .now_ms = mann_whitney_median(w->now, m, w->scratch),
        .scatter_ms = mann_whitney_scatter(w->before, n, w->scratch),
        .shift_ms = r.shift,
        .p = r.p,
    };
}

static void judge(struct loadtest_comparison *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct loadtest_change *x = &c->changes[i];
        double size = fabs(x->shift_ms);
        bool large = size > x->scatter_ms && size > LEAST_MS && size > LEAST_SHARE * x->before_ms;
        x->worse = large && x->shift_ms > 0 && x->p < ALPHA / (double)c->count;
        x->better = large && x->shift_ms < 0 && 1 - x->p < ALPHA / (double)c->count;
        c->worse += x->worse;
    }
}

enum err loadtest_compare_run(const struct loadtest *t, const struct cJSON *saved,
                              struct loadtest_comparison *ret)
{
    struct work *w = mem_alloc(sizeof *w);
    if (!w) return ERR_NOMEM;
    *ret = (struct loadtest_comparison){.count = 0};
    snprintf(ret->saved_at, sizeof ret->saved_at, "%s", ask_text(saved, "startedAt"));
    for (size_t k = 0; k < LOADTEST_LATE; k++) {
        const cJSON *kind = find_kind(saved, loadtest_kind_name((enum loadtest_kind)k));
        if (!kind) continue;
        compare_one(t, kind, (enum loadtest_kind)k, false, w, ret);
        compare_one(t, kind, (enum loadtest_kind)k, true, w, ret);
    }
    judge(ret);
    mem_free(w);
    return ERR_OK;
}

/* --- saying it -------------------------------------------------------------------------------- */

void loadtest_compare_text(const struct loadtest_comparison *c, struct buf *out)
{
    buf_printf(out, "\nagainst the run of %s, medians of the intervals:\n\n", c->saved_at);
    buf_printf(out, "%-10s %5s %9s %9s %9s %9s %8s\n", "kind", "", "then ms", "now ms", "shift ms",
               "scatter", "p");
    for (size_t i = 0; i < c->count; i++) {
        const struct loadtest_change *x = &c->changes[i];
        buf_printf(out, "%-10s %5s %9.2f %9.2f %+9.2f %9.2f %8.4f  %s\n",
                   loadtest_kind_name(x->kind), x->what, x->before_ms, x->now_ms, x->shift_ms,
                   x->scatter_ms, x->p,
                   x->worse    ? "WORSE"
                   : x->better ? "better"
                               : "");
    }
    if (c->worse)
        buf_printf(out, "\n%zu of %zu figures are worse by more than their noise\n", c->worse,
                   c->count);
    else
        buf_printf(out, "\nno figure of %zu is worse by more than its noise\n", c->count);
}

void loadtest_compare_json(const struct loadtest_comparison *c, struct buf *out)
{
    json_write_open(out, '{');
    json_write_member_text(out, "savedAt", c->saved_at);
    json_write_member_u64(out, "worse", c->worse);
    json_write_key(out, "figures");
    json_write_open(out, '[');
    for (size_t i = 0; i < c->count; i++) {
        const struct loadtest_change *x = &c->changes[i];
        json_write_open(out, '{');
        json_write_member_text(out, "kind", loadtest_kind_name(x->kind));
        json_write_member_text(out, "figure", x->what);
        json_write_member_number(out, "thenMs", x->before_ms);
        json_write_member_number(out, "nowMs", x->now_ms);
        json_write_member_number(out, "shiftMs", x->shift_ms);
        json_write_member_number(out, "scatterMs", x->scatter_ms);
        json_write_member_number(out, "p", x->p);
        json_write_member_text(out, "verdict", x->worse ? "worse" : x->better ? "better" : "same");
        json_write_close(out, '}');
    }
    json_write_close(out, ']');
    json_write_close(out, '}');
}
