#pragma once
/* app/store_side.h -- one of two stores that a command has open at once, each under its own address
 * and its own lock.
 * Threads: main.   Memory: the caller's struct, zeroed; store_side_close() ends it, also after a
 * failure. */
#include "app/store_open.h"

struct store_side {
    struct settings settings;  /* a copy, but for store.url */
    struct data_dir dir;       /* of an embedded one */
    struct data_dir store_dir; /* store_side_open_data(): where the store is in another place */
    struct store_open store;
    struct store_place place;
};

/* Reads the address into s->place. ERR_INVALID: it is none. */
enum err store_side_parse(struct store_side *s, const struct settings *settings, const char *url,
                          struct why *why) MUST_CHECK;
/* Takes its lock and opens catalog and readings; `filling`: it is made when it is missing. */
enum err store_side_open(struct store_side *s, bool filling, struct why *why) MUST_CHECK;
/* The one that serve would have with these settings and --data, made when it is missing, to be
 * filled. */
enum err store_side_open_data(struct store_side *s, const struct settings *settings,
                              const char *data_dir, struct why *why) MUST_CHECK;
void store_side_close(struct store_side *s);
/* "id:created" of the first organisation: which installation it is; "" when there is none. */
enum err store_side_identity(struct store_side *s, char *ret, size_t n, struct why *why) MUST_CHECK;
/* Sums up every hour that has ended, where the store does not do it while it writes. */
enum err store_side_settle(struct store_side *s, struct why *why) MUST_CHECK;
