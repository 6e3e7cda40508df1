/* Rules as a table of texts, and the few that are numbers (see device_rules.h). */
#include "service/device_rules.h"

#include "service/auth_rules.h"

#include <math.h>
#include <stdio.h>

enum { UNIT_MAX = 32, DECIMAL_PLACES_MAX = 15 };

struct text_rule {
    const char *name;
    const struct bytes *text;
    size_t max;
};

static void check_texts(const struct text_rule *rules, size_t n, struct refusal *refusal)
{
    for (size_t i = 0; i < n; i++) {
        char why[64];
        if (!rules[i].text->n || auth_rules_is_text(*rules[i].text, rules[i].max)) continue;
        snprintf(why, sizeof why, "may have %zu printable characters at most", rules[i].max);
        refusal_field(refusal, rules[i].name, why);
    }
}

static void check_range(double v, double max, const char *name, const char *why,
                        struct refusal *refusal)
{
    if (!isnan(v) && (v < -max || v > max)) refusal_field(refusal, name, why);
}

void device_rules_check(const struct device *d, struct refusal *refusal)
{
    const struct text_rule rules[] = {
        {"externalId", &d->external_id, DEVICE_EXTERNAL_ID_MAX},
        {"name", &d->name, DEVICE_TEXT_MAX},
        {"description", &d->description, DEVICE_DESCRIPTION_MAX},
        {"location", &d->location, DEVICE_TEXT_MAX},
        {"sensorType", &d->sensor_type, DEVICE_TEXT_MAX},
        {"firmwareVersion", &d->firmware_version, DEVICE_TEXT_MAX},
    };
    struct bytes trimmed = bytes_trim(d->external_id);
    if (!trimmed.n || trimmed.n != d->external_id.n) {
        refusal_field(refusal, "externalId", "must be a text without blanks at its ends");
    }
    check_texts(rules, sizeof rules / sizeof *rules, refusal);
    check_range(d->latitude, 90, "latitude", "must be between -90 and 90", refusal);
    check_range(d->longitude, 180, "longitude", "must be between -180 and 180", refusal);
    check_range(d->altitude, 1e6, "altitude", "must be within 1,000 km", refusal);
}

void device_rules_check_variable(const struct variable *v, struct refusal *refusal)
{
    const struct text_rule rules[] = {
        {"displayName", &v->display_name, VARIABLE_TEXT_MAX},
        {"description", &v->description, VARIABLE_DESCRIPTION_MAX},
        {"unit", &v->unit, UNIT_MAX},
        {"dataType", &v->data_type, UNIT_MAX},
        {"icon", &v->icon, VARIABLE_TEXT_MAX},
        {"color", &v->color, UNIT_MAX},
    };
    check_texts(rules, sizeof rules / sizeof *rules, refusal);
    if (v->decimal_places < -1 || v->decimal_places > DECIMAL_PLACES_MAX) {
        refusal_field(refusal, "decimalPlaces", "must be between 0 and 15");
    }
    if (!isnan(v->min_value) && !isnan(v->max_value) && v->min_value > v->max_value) {
        refusal_field(refusal, "minValue", "must not be above maxValue");
    }
}
