/* What a synthetic variable may be (see synthetic_checks.h). */
#include "service/synthetic_checks.h"

#include "codec/raw_batch.h"
#include "model/variable.h"
#include "rules/synthetic_order.h"
#include "service/auth_rules.h"

#include <stdio.h>

static void apply_text(struct bytes *to, const struct synthetic_text *given, const char *field,
                       size_t max, const char *why, struct refusal *refusal)
{
    if (given->set) *to = given->value;
    if (to->n && !auth_rules_is_text(*to, max)) refusal_field(refusal, field, why);
}

/* A given name or device that is the present one is fine: clients send back what they read. */
static void check_fixed(const struct synthetic_text *given, struct bytes present, const char *field,
                        struct refusal *refusal)
{
    if (given->set && !bytes_equal(given->value, present))
        refusal_field(refusal, field, "cannot be changed; make another one");
}

void synthetic_checks_apply(struct synthetic *s, const struct synthetic_change *given, bool created,
                            struct refusal *refusal)
{
    if (created) {
        const char *why = given->name.value.n ? raw_batch_name_error(given->name.value)
                                              : "is missing: the name of the variable";
        if (why) refusal_field(refusal, "name", why);
        if (!why && !auth_rules_is_text(given->name.value, VARIABLE_NAME_MAX))
            refusal_field(refusal, "name", "must have 1 to 100 printable characters");
        if (!given->device.value.n)
            refusal_field(refusal, "deviceId", "is missing: the device's externalId");
        s->name = given->name.value;
    } else {
        check_fixed(&given->name, s->name, "name", refusal);
        check_fixed(&given->device, s->device_external_id, "deviceId", refusal);
    }
    if (given->expression.set) s->expression = given->expression.value;
    if (!s->expression.n) refusal_field(refusal, "expression", "is missing");
    apply_text(&s->description, &given->description, "description", VARIABLE_DESCRIPTION_MAX,
               "may have 2000 printable characters at most", refusal);
    apply_text(&s->unit, &given->unit, "unit", 32, "may have 32 printable characters at most",
               refusal);
    if (given->enabled_set) s->enabled = given->enabled;
}

enum err synthetic_checks_expression(struct bytes text, struct expression **ret,
                                     struct refusal *refusal)
{
    struct expression_error error;
    struct expression *x = NULL;
    char why[300];
    enum err e = expression_compile(&x, text, &error);
    if (e == ERR_INVALID) {
        snprintf(why, sizeof why, "line %u, column %u: %s", error.line, error.column, error.text);
        refusal_field(refusal, "expression", why);
        return refusal_fields(refusal);
    }
    if (!e && !expression_name_count(x)) {
        expression_free(x);
        refusal_field(
            refusal, "expression",
            "line 1, column 1: it uses no variable, so nothing would make it be computed");
        return refusal_fields(refusal);
    }
    if (!e) *ret = x;
    return e;
}

enum err synthetic_checks_order(struct sql_tx *tx, const struct synthetic *y,
                                const struct expression *x, struct arena *arena, struct why *why)
{
    struct synthetic_node nodes[SYNTHETICS_PER_DEVICE];
    struct expression *others[SYNTHETICS_PER_DEVICE];
    size_t order[SYNTHETICS_PER_DEVICE], n = 0, k = 0;
    struct synthetic *rows;
    struct expression_error error;
    nodes[n++] = (struct synthetic_node){y->name, x};
    enum err e = catalog_synthetics_list_device(tx, y->org, y->device, arena, &rows, &k);
    for (size_t i = 0; i < k && !e; i++) {
        if (rows[i].id == y->id || n == SYNTHETICS_PER_DEVICE) continue;
        e = expression_compile(&others[n], rows[i].expression, &error);
        if (e) break;
        nodes[n] = (struct synthetic_node){rows[i].name, others[n]};
        n++;
    }
    if (!e) e = synthetic_order_find(nodes, n, order, why);
    while (n-- > 1) expression_free(others[n]);
    return e;
}
