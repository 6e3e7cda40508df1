#pragma once
/* store/embedded/device_columns.h -- samples of several series of one device, side by side, on
 * their way into blocks. Series with the same times share one time column already here. Threads:
 * owner only.   Memory: owns everything; reset keeps it for the next device. */
#include "base/err.h"
#include "codec/block.h"
#include "model/record.h"

struct device_columns {
    struct block_input *inputs; /* owned; ascending by series once all are added */
    size_t count, input_room;
    int64_t *ts; /* owned */
    double *values;
    size_t used, ts_used, room;
    struct sample *samples; /* owned; scratch of device_columns_scratch() */
    size_t sample_room;
};

void device_columns_init(struct device_columns *c);
void device_columns_done(struct device_columns *c);
/* Forgets all and makes room for this many series and samples in all. */
enum err device_columns_reset(struct device_columns *c, size_t series, size_t samples) MUST_CHECK;
/* Room for n samples and as many again behind them for sorting; valid until the next call. */
struct sample *device_columns_scratch(struct device_columns *c, size_t n)
    __attribute__((warn_unused_result));
/* Samples in time order, unique; n = 0 adds nothing. */
void device_columns_add(struct device_columns *c, int64_t series, const struct sample *samples,
                        size_t n);
