/* Trying an expression (see synthetic_preview.h). */
#include "service/synthetic_preview.h"

#include "rules/expression_functions.h"
#include "rules/synthetic_group.h"
#include "service/synthetic_checks.h"

#include <stdio.h>

enum { WINDOW_BYTES_MAX = 16 << 20 };

/* --- what it uses ----------------------------------------------------------------------------- */

static const char *function_name(enum expression_statistic what)
{
    for (size_t i = 0; i < expression_functions_count; i++) {
        const struct expression_function *f = &expression_functions[i];
        bool of_window = f->call == CALL_WINDOW || f->call == CALL_FOLD;
        if (of_window && f->statistic == what) return f->name;
    }
    return "";
}

static enum err list_uses(struct synthetic_service *s, struct reg_device *d,
                          const struct expression *x, struct arena *arena,
                          struct synthetic_preview *ret)
{
    ret->name_count = expression_name_count(x);
    ret->window_count = expression_window_count(x);
    ret->names = arena_array(arena, ret->name_count + 1, sizeof *ret->names);
    ret->windows = arena_array(arena, ret->window_count + 1, sizeof *ret->windows);
    if (!ret->names || !ret->windows) return ERR_NOMEM;
    for (size_t i = 0; i < ret->name_count; i++) {
        struct bytes name = arena_copy(arena, expression_name(x, i));
        if (!name.p) return ERR_NOMEM;
        ret->names[i] =
            (struct synthetic_used){name, d && synthetic_service_find_input(s->registry, d, name)};
    }
    for (size_t i = 0; i < ret->window_count; i++) {
        struct expression_window w = expression_window_at(x, i);
        ret->windows[i] = (struct synthetic_used_window){
            function_name(w.statistic), expression_span_name(w.span_ns), ret->names[w.name].name};
    }
    return ERR_OK;
}

/* --- what it gives ---------------------------------------------------------------------------- */

static void locate(struct bytes text, size_t offset, struct synthetic_preview *ret)
{
    ret->at_line = ret->at_column = 1;
    for (size_t i = 0; i < offset && i < text.n; i++) {
        bool starts = ((unsigned char)text.p[i] & 0xc0) != 0x80;
        ret->at_column = text.p[i] == '\n' ? 1 : ret->at_column + starts;
        ret->at_line += text.p[i] == '\n';
    }
}

/* At the newest reading of an input, as the engine would. */
static enum err run_now(struct synthetic_service *s, struct reg_device *d, struct bytes text,
                        struct synthetic_preview *ret)
{
    struct synthetic_budget budget = {0, WINDOW_BYTES_MAX};
    const struct synthetic_parts parts = {
        .registry = s->registry, .telemetry = s->telemetry, .budget = &budget};
    const struct synthetic row = {.series = -1, .expression = text, .enabled = true};
    struct synthetic_group *g;
    size_t offset = 0;
    enum err e = synthetic_group_new(&g, &parts, d, &row, 1);
    if (e) return e;
    e = synthetic_group_latest(g, &ret->ts_ns);
    ret->tried = !e && ret->ts_ns != INT64_MIN;
    if (ret->tried) e = synthetic_group_seek(g, clock_add(ret->ts_ns, 1));
    if (ret->tried && !e) ret->outcome = synthetic_group_try(g, &ret->value, &offset);
    if (ret->tried && !e && ret->outcome) locate(text, offset, ret);
    synthetic_group_free(g);
    return e;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum err check_order(struct synthetic_service *s, struct reg_device *d, struct bytes name,
                            const struct expression *x, struct arena *arena, struct why *why)
{
    struct sql_tx *tx;
    const struct synthetic y = {.org = d->org, .device = d->id, .name = name};
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    struct synthetic present = y, *rows = NULL;
    size_t n = 0;
    e = catalog_synthetics_list_device(tx, d->org, d->id, arena, &rows, &n);
    for (size_t i = 0; i < n && !e; i++)
        if (bytes_equal(rows[i].name, name)) present.id = rows[i].id; /* it is being changed */
    if (!e) e = synthetic_checks_order(tx, &present, x, arena, why);
    return sql_end(tx, e);
}

static enum err try_compiled(struct synthetic_service *s, struct reg_device *d, struct bytes name,
                             struct bytes text, const struct expression *x, struct arena *arena,
                             struct synthetic_preview *ret)
{
    struct why why = {""};
    enum err e = list_uses(s, d, x, arena, ret);
    if (!e && d && name.n) e = check_order(s, d, name, x, arena, &why);
    if (e == ERR_IMPOSSIBLE) {
        snprintf(ret->error.text, sizeof ret->error.text, "%.199s", why.text);
        ret->valid = false;
        return ERR_OK;
    }
    return e || !d || !ret->name_count ? e : run_now(s, d, text, ret);
}

enum err synthetic_preview_try(struct synthetic_service *s, int64_t org, struct bytes device,
                               struct bytes name, struct bytes expression, struct arena *arena,
                               struct synthetic_preview *ret)
{
    struct expression *x = NULL;
    struct reg_device *d = NULL;
    *ret = (struct synthetic_preview){.ts_ns = INT64_MIN};
    if (device.n && !(d = registry_find_device(s->registry, org, device))) return ERR_NOTFOUND;
    enum err e = expression_compile(&x, expression, &ret->error);
    if (e) return e == ERR_INVALID ? ERR_OK : e;
    ret->valid = expression_name_count(x) > 0;
    if (!ret->valid)
        ret->error = (struct expression_error){
            .text = "it uses no variable, so nothing would make it be computed"};
    else
        e = try_compiled(s, d, name, expression, x, arena, ret);
    expression_free(x);
    return e;
}
