#pragma once
/* app/admin_verbs.h -- what the verbs of admin.h share. Inside admin*.c only.
 * Threads: as admin.h.   Memory: see admin.h. */
#include "app/admin.h"
#include "base/arena.h"
#include "model/actor.h"
#include "service/refusal.h"
#include "sys/lock.h"

#include <cjson/cJSON.h>

enum { ADMIN_ARENA_MAX = 16 << 20 };

struct admin {
    struct admin_opts opts;
    struct lock lock;    /* orders the verbs of configuration with a reload; guards url */
    char url[100];       /* "" until the server listens */
    struct mover *mover; /* NULL: nothing was moved yet */
    struct lock backup_lock;
    struct backup_snapshot *backup; /* NULL: none is being made; guarded by backup_lock */
};

/* A member of the request as text; p == NULL when absent or no string. */
struct bytes admin_text(const cJSON *request, const char *name);
/* Who asked: "cli:ann"; of organisation `org` (0: the installation). */
struct actor admin_actor(const cJSON *request, int64_t org);
/* Turns a service's refusal into one sentence. */
enum err admin_refuse(enum err e, const struct refusal *refusal, struct why *why);
/* The organisation named in the request; without a name the only one there is. */
enum err admin_find_org(struct admin *a, const cJSON *request, int64_t *ret,
                        struct why *why) MUST_CHECK;

/* admin_backup.c */
control_verb_fn admin_backup_where, admin_backup_begin, admin_backup_end;
/* Gives back what one holds. */
void admin_backup_stop(struct admin *a);
/* admin_client.c */
control_verb_fn admin_client_url, admin_client_open, admin_client_close;
/* admin_move.c */
control_verb_fn admin_move_start, admin_move_status;
/* admin_retention.c */
control_verb_fn admin_retention_cleanup;
/* admin_onboard.c */
control_verb_fn admin_onboard_run;
/* admin_people.c */
control_verb_fn admin_people_create_org, admin_people_list_orgs, admin_people_add_user,
    admin_people_set_password, admin_people_create_token;
