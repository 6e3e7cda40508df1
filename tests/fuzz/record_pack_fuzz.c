/* What another server tells of readings: read within its bounds; written again it is read as the
 * same. */
#include "base/mem.h"
#include "codec/record_pack.h"

#include <stdlib.h>

enum { PIECE = 5700 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static unsigned char again[4 * PIECE];
    if (n > PIECE) return 0;
    struct record_set set = {
        .records = mem_array(n / RECORD_PACK_HEAD_MIN + 1, sizeof *set.records),
        .points = mem_array(n / RECORD_PACK_POINT_MIN + 1, sizeof *set.points)};
    struct record_pack_place at = {0, 0};
    bug_if(!set.records || !set.points);
    if (!record_pack_read(bytes_of(p, n), &set)) {
        size_t records = set.record_count, points = set.point_count;
        size_t m = record_pack_write(&set, &at, again, sizeof again);
        bug_if(at.record != records);
        mem_free(set.records);
        mem_free(set.points);
        set.records = mem_array(m / RECORD_PACK_HEAD_MIN + 1, sizeof *set.records);
        set.points = mem_array(m / RECORD_PACK_POINT_MIN + 1, sizeof *set.points);
        bug_if(record_pack_read(bytes_of(again, m), &set));
        bug_if(set.record_count != records || set.point_count != points);
    }
    mem_free(set.records);
    mem_free(set.points);
    return 0;
}
