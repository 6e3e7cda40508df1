/* Limits per minute over several servers (see boot_rates.h). */
#include "app/boot_rates.h"

#include "app/boot_cache.h"
#include "pilot/rate_share.h"

enum err boot_rates_open(struct boot *b, struct why *why)
{
    struct rate_share_opts opts = {
        .clock = b->app.clock, .rnd = b->app.rnd, .ask_ns = b->settings.rate_redis_timeout_ns};
    bool any = false;
    if (!b->app.nodes || b->for_command) return ERR_OK;
    enum err e = boot_cache_find_redis(&b->settings, &opts.place, &any, why);
    if (e || !any) return e;
    e = boot_cache_read_installation(b, &opts.installation);
    return e ? e : rate_share_new(&b->pilot.share, &opts);
}
