#pragma once
/* app/move_online.h -- the passes of `move --online`, while the server of the source works on; see
 * docs/decisions/0061.
 * Threads: main.   Memory: opens and closes what it needs; the sides are left closed. */
#include "app/cli.h"
#include "app/store_side.h"

/* Returns when the source's server has been stopped, so that both stores can be opened: at once
 * when none runs. */
enum err move_online_run(struct cli *cli, struct store_side *from, struct store_side *to,
                         struct why *why) MUST_CHECK;
