#pragma once
/* app/ask.h -- one verb of administration, asked of the running server or, while none runs, run
 * here under the data directory's lock on a store opened for it.
 * Threads: main.   Memory: the answer is owned by the caller (cJSON_Delete). */
#include "app/cli.h"

#include <cjson/cJSON.h>

enum ask_need {
    ASK_CATALOG,   /* settings and organisations */
    ASK_PEOPLE,    /* users, devices, tokens */
    ASK_TELEMETRY, /* the points */
    ASK_SERVER,    /* a running server; nothing is opened here */
    ASK_RAW,       /* the catalog without bringing its schema up to date */
};

/* A request as one types it: {"do":verb, name: value, …, "who":"cli:ann"}; NULL values are left
 * out. */
struct ask_pair {
    const char *name, *value;
};
/* Asks, and on failure prints why; the exit code. */
int ask_run(struct cli *cli, enum ask_need need, const char *verb, const struct ask_pair *pairs,
            size_t n, cJSON **ret);
/* The same of an administration in this process. */
struct admin;
int ask_run_in(struct cli *cli, struct admin *admin, const char *verb, const struct ask_pair *pairs,
               size_t n, cJSON **ret);
/* The address of the running server of --data; false: none runs there. */
bool ask_server_url(struct cli *cli, char *ret, size_t n);
/* The same where a person's answer is one line: prints the answer as JSON, or the line. */
int ask_print_json(struct cli *cli, const cJSON *answer);
/* Text and integer members; "" and 0 when absent. */
const char *ask_text(const cJSON *object, const char *name);
int64_t ask_integer(const cJSON *object, const char *name);
/* --password, SENSORVISION_PASSWORD, or asked twice at the terminal. NULL: none, said. The buffer
 * is the caller's. */
const char *ask_password(struct cli *cli, char *buffer, size_t n);
