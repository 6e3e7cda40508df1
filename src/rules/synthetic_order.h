#pragma once
/* rules/synthetic_order.h -- in which order the synthetic variables of a device are computed: each
 * behind those it uses. One that would need itself, over however many others, has no order.
 * Pure.   Threads: any. */
#include "base/bytes.h"
#include "rules/expression.h"

enum { SYNTHETIC_CHAIN_MAX = 8 }; /* one that uses one that uses …: so many at most */

struct synthetic_node {
    struct bytes name;
    const struct expression *expression;
};
/* Does a text that says `used` mean the variable `name`? By its name, or by its alias. */
bool synthetic_order_means(struct bytes used, struct bytes name);
/* ret_order[0 .. n): indexes, inputs first. ERR_IMPOSSIBLE: `why` names the cycle ("a -> b -> a")
 * or the chain that is too long. n <= SYNTHETICS_PER_DEVICE. */
enum err synthetic_order_find(const struct synthetic_node *nodes, size_t n, size_t *ret_order,
                              struct why *why) MUST_CHECK;
