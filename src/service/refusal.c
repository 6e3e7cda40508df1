/* Filling in a refusal. */
#include "service/refusal.h"

void refusal_field(struct refusal *r, const char *name, const char *why)
{
    if (r->fields++ == 0) why_say(&r->why, ERR_INVALID, "%s %s", name, why);
    if (r->field) r->field(r->field_ctx, name, why);
}

enum err refusal_fields(const struct refusal *r)
{
    return r->fields ? ERR_INVALID : ERR_OK;
}

enum err refusal_limit(struct refusal *r, const char *name, int64_t max, int64_t used)
{
    r->limit = name;
    r->max = max;
    r->used = used;
    return why_say(&r->why, ERR_LIMIT, "the limit %s of %lld is reached", name, (long long)max);
}

enum err refusal_room(struct refusal *r, const struct limits *limits, struct sql_tx *tx,
                      int64_t org, enum limit what)
{
    struct limits_room room;
    enum err e = limits_check(limits, tx, org, what, &room);
    return e == ERR_LIMIT ? refusal_limit(r, limit_key(what), room.max, room.used) : e;
}

enum err refusal_missing(struct refusal *r, const char *what)
{
    r->missing = what;
    return ERR_NOTFOUND;
}
