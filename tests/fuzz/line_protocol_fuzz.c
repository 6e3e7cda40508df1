/* Line protocol: no body is refused as a whole, every record is complete or says why, and lines are
 * counted in rising order. */
#include "codec/line_protocol.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct bytes properties[] = {{"region", 6}, {"location", 8}};
    struct line_protocol_opts opts = {
        .unit_ns = n % 2 ? 1 : 1000000000, .property_tags = properties, .property_tag_count = 2};
    struct arena arena;
    struct raw_batch b;
    arena_init(&arena, 1 << 26);
    raw_batch_init(&b, 1000000, 1000000);
    enum err e = line_protocol_decode(bytes_of(p, n), &opts, &arena, &b, NULL);
    bug_if(e != ERR_OK);
    uint32_t line = 0;
    for (size_t i = 0; i < b.record_count; i++) {
        const struct raw_record *r = &b.records[i];
        bug_if(r->line <= line);
        line = r->line;
        bug_if((r->error == NULL) != (r->count > 0));
        bug_if(!r->error && raw_batch_device_error(r->device_id));
        bug_if((size_t)r->first_property + r->property_count > b.property_count);
        for (uint32_t k = r->first; k < r->first + r->count; k++) {
            bug_if(raw_batch_name_error(b.values[k].name) != NULL);
            bug_if(!isfinite(b.values[k].value));
        }
    }
    raw_batch_done(&b);
    arena_done(&arena);
    return 0;
}
