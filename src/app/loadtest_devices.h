#pragma once
/* app/loadtest_devices.h -- readings of simulated devices, whatever carries them.
 * Threads: main.   Memory: as app/loadtest.h. */
#include "app/loadtest.h"

/* {"timestamp":...,"variables":{...}} of the device's next reading; it is pending from now on. */
void loadtest_devices_write(struct loadtest_device *d, struct buf *b, int64_t ts_ns);
/* What is pending is stored: it will be looked for. */
void loadtest_devices_acknowledged(struct loadtest_device *d);
/* What is pending was refused for good. */
void loadtest_devices_dropped(struct loadtest_device *d);
