/* Payloads of log records: any bytes are read in bounds, and a payload that reads whole says the
 * same after it was written again. */
#include "base/mem.h"
#include "store/embedded/wal_record.h"

#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 4096, POINTS_MAX = 16384 };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* False when the bytes are no payload, or one too long for this test. */
static bool read_all(struct bytes payload, struct record_set *set)
{
    struct wal_reader r = wal_record_reader(payload);
    enum err e;
    set->record_count = set->point_count = 0;
    while (set->record_count < RECORDS_MAX &&
           !(e = wal_record_next(&r, &set->records[set->record_count]))) {
        struct record *record = &set->records[set->record_count++];
        record->first = (uint32_t)set->point_count;
        if (record->count > POINTS_MAX - set->point_count) return false;
        for (uint32_t i = 0; i < record->count; i++)
            if (wal_record_point(&r, &set->points[set->point_count++])) return false;
    }
    return set->record_count < RECORDS_MAX && e == ERR_END;
}

static bool same(const struct record_set *a, const struct record_set *b)
{
    if (a->record_count != b->record_count || a->point_count != b->point_count) return false;
    for (size_t i = 0; i < a->record_count; i++) {
        const struct record *x = &a->records[i], *y = &b->records[i];
        if (x->org != y->org || x->device != y->device || x->ts_ns != y->ts_ns ||
            x->count != y->count)
            return false;
    }
    for (size_t i = 0; i < a->point_count; i++)
        if (a->points[i].series != b->points[i].series ||
            memcmp(&a->points[i].value, &b->points[i].value, sizeof(double)) != 0)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct record records[2][RECORDS_MAX];
    static struct point points[2][POINTS_MAX];
    struct record_set read = {records[0], 0, points[0], 0}, again = {records[1], 0, points[1], 0};
    if (!read_all(bytes_of(p, n), &read)) return 0;
    const struct record_set *sets = &read;
    char *payload = mem_alloc(wal_record_bound(&sets, 1));
    bug_if(!payload);
    size_t size = wal_record_encode(&sets, 1, payload);
    bug_if(size > wal_record_bound(&sets, 1));
    bug_if(!read_all(bytes_of(payload, size), &again) || !same(&read, &again));
    mem_free(payload);
    return 0;
}
