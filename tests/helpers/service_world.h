#pragma once
/* tests/helpers/service_world.h -- the auth and device services on a real embedded catalog in a
 * directory of their own, with a clock that is moved by hand and the cheapest Argon2 there is.
 * Threads: one test.   Memory: the test owns the struct. */
#include "service/auth_accounts.h"
#include "service/auth_service.h"
#include "service/device_service.h"
#include "temp_dir.h"

struct service_world {
    struct temp_dir dir;
    struct clock_fake clock;
    struct sql_db *db;
    struct registry *registry;
    struct auth_service *auth;
    struct device_service devices; /* without telemetry unless the test sets it */
    struct arena arena;
    struct auth_limits limits;
    struct limits pilot;   /* none, unless the test sets one */
    char mailed_token[64]; /* the last one that was "sent" */
    int mails_sent;
    bool no_mail; /* set, then reopen: as if no mail were configured */
};

void service_world_open(struct service_world *w); /* fails the test when it cannot */
void service_world_close(struct service_world *w);
/* Everything closed and opened again on the same directory; secret may be NULL. */
void service_world_reopen(struct service_world *w, const char *secret);

/* A registered user of a new organisation, logged in. Strings of ret live in w->arena. */
struct auth_tokens service_world_register(struct service_world *w, const char *username);
/* What the middleware makes of an access token. */
enum err service_world_ask(struct service_world *w, const char *bearer, struct principal *ret);
/* The actor of that principal, from 10.0.0.1. */
struct actor service_world_actor(struct service_world *w, const struct principal *p);
/* Events of that type in the organisation. */
int64_t service_world_events(struct service_world *w, int64_t org, const char *type);
