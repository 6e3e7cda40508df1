/* Names of what fleet rules are made of (see fleet_rule.h). */
#include "model/fleet_rule.h"

static const char *const selectors[FLEET_SELECTORS] = {
    [FLEET_ORGANIZATION] = "ORGANIZATION", [FLEET_TAG] = "TAG", [FLEET_GROUP] = "GROUP"};

static const char *const functions[FLEET_FUNCTIONS] = {
    [FLEET_COUNT_DEVICES] = "countDevices",
    [FLEET_COUNT_ONLINE] = "countOnline",
    [FLEET_COUNT_OFFLINE] = "countOffline",
    [FLEET_PERCENT_ONLINE] = "percentOnline",
    [FLEET_SUM] = "sum",
    [FLEET_AVG] = "avg",
    [FLEET_MIN] = "min",
    [FLEET_MAX] = "max",
    [FLEET_MEDIAN] = "median",
    [FLEET_STDDEV] = "stddev",
    [FLEET_PERCENTILE_95] = "percentile95",
    [FLEET_PERCENTILE_99] = "percentile99",
    [FLEET_RANGE] = "range",
};

const char *fleet_rule_selector_name(enum fleet_selector s)
{
    return selectors[s];
}

bool fleet_rule_parse_selector(struct bytes name, enum fleet_selector *ret)
{
    for (int i = 0; i < FLEET_SELECTORS; i++)
        if (bytes_is(name, selectors[i])) {
            *ret = (enum fleet_selector)i;
            return true;
        }
    return false;
}

const char *fleet_rule_function_name(enum fleet_function f)
{
    return functions[f];
}

bool fleet_rule_parse_function(struct bytes name, enum fleet_function *ret)
{
    char plain[24];
    size_t n = 0;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '_') continue;
        if (n == sizeof plain) return false;
        plain[n++] = name.p[i];
    }
    for (int i = 0; i < FLEET_FUNCTIONS; i++)
        if (bytes_equal_nocase(bytes_of(plain, n), bytes_str(functions[i]))) {
            *ret = (enum fleet_function)i;
            return true;
        }
    return false;
}
