/* Answers of test buttons (see notify_try.h). */
#include "api/notify_try.h"

#include "api/service_call.h"
#include "codec/json_write.h"

static void on_done(struct notifier_try *t, const struct notify_answer *answer)
{
    struct api_call *c = t->user;
    struct buf *b = c->body;
    char delivery[UUID_TEXT + 1];
    bool delivered = answer->verdict == NOTIFY_DELIVERED;
    uuid_format(&t->n.uuid, delivery);
    json_write_open(b, '{');
    json_write_member_bool(b, "delivered", delivered);
    json_write_key(b, "status");
    if (answer->status)
        json_write_i64(b, answer->status);
    else
        json_write_null(b);
    json_write_member_text(b, "error", delivered ? NULL : answer->why);
    json_write_member_i64(b, "durationMs", answer->took_ns / NS_PER_MS);
    json_write_member_str(b, "destination", t->n.destination);
    json_write_member_text(b, "deliveryId", delivery);
    json_write_close(b, '}');
    api_ok(c, 200); /* the test was made; how it went is in the body */
    api_end(c);
}

struct notifier_try *notify_try_new(struct api_call *c)
{
    struct notifier_try *t = arena_zalloc(c->arena, sizeof *t);
    if (!t) {
        api_fail(c, ERR_NOMEM, NULL);
        return NULL;
    }
    t->done = on_done;
    t->user = c;
    c->kept = true; /* before it is handed over: the answer may come at once */
    return t;
}

void notify_try_refuse(struct api_call *c, enum err e, const struct refusal *refusal,
                       const char *what)
{
    c->kept = false;
    service_call_refuse(c, NULL, e, refusal, what);
}
