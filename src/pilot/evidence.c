/* Nothing is known yet (see evidence.h). */
#include "pilot/evidence.h"

#include <math.h>

void evidence_init(struct evidence *e)
{
    *e = (struct evidence){
        .batches = NAN,
        .records = NAN,
        .full_batches = NAN,
        .batch_write_ms = NAN,
        .queue_ms = NAN,
        .batch_size = NAN,
        .queue_peak = NAN,
        .queue_capacity = NAN,
        .queue_refused = NAN,
        .cache_bytes = NAN,
        .cache_max_bytes = NAN,
        .pool_waits = NAN,
        .pool_wait_ms = NAN,
        .pool_max = NAN,
        .pool_peak = NAN,
        .statistics_days = NAN,
        .variables_per_device_max = NAN,
        .disk_free_bytes = NAN,
        .disk_total_bytes = NAN,
        .store_bytes = NAN,
        .store_growth_per_day = NAN,
        .retention_cost_bytes = NAN,
        .single_aggregates = NAN,
        .batched_aggregates = NAN,
        .single_aggregate_ms = NAN,
        .batched_aggregate_ms = NAN,
    };
}
