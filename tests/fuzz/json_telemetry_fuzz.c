/* Telemetry bodies in JSON: the first byte chooses the form. Whatever comes in, a record without
 * error is complete, its names are valid, and what one reading takes the plain tokenizer takes. */
#include "codec/json_telemetry.h"
#include "codec/json_text.h"

#include <math.h>

static void check_batch(const struct raw_batch *b)
{
    size_t bad = 0;
    for (size_t i = 0; i < b->record_count; i++) {
        const struct raw_record *r = &b->records[i];
        bad += r->error != NULL;
        bug_if(r->error && r->count);
        bug_if(!r->error && !r->count);
        bug_if((size_t)r->first + r->count > b->value_count);
        bug_if(!r->error && r->device_id.n && raw_batch_device_error(r->device_id));
        for (uint32_t k = r->first; k < r->first + r->count; k++) {
            bug_if(raw_batch_name_error(b->values[k].name) != NULL);
            bug_if(!isfinite(b->values[k].value));
        }
    }
    bug_if(bad != b->bad_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static enum err (*const forms[])(struct bytes, struct arena *, struct raw_batch *,
                                     struct why *) = {json_telemetry_flat, json_telemetry_one,
                                                      json_telemetry_for_device,
                                                      json_telemetry_array, json_telemetry_wrapped};
    if (!n) return 0;
    struct bytes body = bytes_of(p + 1, n - 1);
    struct arena arena;
    struct raw_batch batch;
    struct why why = {""};
    double v;
    arena_init(&arena, 1 << 24);
    raw_batch_init(&batch, 10000, 100000);
    enum err e = p[0] % 6 == 5 ? json_telemetry_value(body, &arena, &v, &why)
                               : forms[p[0] % 6](body, &arena, &batch, &why);
    bug_if(e && !why.text[0]);
    bug_if(!e && json_text_check(body, JSON_DEPTH_MAX, NULL));
    if (!e) check_batch(&batch);
    raw_batch_done(&batch);
    arena_done(&arena);
    return 0;
}
