#pragma once
/* app/store_open.h -- the embedded store as serve and the commands open it: where it is, and its
 * two halves in order.
 *
 *   DIR/catalog.db    organisations, users, devices, settings (store/catalog.h)
 *   DIR/telemetry/    log, segments, manifest (store/embedded/engine.h)
 *
 * DIR is the data directory, or what store.url=embedded:DIR names; the caller holds its lock.
 * Threads: main.   Memory: owned by the caller, who ends it with store_open_close(). */
#include "app/settings.h"
#include "base/clock.h"
#include "sys/file.h"

struct sql_db;
struct telemetry;
struct registry;

enum store_part {
    STORE_CATALOG = 1 << 0,   /* its schema brought up to date */
    STORE_RAW = 1 << 1,       /* the catalog as it is, for looking only */
    STORE_REGISTRY = 1 << 2,  /* needs STORE_CATALOG */
    STORE_TELEMETRY = 1 << 3, /* the engine */
};

struct store_open {
    struct sql_db *db;
    struct registry *registry;
    struct telemetry *telemetry;
};

/* Where the store is: the data directory `path`, or what store.url names. ERR_UNSUPPORTED: a store
 * that is planned; ERR_INVALID: not the address of one. */
enum err store_open_place(const struct settings *s, const char *path, char *ret, size_t n,
                          struct why *why) MUST_CHECK;
enum err store_open_parts(struct store_open *ret, unsigned parts, const char *dir,
                          const struct settings *s, const struct clock *clock,
                          struct why *why) MUST_CHECK;
void store_open_close(struct store_open *s); /* zeroed is fine */
