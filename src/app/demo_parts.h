#pragma once
/* app/demo_parts.h -- what demo.c, demo_recordings.c and demo_simulation.c share.
 * Threads: the demo's.   Memory: owned by struct demo. */
#include "app/demo.h"
#include "app/http_client.h"
#include "sys/lock.h"

struct cJSON;

struct demo {
    struct demo_opts opts;
    struct demo_login login;
    int64_t org;
    struct http_client *client;
    pthread_t thread;
    bool running;
    struct lock lock; /* guards closing */
    struct cond wake;
    bool closing;
};

/* Sleeps; false when the demo shall end. */
bool demo_wait(struct demo *d, int64_t ns);
/* One request as the demo's user. 409 is an answer, every other refusal ERR_INVALID with its
 * reason. */
enum err demo_send(struct http_client *c, const char *method, const char *path, const char *body,
                   int *ret_status, struct cJSON **ret_json, struct why *why) MUST_CHECK;
/* POST /devices; an existing one is fine: *ret_made tells. */
enum err demo_make_device(struct http_client *c, const char *id, const char *name,
                          const char *location, char ret_token[64], bool *ret_made,
                          struct why *why) MUST_CHECK;

enum err demo_import_recordings(struct demo *d, struct http_client *c, struct why *why) MUST_CHECK;
void demo_simulate(struct demo *d); /* until demo_wait() says no */
