/* Configuration, retention and state of an installation as verbs (see admin.h). */
#include "app/admin.h"

#include "app/admin_verbs.h"
#include "app/backup_snapshot.h"
#include "app/mover.h"
#include "app/overrides.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "store/migrations.h"

#include "build_info.h"

#include <stdio.h>
#include <unistd.h>

enum err admin_new(struct admin **ret, const struct admin_opts *opts)
{
    struct admin *a = mem_zalloc(sizeof *a);
    if (!a) return ERR_NOMEM;
    a->opts = *opts;
    lock_init(&a->lock, LOCK_RANK_ADMIN);
    lock_init(&a->backup_lock, LOCK_RANK_ADMIN);
    if (opts->serving && opts->store_dir) backup_snapshot_sweep(opts->store_dir);
    *ret = a;
    return ERR_OK;
}

void admin_free(struct admin *a)
{
    if (!a) return;
    mover_free(a->mover);
    admin_backup_stop(a);
    lock_done(&a->backup_lock);
    lock_done(&a->lock);
    mem_free(a);
}

void admin_set_url(struct admin *a, const char *address, unsigned port)
{
    bool any = strcmp(address, "0.0.0.0") == 0, any6 = strcmp(address, "::") == 0;
    const char *host = any ? "127.0.0.1" : any6 ? "::1" : address;
    bool v6 = strchr(host, ':') != NULL;
    lock_take(&a->lock);
    snprintf(a->url, sizeof a->url, "http://%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
    lock_release(&a->lock);
}

struct bytes admin_text(const cJSON *request, const char *name)
{
    return bytes_str(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, name)));
}

struct actor admin_actor(const cJSON *request, int64_t org)
{
    struct bytes who = admin_text(request, "who");
    return (struct actor){.name = who.n ? who : BYTES("cli"),
                          .org = org,
                          .address = BYTES("control.sock"),
                          .request_id = BYTES("cli")};
}

enum err admin_refuse(enum err e, const struct refusal *refusal, struct why *why)
{
    const char *text = refusal->why.text[0] ? refusal->why.text : err_sentence(e);
    return why_say(why, e, "%s", text);
}

enum err admin_reload(struct admin *a, struct why *why)
{
    const struct admin_opts *o = &a->opts;
    lock_take(&a->lock);
    enum err e = conf_reload(o->conf, o->settings, o->changed, o->changed_ctx, why);
    lock_release(&a->lock);
    return e;
}

enum err admin_follow_setting(struct admin *a, struct bytes setting)
{
    const struct admin_opts *o = &a->opts;
    struct why why = {""};
    if (!overrides_is_row(setting)) return ERR_OK;
    lock_take(&a->lock);
    enum err e = overrides_follow(o->conf, o->db, setting, &why);
    if (!e) e = conf_apply(o->conf, o->settings, o->changed, o->changed_ctx);
    lock_release(&a->lock);
    return e;
}

/* --- configuration --------------------------------------------------------------------------- */

/* Whether the key takes effect at once, said in the answer. */
static void say_effect(const struct admin *a, const char *key, struct buf *answer)
{
    struct conf_item item;
    for (size_t at = 0; conf_next_item(a->opts.conf, &at, &item);)
        if (strcmp(item.entry->key, key) == 0) {
            json_write_member_bool(answer, "live", (item.entry->flags & CONF_LIVE) != 0);
            json_write_member_bool(answer, "planned", (item.entry->flags & CONF_PLANNED) != 0);
        }
    json_write_member_bool(answer, "serving", a->opts.serving);
}

enum err admin_set_config(struct admin *a, const char *key, const char *value,
                          const struct actor *actor, struct why *why)
{
    const struct admin_opts *o = &a->opts;
    lock_take(&a->lock);
    enum err e = overrides_set(o->conf, o->db, o->clock, key, value, actor, why);
    if (!e) e = conf_apply(o->conf, o->settings, o->changed, o->changed_ctx);
    lock_release(&a->lock);
    return e;
}

enum err admin_get_override(struct admin *a, const char *key, struct arena *arena,
                            struct bytes *ret_value, bool *ret_live)
{
    struct conf_item item;
    enum err e = ERR_NOTFOUND;
    lock_take(&a->lock);
    for (size_t at = 0; e && conf_next_item(a->opts.conf, &at, &item);) {
        if (strcmp(item.entry->key, key) != 0) continue;
        bool set = item.origin.layer == CONF_FROM_OVERRIDE;
        const char *copy = set ? arena_printf(arena, "%s", item.text) : NULL;
        *ret_value = set ? bytes_str(copy) : bytes_of(NULL, 0);
        *ret_live = (item.entry->flags & CONF_LIVE) != 0;
        e = set && !copy ? ERR_NOMEM : ERR_OK;
    }
    lock_release(&a->lock);
    return e;
}

static enum err change_override(struct admin *a, const cJSON *request, bool set, struct buf *answer,
                                struct why *why)
{
    const struct admin_opts *o = &a->opts;
    const char *key = admin_text(request, "key").p, *value = admin_text(request, "value").p;
    if (!key || (set && !value)) return why_say(why, ERR_INVALID, "key and value are needed");
    struct actor actor = admin_actor(request, 0);
    lock_take(&a->lock);
    enum err e = overrides_set(o->conf, o->db, o->clock, key, set ? value : NULL, &actor, why);
    if (!e) e = conf_apply(o->conf, o->settings, o->changed, o->changed_ctx);
    if (!e) say_effect(a, key, answer);
    lock_release(&a->lock);
    return e;
}

static enum err set_config(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    return change_override(ctx, request, true, answer, why);
}

static enum err unset_config(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    return change_override(ctx, request, false, answer, why);
}

static enum err list_config(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    (void)request;
    struct admin *a = ctx;
    lock_take(&a->lock);
    enum err e = overrides_write(a->opts.conf, a->opts.db, answer, why);
    lock_release(&a->lock);
    return e;
}

/* --- the store ------------------------------------------------------------------------------- */

static void write_step(void *ctx, const struct migrate_line *line)
{
    static const char *const states[] = {"applied", "pending", "edited", "unknown"};
    struct buf *answer = ctx;
    json_write_open(answer, '{');
    json_write_member_i64(answer, "number", line->number);
    json_write_member_text(answer, "name", line->name);
    json_write_member_text(answer, "state", states[line->state]);
    json_write_member_bool(answer, "transactional", !line->alone);
    json_write_member_time(answer, "appliedAt", line->applied_ns ? line->applied_ns : INT64_MIN);
    json_write_member_text(answer, "script", line->script);
    json_write_close(answer, '}');
}

static enum err list_steps(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    (void)request;
    struct admin *a = ctx;
    json_write_key(answer, "steps");
    json_write_open(answer, '[');
    enum err e = migrate_status(a->opts.db, migrations_catalog, migrations_catalog_count,
                                write_step, answer, why);
    json_write_close(answer, ']');
    return e;
}

static enum err tell_status(void *ctx, const cJSON *request, struct buf *answer, struct why *why)
{
    (void)request;
    (void)why;
    const struct admin *a = ctx;
    json_write_member_text(answer, "version", BUILD_VERSION);
    json_write_member_text(answer, "commit", BUILD_COMMIT);
    json_write_member_i64(answer, "pid", getpid());
    json_write_member_bool(answer, "serving", a->opts.serving);
    return ERR_OK;
}

const struct control_verb admin_verbs[] = {
    {"status", tell_status},
    {"config.set", set_config},
    {"config.unset", unset_config},
    {"config.list", list_config},
    {"migrate.status", list_steps},
    {"cleanup", admin_retention_cleanup},
    {"org.create", admin_people_create_org},
    {"org.list", admin_people_list_orgs},
    {"org.onboard", admin_onboard_run},
    {"user.add", admin_people_add_user},
    {"user.passwd", admin_people_set_password},
    {"token.create", admin_people_create_token},
    {"client.url", admin_client_url},
    {"client.open", admin_client_open},
    {"client.close", admin_client_close},
    {"backup.where", admin_backup_where},
    {"backup.begin", admin_backup_begin},
    {"backup.end", admin_backup_end},
    {"move.start", admin_move_start},
    {"move.status", admin_move_status},
};
const size_t admin_verb_count = sizeof admin_verbs / sizeof admin_verbs[0];
