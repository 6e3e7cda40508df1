#pragma once
/* service/command_service.h -- what people ask of devices: kept until the device has it or until
 * its end, whatever the transport.
 *
 *   send ──> catalog, queued ── commit ──> watchers ──> a waiting poll, an MQTT session
 *                                                          └ list_waiting ─> mark SENT ─> mark
 *                                                            DELIVERED when it acknowledges
 *
 * K1  a command that send() answered ERR_OK for is on the disk, and its watchers are told.
 * K2  oldest first; a command that was sent and not acknowledged is listed again.
 * K3  each change of state appends its event, in the same transaction.
 * K4  nothing is handed out after its end.
 * Threads: any; every call but watch blocks on the catalog.   Memory: copied into the arena. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "model/actor.h"
#include "model/command.h"
#include "service/refusal.h"
#include "store/catalog_page.h"
#include "store/sql.h"

#include <stdatomic.h>

enum {
    COMMAND_WATCHERS_MAX = 4,
    COMMANDS_WAITING_MAX = 100, /* of one device; one more is ERR_RATE until the first ends */
    COMMANDS_GIVEN_MAX = 100,   /* in one answer: all that may wait */
};
#define COMMAND_LIFE_NS     NS_PER_DAY       /* unless the sender says otherwise */
#define COMMAND_LIFE_MIN_NS NS_PER_S         /* … at least */
#define COMMAND_LIFE_MAX_NS (7 * NS_PER_DAY) /* … at most */
#define COMMAND_KEPT_NS     (7 * NS_PER_DAY) /* one that has ended is listed this long */

/* Called after each commit of a new command, on the sender's thread: hand it on, do not block. */
struct command_watcher {
    void *ctx;
    void (*committed)(void *ctx, int64_t org, int64_t device);
};

struct command_service {
    struct sql_db *db; /* borrowed, as the rest */
    const struct clock *clock;
    struct command_watcher watchers[COMMAND_WATCHERS_MAX];
    size_t watcher_count;
    /* Grows before the watchers are told of a commit: who found nothing and then sees another
     * figure than before looks again. */
    _Atomic uint64_t commits;
};

/* Another server has committed one (store/nodes.h): its watchers are here, too. */
void command_service_heard(struct command_service *s, int64_t org, int64_t device);
/* Before requests run. */
void command_service_watch(struct command_service *s, const struct command_watcher *watcher);

struct command_wish {
    struct bytes name;    /* 1 to 100 characters */
    struct bytes payload; /* a JSON value as text; p == NULL: none */
    int64_t life_ns;      /* 0 = COMMAND_LIFE_NS */
};
/* device: external id, else uuid text, of the actor's organisation. ERR_NOTFOUND, ERR_INVALID,
 * ERR_RATE. */
enum err command_service_send(struct command_service *s, const struct actor *actor,
                              struct bytes device, const struct command_wish *wish,
                              struct arena *arena, struct command *ret,
                              struct refusal *refusal) MUST_CHECK;
/* Queued or sent, not ended, id above `after`, oldest first, at most COMMANDS_GIVEN_MAX. */
enum err command_service_list_waiting(struct command_service *s, int64_t org, int64_t device,
                                      int64_t after, struct arena *arena, struct command **ret,
                                      size_t *ret_n) MUST_CHECK;
/* SENT or DELIVERED; ids that have ended or are no command of that device are passed over. */
enum err command_service_mark(struct command_service *s, const struct actor *actor, int64_t org,
                              int64_t device, const int64_t *ids, size_t n,
                              enum command_state state) MUST_CHECK;

struct command_poll {
    int64_t org, device;
    bool by_cursor; /* false: what is given counts as delivered */
    int64_t after;  /* by_cursor: delivered up to here; what comes behind it is given, as sent */
};
/* What a device gets that asks; *ret_n 0 when there is nothing. */
enum err command_service_poll(struct command_service *s, const struct actor *actor,
                              const struct command_poll *poll, struct arena *arena,
                              struct command **ret, size_t *ret_n) MUST_CHECK;
/* For people: all that are kept, newest first. */
enum err command_service_list(struct command_service *s, int64_t org, struct bytes device,
                              const struct catalog_page *page, struct arena *arena,
                              struct command **ret, struct catalog_listing *ret_listing,
                              struct why *why) MUST_CHECK;
/* Ends what is due, forgets what ended long ago; a bounded piece of each. */
enum err command_service_expire(struct command_service *s, size_t *ret_n) MUST_CHECK;
/* {"command","payload","timestamp"}: what goes over MQTT. */
void command_service_write(struct buf *b, const struct command *c);
