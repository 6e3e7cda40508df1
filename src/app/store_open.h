#pragma once
/* app/store_open.h -- the store as serve and the commands open it: where it is, and its two halves
 * in order.
 *
 *   embedded   DIR/catalog.db    organisations, users, devices, settings (store/catalog.h)
 *              DIR/telemetry/    log, segments, manifest (store/embedded/engine.h)
 *              DIR is the data directory, or what store.url=embedded:DIR names; the caller holds
 *              its lock.
 *   postgres   both in one database, over one pool (store/postgres/README.md). A server joins the
 *              others there (store/nodes.h); a command that only looks or changes something is
 *              there as a guest. The data directory holds nothing but its lock and the control
 *              socket.
 *
 * Threads: main.   Memory: owned by the caller, who ends it with store_open_close(), also when
 * opening failed. */
#include "app/data_dir.h"
#include "app/settings.h"
#include "base/clock.h"
#include "sys/file.h"

struct nodes;
struct postgres_pool;
struct registry;
struct sql_db;
struct telemetry;

enum store_part {
    STORE_CATALOG = 1 << 0,   /* its schema brought up to date */
    STORE_RAW = 1 << 1,       /* the catalog as it is, for looking only */
    STORE_REGISTRY = 1 << 2,  /* needs STORE_CATALOG */
    STORE_TELEMETRY = 1 << 3, /* readings; needs STORE_CATALOG */
};

enum store_role {
    STORE_GUEST,   /* a command beside the servers */
    STORE_SERVER,  /* a node among others */
    STORE_COMMAND, /* the server of one command: leads only while it is alone */
    STORE_ALONE,   /* nobody else is there, and nobody joins until it ends */
};

struct store_open { /* zeroed, but for what the caller wishes */
    bool filling;   /* the caller fills it from another one; else such a store is refused */
    enum store_role role;
    struct postgres_pool *pool; /* NULL: embedded */
    struct nodes *nodes;        /* NULL: embedded */
    struct sql_db *db;
    struct registry *registry;
    struct telemetry *telemetry;
};

struct store_place {
    bool remote;    /* PostgreSQL: dir is the data directory */
    char dir[1100]; /* where an embedded store is */
};
/* Where the store is, with the data directory `path`. ERR_INVALID: store.url is none. */
enum err store_open_place(const struct settings *s, const char *path, struct store_place *ret,
                          struct why *why) MUST_CHECK;
/* A command finds its data directory: one of a store in a database may be new. */
enum data_dir_mode store_open_dir_mode(const struct settings *s);
/* Opens the parts that are not open yet. ERR_CONFLICT: it is the target of a `move` or an `import
 * legacy` that has not ended (store/takeover.h). */
enum err store_open_parts(struct store_open *store, unsigned parts, const struct store_place *place,
                          const struct settings *s, const struct clock *clock,
                          struct why *why) MUST_CHECK;
/* While this file is in a store's directory a `restore` into it has not ended: nobody opens it. */
#define STORE_RESTORE_MARK "restore.unfinished"
void store_open_close(struct store_open *s); /* zeroed is fine */
