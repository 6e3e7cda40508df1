#pragma once
/* model/stats.h -- count, sum, min, max, first, last and second moment of samples taken in time
 * order, one by one or as rollups. The sum is compensated (Neumaier 1974); m2 follows Welford
 * (1962) and is merged as in Chan, Golub and LeVeque (1979).   Threads: owner only. */
#include "model/record.h"

struct stats {
    uint64_t count;
    double sum, carry; /* their sum is the sum */
    double min, max, first, last;
    double mean, m2;
    int64_t first_ns, last_ns;
};

/* What there is of one series in some range. */
struct series_total {
    int64_t device, series;
    struct stats stats;
};

void stats_add(struct stats *s, struct sample sample);
void stats_add_rollup(struct stats *s, const struct rollup *r);
double stats_sum(const struct stats *s);
double stats_stddev(const struct stats *s); /* of the population; 0 for one sample */
