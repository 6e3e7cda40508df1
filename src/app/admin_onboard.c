/* A new organisation with all it needs, as a verb (see admin.h). */
#include "app/admin_verbs.h"
#include "codec/json_write.h"
#include "service/onboarding.h"

static enum err run(struct admin *a, const cJSON *request, struct arena *arena,
                    struct onboarding_made *ret, struct refusal *refusal)
{
    const struct admin_opts *o = &a->opts;
    struct dashboard_service dashboards = {.db = o->db,
                                           .registry = o->devices->registry,
                                           .auth = o->auth,
                                           .clock = o->clock,
                                           .rnd = o->devices->rnd,
                                           .limits = o->devices->limits};
    struct pilot_plans plans = {.db = o->db, .clock = o->clock, .limits = o->devices->limits};
    const struct onboarding parts = {o->auth, o->devices, &dashboards, &plans};
    const struct onboarding_wish wish = {
        .name = admin_text(request, "name"),
        .email = admin_text(request, "email"),
        .device = admin_text(request, "device"),
    };
    struct actor actor = admin_actor(request, 0);
    return onboarding_run(&parts, &wish, &actor, arena, ret, refusal);
}

enum err admin_onboard_run(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    struct admin *a = ctx;
    struct onboarding_made made;
    struct refusal refusal = {.fields = 0};
    struct arena arena;
    char url[sizeof a->url];
    arena_init(&arena, ADMIN_ARENA_MAX);
    enum err e = run(a, request, &arena, &made, &refusal);
    if (!e) {
        lock_take(&a->lock);
        memcpy(url, a->url, sizeof url);
        lock_release(&a->lock);
        json_write_member_i64(answer, "id", made.org);
        json_write_member_i64(answer, "dashboardId", made.dashboard);
        json_write_member_str(answer, "email", made.invitation.invitation.email);
        json_write_member_bool(answer, "sent", made.invitation.sent);
        json_write_member_str(answer, "invitation", made.invitation.token);
        json_write_member_str(answer, "acceptUrl", made.invitation.url);
        json_write_member_str(answer, "device", made.device.device.external_id);
        json_write_member_text(answer, "token", made.device.token);
        json_write_member_text(answer, "url", url[0] ? url : "http://127.0.0.1:8080");
    }
    arena_done(&arena);
    return e ? admin_refuse(e, &refusal, why) : ERR_OK;
}
