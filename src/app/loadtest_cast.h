#pragma once
/* app/loadtest_cast.h -- who takes part in a load test: organisations, their people, their devices.
 * Threads: main.   Memory: struct loadtest (app/loadtest.h) owns all of it. */
#include "app/loadtest_link.h"
#include "app/loadtest_schedule.h"
#include "base/rnd.h"

enum {
    LOADTEST_USERS_MAX = 5000,
    LOADTEST_DEVICES_MAX = 50000,
    LOADTEST_ORGS_MAX = 100,
    LOADTEST_VARIABLES_MAX = 8,
    LOADTEST_CREDENTIAL = 2048, /* bytes of a header line */
};
extern const char *const loadtest_variables[LOADTEST_VARIABLES_MAX];

enum loadtest_scenario {
    LOADTEST_BASELINE,
    LOADTEST_PEAK,      /* five times the pace for the middle third */
    LOADTEST_STRESS,    /* twice the pace of before for each sixth */
    LOADTEST_ENDURANCE, /* steady and long: does anything grow? */
    LOADTEST_SCENARIOS
};
enum { LOADTEST_STAGES_MAX = 6 };

struct loadtest_opts {
    size_t users, devices, orgs, variables, batch, connections;
    int64_t duration_ns;
    double points_per_day, noisy; /* noisy: the first organisation's pace, in usual ones; 0 or 1 */
    uint64_t points;              /* --max-rate: as many in all; 0: until the duration is over */
    bool max_rate, keep, mqtt;
    enum loadtest_scenario scenario;
    uint64_t seed;
    const char *url, *mqtt_address, *save, *compare; /* NULL: not given */
};

/* What stands in one series, independent of order: points, and the sum of a mix of each one's time
 * and value. */
struct loadtest_tally {
    uint64_t points, sum;
};
void loadtest_tally_add(struct loadtest_tally *t, int64_t ts_ns, double value);

struct loadtest_org {
    char name[48], dashboard[24], id[24];
    char credential[LOADTEST_CREDENTIAL]; /* of its first user, who is its administrator */
    size_t first_user, users, first_device, devices;
    size_t next_reader;  /* of its users, for reading back in turns */
    struct buf all_path; /* /data/latest of all its devices */
};

struct loadtest;
struct loadtest_socket;
struct loadtest_user {
    struct loadtest *t;
    struct loadtest_org *org;
    struct loadtest_due due;
    struct loadtest_link *link;
    struct loadtest_call call;
    struct loadtest_socket *socket; /* NULL: none yet */
    struct rnd rnd;
    char name[48];
    char *credential; /* owned: its header line; NULL before the login */
    unsigned page, step;
    size_t device;       /* that the page is about */
    int64_t intended_ns; /* of the request under way, or of the next page */
    int64_t opened_ns;   /* when this page was meant to open */
    bool logged_in;
};

struct loadtest_mqtt;
struct loadtest_device {
    struct loadtest *t;
    struct loadtest_org *org;
    struct loadtest_due due;
    struct loadtest_link *link; /* borrowed: shared by several when there are more than links */
    struct loadtest_mqtt *mqtt; /* instead, with --transport mqtt; NULL before its first reading */
    struct loadtest_call call;
    struct rnd rnd;
    char id[32], credential[64];
    int64_t period_ns, slot_ns; /* of its grid, in load time (loadtest_scenario.c) */
    int64_t intended_ns;        /* with its jitter, in ours */
    bool retrying;              /* `due` is for the same reading again */
    uint64_t left;              /* --max-rate with a number of points: records */
    int64_t ts_ns, ts_step_ns;
    int64_t hundredths[LOADTEST_VARIABLES_MAX];
    struct loadtest_tally pending[LOADTEST_VARIABLES_MAX], stored[LOADTEST_VARIABLES_MAX];
};
