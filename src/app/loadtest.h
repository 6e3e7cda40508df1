#pragma once
/* app/loadtest.h -- simulated users and devices against a running server (contract, section 12).
 *
 *   access ── an administrator's credential
 *   setup  ── organisations, users, devices, a dashboard each, a day of history
 *   run    ── users: log in, live socket, pages with their requests, think;  devices: readings
 *   verify ── every series read back: count and checksum of what was acknowledged
 *   clean  ── the organisations are ended, the credential given back
 *
 * Everything happens on one libuv loop, but for who watches, who has his own; a part that fails
 * says why, and what was made is taken away all the same.
 * Threads: main; loadtest_watch.c's.   Memory: struct loadtest owns all of it. */
#include "app/cli.h"
#include "app/loadtest_cast.h"
#include "app/loadtest_figures.h"
#include "base/clock.h"

struct loadtest_verdict {
    uint64_t series, points, missing, surplus, altered; /* series that differ are one of these */
    char first[120];                                    /* what is wrong with the first of them */
    bool done;
};

struct loadtest {
    struct cli *cli;
    struct loadtest_opts opts;
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    struct loadtest_schedule schedule;
    struct loadtest_net net;
    struct sockaddr_storage mqtt_address;
    struct loadtest_figures *figures;
    struct loadtest_due tick;
    struct cli_progress progress;
    struct rnd rnd;
    struct why why;
    unsigned interrupts, ticks;
    bool opened, running, draining, lifted, was_overridden;
    int64_t drain_until_ns;

    char tag[8], password[40];
    char admin[LOADTEST_CREDENTIAL];
    char key_id[24], key_user[24], key_org[24]; /* of a key to give back, or "" */
    struct loadtest_org *orgs;
    struct loadtest_user *users;
    struct loadtest_device *devices;
    struct loadtest_watch *watch; /* during the run */
    struct loadtest_link **links; /* of devices */
    size_t link_count, orgs_made;

    int64_t start_ns, start_wall_ns, ramp_ns, end_ns, ended_ns;
    int64_t history_from_ns;
    uint64_t history_points, frames;
    uint64_t limited; /* readings of the noisy organisation that were refused */
    size_t under_way, open_sockets, devices_at_work; /* the last: with a number of points */
    int64_t last_stored_ns;
    struct loadtest_verdict verdict;
    char noted[LOADTEST_KINDS][120]; /* the first failure of each kind */
};

static inline int64_t loadtest_now_ns(void)
{
    return clock_mono_ns(clock_real());
}
/* The wall clock's reading at an instant of the other one, as at the start of the run. */
static inline int64_t loadtest_wall_ns(const struct loadtest *t, int64_t mono_ns)
{
    return t->start_wall_ns + (mono_ns - t->start_ns);
}

/* Is it the organisation that sends too much (--noisy)? What its people see is not the others'. */
static inline bool loadtest_is_noisy(const struct loadtest *t, const struct loadtest_org *org)
{
    return t->opts.noisy > 1 && org == t->orgs;
}
/* A failed request, kept as the first of its kind for the report. */
void loadtest_note(struct loadtest *t, enum loadtest_kind kind, const struct loadtest_reply *reply);

/* loadtest_scenario.c: load time passes as many times faster as the stage says. */
bool loadtest_scenario_find(const char *name, enum loadtest_scenario *ret);
const char *loadtest_scenario_name(enum loadtest_scenario s);
size_t loadtest_scenario_stages(const struct loadtest *t);
size_t loadtest_scenario_stage(const struct loadtest *t, int64_t now_ns);
double loadtest_scenario_factor(const struct loadtest *t, size_t stage);
int64_t loadtest_scenario_load(const struct loadtest *t, int64_t now_ns);
int64_t loadtest_scenario_when(const struct loadtest *t, int64_t load_ns);
double loadtest_scenario_mean(const struct loadtest_opts *o); /* of its factors */

/* Parts, in order; each says in t->why what went wrong. */
enum err loadtest_access_open(struct loadtest *t) MUST_CHECK;
void loadtest_access_close(struct loadtest *t);
/* Switches pilot.mode off when the run goes past a limit, and says so. */
enum err loadtest_limits_lift(struct loadtest *t) MUST_CHECK;
void loadtest_limits_restore(struct loadtest *t);
enum err loadtest_setup_make(struct loadtest *t) MUST_CHECK;
enum err loadtest_setup_clean(struct loadtest *t) MUST_CHECK;
enum err loadtest_history_send(struct loadtest *t) MUST_CHECK;
/* --noisy: the first organisation may send what the others do, and no more. */
enum err loadtest_limits_narrow(struct loadtest *t) MUST_CHECK;
enum err loadtest_watch_start(struct loadtest *t) MUST_CHECK;
void loadtest_watch_take(struct loadtest *t); /* what was seen so far, into the figures */
void loadtest_watch_end(struct loadtest *t);
void loadtest_users_start(struct loadtest *t);
void loadtest_users_end(struct loadtest *t); /* connections; credentials stay, for reading back */
void loadtest_users_forget(struct loadtest *t);
void loadtest_devices_start(struct loadtest *t);
void loadtest_devices_stop(struct loadtest *t);
enum err loadtest_verify_all(struct loadtest *t) MUST_CHECK;

struct loadtest_socket *loadtest_socket_new(struct loadtest_user *u); /* NULL: no memory */
void loadtest_socket_free(struct loadtest_socket *s);                 /* NULL is fine */
