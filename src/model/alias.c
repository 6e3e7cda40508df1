/* Two names of one variable (see alias.h). */
#include "model/alias.h"

static const char *const pairs[][2] = {
    {"kwConsumption", "kw_consumption"},
    {"powerFactor", "power_factor"},
};

struct bytes alias_of(struct bytes name)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (bytes_is(name, pairs[i][0])) return bytes_str(pairs[i][1]);
        if (bytes_is(name, pairs[i][1])) return bytes_str(pairs[i][0]);
    }
    return (struct bytes){NULL, 0};
}
