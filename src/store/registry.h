#pragma once
/* store/registry.h -- which devices, tokens and variables exist, in memory, so that ingest
 * resolves a name in 50 ns and never asks the catalog for what it has seen. The catalog is the
 * truth: everything here is made durable there first.
 *
 *   organisation ── external id ──> device ── name ──> variable (= series)
 *                   uuid ─────────┘   ^
 *   token hash ───────────────────────┘
 *
 * G1  a look-up starts with the organisation: another tenant's device cannot be found.
 * G2  a struct reg_device or reg_variable, once handed out, stays valid until registry_free(); its
 *     identity fields never change. A deleted device has deleted != 0 and is in no map.
 * G3  a provisioned device or variable is durable in the catalog before any call returns it.
 * Threads: any. Look-ups take a read lock for tens of nanoseconds; provisioning blocks on the
 * catalog and runs on an executor.   Memory: owns everything it hands out. */
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/actor.h"
#include "model/uuid.h"
#include "store/limits.h"
#include "store/sql.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
    REGISTRY_NAME_MAX = 100,
    REGISTRY_EXTERNAL_ID_MAX = 64,
    REGISTRY_VARIABLES_PER_DEVICE = 10000
};

struct reg_variable {
    int64_t id; /* the series */
    struct reg_device *device;
    struct bytes name;                 /* owned, byte-exact */
    _Atomic bool computed;             /* a synthetic variable: no message may carry it */
    struct reg_variable *_Atomic next; /* of the same device, in order of creation */
};

struct reg_device {
    int64_t id, org;
    struct uuid uuid;
    struct bytes external_id;          /* owned */
    int64_t provisioned_by;            /* device whose token created it, 0 = a person */
    _Atomic bool active;               /* false: its token is refused */
    _Atomic int64_t deleted_ns;        /* 0 = alive */
    _Atomic int64_t last_seen_ns;      /* receive time of its newest live record; 0 = never */
    _Atomic int64_t last_assigned_ns;  /* newest time the server gave to a record of it */
    _Atomic int64_t token_used_ns;     /* when its token last opened a door; 0 = saved */
    _Atomic uint32_t token_epoch;      /* another one whenever its token is another one */
    _Atomic bool seen_dirty;           /* last_seen_ns or token_used_ns is not saved yet */
    _Atomic int presence;              /* status last told: 0 none, 1 ONLINE, 2 OFFLINE */
    _Atomic int health;                /* 0 to 100; -1: not computed since the start */
    _Atomic int64_t health_checked_ns; /* 0 = not since the start */
    _Atomic uint32_t times_refused, times_refused_before; /* records whose time could not be; the
                                                              watch turns them (pilot/watch.h) */
    _Atomic uint32_t variables_before;                    /* variable_count when its window began */
    struct reg_variable *_Atomic variables;               /* oldest first; walk with ->next */
    _Atomic uint32_t variable_count;
};

struct registry;
enum err registry_open(struct registry **ret, struct sql_db *db, const struct clock *clock,
                       struct rnd *rnd, struct why *why) MUST_CHECK;
void registry_free(struct registry *r);
/* Before the first provisioning; borrowed. Without: devices are not limited. */
void registry_set_limits(struct registry *r, const struct limits *limits);

struct reg_device *registry_find_external(struct registry *r, int64_t org,
                                          struct bytes external_id);
struct reg_device *registry_find_uuid(struct registry *r, int64_t org, const struct uuid *uuid);
/* External id first, then uuid text (contract §6). NULL: not there. */
struct reg_device *registry_find_device(struct registry *r, int64_t org, struct bytes id);
/* By internal key, any organisation; for loading and tests. */
struct reg_device *registry_find_key(struct registry *r, int64_t org, int64_t device);
/* hash: the stored form of a token (security/tokens.h). NULL: no such token, or device deleted. */
struct reg_device *registry_find_token(struct registry *r, const uint8_t hash[32]);
/* The same, with the token_epoch it was found at: while the device has that one, the token is its
 * own. */
struct reg_device *registry_use_token(struct registry *r, const uint8_t hash[32],
                                      uint32_t *ret_epoch);
/* Exact name. */
struct reg_variable *registry_find_variable(struct registry *r, struct reg_device *d,
                                            struct bytes name);
struct reg_variable *registry_find_variable_id(struct registry *r, int64_t org, int64_t id);

/* One thing to find or make. The caller fills org, external_id, names; the call fills device and
 * variables[i]. `create_device` false: an unknown device is ERR_NOTFOUND. */
struct provision {
    int64_t org;
    struct bytes external_id;  /* used when device == NULL */
    struct reg_device *device; /* in: known device, or NULL; out */
    int64_t by_device;         /* whose token creates it, 0 = a person */
    const struct actor *actor; /* how the event names who did it; NULL: by_device */
    bool create_device;
    bool was_created; /* out: device is new */
    struct limits_room
        room; /* out, of the item that is ERR_LIMIT for it: devices before the call */
    size_t name_count;
    const struct bytes *names;       /* variables to find or make */
    struct reg_variable **variables; /* out, name_count of them */
};
/* All n in one catalog transaction: all or nothing. ERR_NOTFOUND, ERR_FORBIDDEN (deleted less than
 * 24 h ago, and by_device != 0), ERR_LIMIT (variables per device), or a catalog error; *ret_at:
 * which one. */
enum err registry_provision(struct registry *r, struct provision *items, size_t n, size_t *ret_at,
                            struct why *why) MUST_CHECK;

/* A device created through the API with its token hash (may be NULL), inside the caller's
 * transaction: insert, commit, then registry_publish_device() puts it in the maps. */
struct reg_device *registry_new_device(struct registry *r, int64_t id, int64_t org,
                                       const struct uuid *uuid, struct bytes external_id,
                                       int64_t by_device, bool active);
enum err registry_publish_device(struct registry *r, struct reg_device *d,
                                 const uint8_t *token_hash) MUST_CHECK;
/* A variable whose row was committed by somebody else than registry_provision(). */
enum err registry_publish_variable(struct registry *r, struct reg_device *d, int64_t id,
                                   struct bytes name, struct reg_variable **ret) MUST_CHECK;
/* Replaces (or with NULL removes) the device's token. */
enum err registry_set_token(struct registry *r, struct reg_device *d,
                            const uint8_t *token_hash) MUST_CHECK;
/* Takes a deleted device out of every map (its token too). */
void registry_retire_device(struct registry *r, struct reg_device *d);
/* The other way round after a restore; ERR_EXISTS when the external id was taken meanwhile. */
enum err registry_restore_device(struct registry *r, struct reg_device *d) MUST_CHECK;

/* Reads the alive devices of an organisation again, tokens and variables too: after it was
 * restored. */
enum err registry_load_organization(struct registry *r, int64_t org) MUST_CHECK;

/* Alive devices of an organisation in order of id, at most cap, ids above `after`. */
size_t registry_list_devices(struct registry *r, int64_t org, int64_t after,
                             struct reg_device **ret, size_t cap);
/* Every device there ever was since the start, newest first, deleted ones too: `after` NULL begins,
 * NULL ends. Takes no lock. */
struct reg_device *registry_walk(struct registry *r, struct reg_device *after);
/* Alive devices seen after since_ns in the whole installation, and how many organisations have one:
 * for metrics. One pass under the read lock, about 5 ns a device. */
size_t registry_count_seen(struct registry *r, int64_t since_ns, size_t *ret_orgs);
size_t registry_count_devices(struct registry *r, int64_t org);
/* Writes last_seen_ns and token_used_ns of every dirty device to the catalog; called by a timer and
 * at stop. */
enum err registry_save_seen(struct registry *r) MUST_CHECK;
/* The same for those of one organisation that the catalog has on the wrong side of `edge_ns` (or as
 * never seen): after it a query that compares last_seen_ns with the edge is right, and hardly ever
 * anything had to be written. */
enum err registry_save_crossed(struct registry *r, int64_t org, int64_t edge_ns) MUST_CHECK;
