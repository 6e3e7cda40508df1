/* The language of synthetic variables: its functions, and trying a text. */
#include "api/app.h"
#include "api/handlers_synthetics.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "model/variable.h"
#include "rules/expression_functions.h"
#include "service/synthetic_preview.h"

/* --- functions -------------------------------------------------------------------------------- */

enum { FUNCTIONS_MAX = 64 };

static void write_function(struct buf *b, const struct expression_function *f)
{
    json_write_open(b, '{');
    json_write_member_text(b, "name", f->name);
    json_write_member_text(b, "description", f->description);
    json_write_member_text(b, "category", f->category);
    json_write_close(b, '}');
}

/* Pointers to all of them, by name. */
static size_t sort_functions(const struct expression_function *ret[FUNCTIONS_MAX])
{
    size_t n = 0;
    bug_if(expression_functions_count > FUNCTIONS_MAX);
    for (; n < expression_functions_count; n++) {
        const struct expression_function *f = &expression_functions[n];
        size_t at = n;
        for (; at && strcmp(ret[at - 1]->name, f->name) > 0; at--) ret[at] = ret[at - 1];
        ret[at] = f;
    }
    return n;
}

void expressions_api_functions(struct api_call *c)
{
    static const char *const categories[] = {"Math", "Logic", "Statistical"};
    const struct expression_function *all[FUNCTIONS_MAX];
    size_t n = sort_functions(all);
    json_write_open(c->body, '{');
    for (size_t k = 0; k < sizeof categories / sizeof *categories; k++) {
        json_write_key(c->body, categories[k]);
        json_write_open(c->body, '[');
        for (size_t i = 0; i < n; i++)
            if (strcmp(all[i]->category, categories[k]) == 0) write_function(c->body, all[i]);
        json_write_close(c->body, ']');
    }
    json_write_close(c->body, '}');
    service_call_cacheable(c);
}

void expressions_api_flat(struct api_call *c)
{
    const struct expression_function *all[FUNCTIONS_MAX];
    size_t n = sort_functions(all);
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) write_function(c->body, all[i]);
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

/* --- trying ----------------------------------------------------------------------------------- */

static void write_errors(struct buf *b, const struct synthetic_preview *p)
{
    json_write_key(b, "errors");
    json_write_open(b, '[');
    if (!p->valid) {
        const struct expression_error *error = &p->error;
        json_write_open(b, '{');
        json_write_member_u64(b, "line", error->line ? error->line : 1);
        json_write_member_u64(b, "column", error->column ? error->column : 1);
        json_write_member_u64(b, "offset", error->offset);
        json_write_member_text(b, "message", error->text);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

static void write_uses(struct buf *b, const struct synthetic_preview *p)
{
    json_write_key(b, "variables");
    json_write_open(b, '[');
    for (size_t i = 0; i < p->name_count; i++) {
        json_write_open(b, '{');
        json_write_member_str(b, "name", p->names[i].name);
        json_write_member_bool(b, "known", p->names[i].known);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
    json_write_key(b, "windows");
    json_write_open(b, '[');
    for (size_t i = 0; i < p->window_count; i++) {
        json_write_open(b, '{');
        json_write_member_text(b, "function", p->windows[i].function);
        json_write_member_str(b, "variable", p->windows[i].name);
        json_write_member_text(b, "window", p->windows[i].span);
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

static void write_preview(struct buf *b, const struct synthetic_preview *p)
{
    if (!p->valid || !p->tried) {
        json_write_member_null(b, "preview");
        return;
    }
    json_write_key(b, "preview");
    json_write_open(b, '{');
    if (p->outcome) {
        json_write_member_null(b, "value");
    } else {
        json_write_member_number(b, "value", p->value);
    }
    json_write_member_time(b, "timestamp", p->ts_ns);
    if (p->outcome) {
        json_write_member_text(b, "reason", expression_outcome_sentence(p->outcome));
        json_write_member_u64(b, "line", p->at_line);
        json_write_member_u64(b, "column", p->at_column);
    }
    json_write_close(b, '}');
}

void expressions_api_validate(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct synthetic_preview p;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes expression = api_field_text(&f, "expression", EXPRESSION_TEXT_MAX * 2);
    struct bytes device = api_field_text(&f, "deviceId", VARIABLE_TEXT_MAX);
    struct bytes name = api_field_text(&f, "name", VARIABLE_NAME_MAX);
    if (!expression.p && !f.errors.n) api_field_error(&f, "expression", "is missing");
    if (!api_fields_close(&f)) return;
    enum err e = synthetic_preview_try(c->app->synthetics, c->who.org, device, name, expression,
                                       c->arena, &p);
    if (e) {
        const struct refusal refusal = {.fields = 0};
        service_call_refuse(c, NULL, e, &refusal, "device");
        return;
    }
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "valid", p.valid);
    write_errors(c->body, &p);
    write_uses(c->body, &p);
    write_preview(c->body, &p);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}
