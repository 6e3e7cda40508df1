/* What everybody may know of the pilot: how it is set up, what one's organisation has. */
#include "api/app.h"
#include "api/handlers_pilot.h"
#include "api/pilot_json.h"
#include "api/service_call.h"
#include "build_info.h"
#include "codec/json_write.h"
#include "service/pilot_plans.h"

static bool limits_apply(const struct app *app)
{
    return !atomic_load(&app->limits->lifted);
}

/* NULL when nobody is named. */
static const char *support_email(const struct app *app)
{
    const char *email = atomic_load(&app->live.support_email);
    return email && email[0] ? email : NULL;
}

static void write_enabled(struct buf *b, const char *key, const struct feature *list, size_t n)
{
    json_write_key(b, key);
    json_write_open(b, '[');
    for (size_t i = 0; i < n; i++)
        if (list[i].enabled) json_write_string(b, list[i].name);
    json_write_close(b, ']');
}

static bool has(const struct feature *list, size_t n, struct bytes name)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_equal(list[i].name, name)) return list[i].enabled;
    return false;
}

void pilot_api_status(struct api_call *c)
{
    struct app *app = c->app;
    struct feature *list = NULL;
    size_t n = 0;
    enum err e = pilot_plans_features(app->plans, c->who.org, c->arena, &list, &n);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    pilot_json_open(c);
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "pilotMode", limits_apply(app));
    json_write_member_i64(c->body, "maxOrganizations",
                          atomic_load(&app->limits->max[LIMIT_ORGANIZATIONS]));
    write_enabled(c->body, "featuresEnabled", list, n);
    json_write_member_text(c->body, "supportEmail", support_email(app));
    json_write_member_bool(c->body, "feedbackEnabled", has(list, n, BYTES("feedback")));
    json_write_close(c->body, '}');
    pilot_json_close(c, 200);
}

void pilot_api_feature(struct api_call *c)
{
    bool on = false;
    struct bytes name = c->params[0];
    if (!features_is_name(name)) {
        api_not_found(c, "feature");
        return;
    }
    enum err e = pilot_plans_feature(c->app->plans, c->who.org, name, &on);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    pilot_json_open(c);
    json_write_open(c->body, '{');
    json_write_member_str(c->body, "feature", name);
    json_write_member_bool(c->body, "enabled", on);
    json_write_member_text(c->body, "message",
                           on ? "Your organisation has this feature."
                              : "Your organisation does not have this feature; ask those who run "
                                "the program.");
    json_write_close(c->body, '}');
    pilot_json_close(c, 200);
}

/* Of the installation: an organisation may have others. */
static void write_configured(struct buf *b, const struct features *f)
{
    const char *const *names = atomic_load(&f->enabled);
    json_write_open(b, '[');
    for (names = names && *names ? names : features_built; *names; names++)
        if (features_is_configured(f, bytes_str(*names))) json_write_string(b, bytes_str(*names));
    json_write_close(b, ']');
}

void pilot_api_info(struct api_call *c)
{
    const struct features *f = c->app->plans->features;
    pilot_json_open(c);
    json_write_open(c->body, '{');
    json_write_member_text(c->body, "programName", "SensorVision pilot");
    json_write_member_text(c->body, "version", BUILD_VERSION);
    json_write_member_bool(c->body, "pilotMode", limits_apply(c->app));
    json_write_member_text(c->body, "supportEmail", support_email(c->app));
    json_write_member_text(c->body, "documentationUrl", "/docs");
    json_write_member_bool(c->body, "feedbackEnabled",
                           features_is_configured(f, BYTES("feedback")));
    json_write_key(c->body, "features");
    write_configured(c->body, f);
    json_write_close(c->body, '}');
    pilot_json_close(c, 200);
}

void pilot_api_health(struct api_call *c)
{
    struct telemetry_stats store;
    telemetry_read_stats(c->app->telemetry, &store);
    pilot_json_open(c);
    json_write_open(c->body, '{');
    json_write_member_text(c->body, "status", store.writable ? "UP" : "DOWN");
    json_write_member_bool(c->body, "pilotMode", limits_apply(c->app));
    json_write_member_time(c->body, "timestamp", clock_wall_ns(c->app->clock));
    json_write_member_bool(c->body, "quotaServiceActive", store.writable);
    json_write_close(c->body, '}');
    pilot_json_close(c, store.writable ? 200 : 503);
}
