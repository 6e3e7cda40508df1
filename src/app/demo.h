#pragma once
/* app/demo.h -- an organisation to look at: two real recordings, moved in time so that they end
 * now, and a few simulated machines that send every second. All of it goes through the public HTTP
 * API, as any client's data would; only "keep for ever" and the limit of points are set directly,
 * as an administrator would.
 * Threads: one of its own, "demo".   Memory: owned by the caller until demo_stop(). */
#include "base/err.h"

struct app;
struct demo_opts {
    struct app *app;
    unsigned port;        /* of the running server, on loopback */
    const char *data_dir; /* where the recordings are looked for first; see demo.c */
};
struct demo_login {
    char username[32], password[64], token[64]; /* token: of the device "pump-1" */
};
struct demo;
/* Registers or finds the organisation, returns its login; recordings and simulation go on in the
 * thread. */
enum err demo_start(struct demo **ret, const struct demo_opts *opts, struct demo_login *ret_login,
                    struct why *why) MUST_CHECK;
void demo_stop(struct demo *d); /* NULL is fine */
