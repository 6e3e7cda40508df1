/* Columns of one device (see device_columns.h). */
#include "store/embedded/device_columns.h"

#include "base/mem.h"

#include <string.h>

void device_columns_init(struct device_columns *c)
{
    *c = (struct device_columns){0};
}

void device_columns_done(struct device_columns *c)
{
    mem_free(c->inputs);
    mem_free(c->ts);
    mem_free(c->values);
    mem_free(c->samples);
    *c = (struct device_columns){0};
}

enum err device_columns_reset(struct device_columns *c, size_t series, size_t samples)
{
    c->count = c->used = c->ts_used = 0;
    if (series > c->input_room) {
        mem_free(c->inputs);
        c->input_room = 0;
        c->inputs = mem_array(series, sizeof *c->inputs);
        if (!c->inputs) return ERR_NOMEM;
        c->input_room = series;
    }
    if (samples > c->room) {
        mem_free(c->ts);
        mem_free(c->values);
        c->room = 0;
        c->ts = mem_alloc(samples * sizeof *c->ts);
        c->values = mem_alloc(samples * sizeof *c->values);
        if (!c->ts || !c->values) return ERR_NOMEM;
        c->room = samples;
    }
    return ERR_OK;
}

struct sample *device_columns_scratch(struct device_columns *c, size_t n)
{
    if (2 * n > c->sample_room) {
        mem_free(c->samples);
        c->sample_room = 0;
        c->samples = mem_alloc(2 * n * sizeof *c->samples);
        if (!c->samples) return NULL;
        c->sample_room = 2 * n;
    }
    return c->samples;
}

void device_columns_add(struct device_columns *c, int64_t series, const struct sample *samples,
                        size_t n)
{
    if (!n) return;
    int64_t *ts = c->ts + c->ts_used;
    double *values = c->values + c->used;
    for (size_t i = 0; i < n; i++) {
        ts[i] = samples[i].ts_ns;
        values[i] = samples[i].value;
    }
    c->used += n;
    c->ts_used += n;
    const struct block_input *before = c->count ? &c->inputs[c->count - 1] : NULL;
    if (before && before->count == n && memcmp(before->ts_ns, ts, n * sizeof *ts) == 0) {
        c->ts_used -= n;
        ts = c->ts + (before->ts_ns - c->ts);
    }
    c->inputs[c->count++] =
        (struct block_input){.series = series, .ts_ns = ts, .values = values, .count = n};
}
