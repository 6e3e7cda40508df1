#pragma once
/* app/admin.h -- administration, once: the same verbs run inside the server (behind the control
 * socket) and inside a command that holds the data directory's lock (app/ask.h).
 *
 *   config.set config.unset config.list · migrate.status · cleanup · org.create org.list
 *   user.add user.passwd · token.create · client.open client.close · status
 *   backup.where backup.begin backup.end
 *
 * Threads: verbs one at a time (the control thread, or main); admin_reload() and admin_retain()
 * from any thread: a lock of its own orders them with the verbs.
 * Memory: everything in the options is borrowed until admin_free(). */
#include "app/control.h"
#include "app/settings.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "service/cleanup_service.h"

struct sql_db;
struct telemetry;
struct retention;
struct auth_service;
struct device_service;

struct admin_opts {
    const char *dir;
    const struct clock *clock;
    struct sql_db *db;
    struct telemetry *telemetry; /* NULL: cleanup cannot run */
    struct telemetry *engine;    /* the embedded store's own, NULL: there is none to back up */
    const char *store_dir;       /* where it is */
    struct retention *retention;
    struct auth_service *auth;
    struct device_service *devices;
    struct conf *conf; /* with its overrides loaded and `settings` filled */
    struct settings *settings;
    /* Called under the lock for each key that changed; applied: settings has it. NULL: not. */
    conf_changed *changed;
    void *changed_ctx;
    bool serving;
};

struct admin;
enum err admin_new(struct admin **ret, const struct admin_opts *opts) MUST_CHECK;
void admin_free(struct admin *a); /* NULL is fine */
/* Where the server listens, for commands that speak to it over HTTP; "0.0.0.0" becomes loopback. */
void admin_set_url(struct admin *a, const char *address, unsigned port);

/* For control_start() and control_run(), with the struct admin as context. */
extern const struct control_verb admin_verbs[];
extern const size_t admin_verb_count;

/* SIGHUP: reads file and environment again; LIVE keys reach `settings` and `changed`. */
enum err admin_reload(struct admin *a, struct why *why) MUST_CHECK;

/* Sets an override (value NULL: takes it away), as `config set` does; LIVE keys act at once.
 * ERR_NOTFOUND, ERR_INVALID with its reason. Any thread. */
struct actor;
enum err admin_set_config(struct admin *a, const char *key, const char *value,
                          const struct actor *actor, struct why *why) MUST_CHECK;
/* The override that is set, p == NULL without one, as text in the arena. ERR_NOTFOUND: no such key.
 * Any thread. */
struct arena;
enum err admin_get_override(struct admin *a, const char *key, struct arena *arena,
                            struct bytes *ret_value, bool *ret_live) MUST_CHECK;
/* A setting that another server has written; when it is an override, LIVE keys take effect here. */
enum err admin_follow_setting(struct admin *a, struct bytes setting) MUST_CHECK;

struct admin_retained {
    int64_t organizations;
    uint64_t points, partitions; /* partitions that were dropped whole */
};
/* Runs retention over every organisation; what the server's timer and `cleanup` do. */
enum err admin_retain(struct admin *a, const struct actor *actor, struct admin_retained *ret,
                      struct why *why) MUST_CHECK;
/* The same for events, a bounded number of each organisation; *ret_more: call again. */
enum err admin_retain_events(struct admin *a, const struct actor *actor, int64_t *ret_removed,
                             bool *ret_more) MUST_CHECK;
/* Gives back what a backup held whose command has ended without saying so. */
void admin_backup_check(struct admin *a);
/* And for what else the catalog accumulates (service/cleanup_service.h): one round. */
enum err admin_clean(struct admin *a, const struct actor *actor, struct cleanup_removed *removed,
                     bool *ret_more) MUST_CHECK;
