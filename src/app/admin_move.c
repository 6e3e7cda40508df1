/* Verbs of `move --online` (see mover.h). */
#include "app/admin_verbs.h"
#include "app/mover.h"
#include "store/telemetry.h"

/* Made at the first request: most servers never move. Verbs run one after the other. */
enum err admin_move_start(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    struct admin *a = ctx;
    struct bytes url = admin_text(request, "to");
    const struct mover_opts opts = {a->opts.telemetry, a->opts.db, a->opts.settings};
    (void)answer;
    if (!url.p) return why_say(why, ERR_INVALID, "to: the target's address is needed");
    if (!a->opts.telemetry->ops->edges)
        return why_say(why, ERR_UNSUPPORTED, "this store cannot be copied");
    enum err e = a->mover ? ERR_OK : mover_new(&a->mover, &opts);
    return e ? e : mover_start(a->mover, url, why);
}

enum err admin_move_status(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    struct admin *a = ctx;
    (void)request;
    if (!a->mover) return why_say(why, ERR_NOTFOUND, "nothing is being moved");
    mover_write_status(a->mover, answer);
    return ERR_OK;
}
