#pragma once
/* api/mqtt_internal.h -- what the MQTT files of api/ share (see mqtt_api.h).
 * Threads: lanes and clients are their loop's; a group is the loop's, then the writer's, then the
 * loop's again.   Memory: as each says. */
#include "api/ingest_call.h"
#include "api/mqtt_api.h"
#include "base/map.h"
#include "model/record.h"
#include "net/mqtt_session.h"
#include "security/tokens.h"

enum { MQTT_GROUP_MESSAGES = 256, MQTT_GROUPS_KEPT = 4, MQTT_SCRATCH_MAX = 64 << 20 };

/* Messages of one loop that go to the store together. */
struct mqtt_group {
    struct batch_ticket ticket;
    struct loop_task returned;
    struct mqtt_lane *lane;
    struct mqtt_group *next_free;
    enum err result;
    bool queued; /* settled already: nobody waits */
    int64_t received_ns;
    struct mqtt_message {
        struct mqtt_receipt *receipt;
        uint32_t records; /* of the set, those of the messages before it first */
    } messages[MQTT_GROUP_MESSAGES];
    size_t message_count;
    struct record *records; /* owned, as the next two */
    struct reg_device **devices;
    struct point *points;
    size_t record_count, record_cap, point_count, point_cap;
};

/* One loop's. */
struct mqtt_lane {
    struct mqtt_api *api;
    struct mqtt_group *open, *free;
    unsigned free_count;
    struct arena scratch; /* of one message */
    struct raw_batch raw;
    struct mqtt_client *starved; /* found the executor full */
    struct loop_task retry;
    _Atomic bool is_starved, retry_posted;
};

/* One connection's. */
struct mqtt_client {
    struct principal who; /* PRINCIPAL_NONE: it proved nothing; its messages may */
    uint8_t token_hash[TOKENS_HASH];
    struct mqtt_conn *conn;
    struct mqtt_api *api;
    struct mqtt_inbox *commands; /* owned; NULL until it subscribes */
};

enum { MQTT_MARKS_MAX = 2 * MQTT_SENT_MAX };
struct mqtt_marks { /* ids of commands whose state is to be noted */
    int64_t sent[MQTT_MARKS_MAX], delivered[MQTT_MARKS_MAX];
    unsigned sent_count, delivered_count;
};
/* A connection that gets commands (mqtt_commands.c). */
struct mqtt_inbox {
    struct mqtt_client *client;
    uint64_t device;                    /* the map's key */
    struct mqtt_client *before, *after; /* of the same device, in order; under the lock */
    struct mqtt_client *next_starved;
    struct loop_task wake;
    bool woken; /* under the lock: `wake` is queued */
    bool busy, look, gone, starved;
    struct mqtt_marks marks;
};
struct mqtt_commands {
    struct mqtt_api *api;
    struct lock lock;
    struct map by_device; /* device -> who subscribed last */
};

struct mqtt_api {
    struct app *app;
    struct mqtt_server *server;
    int64_t open_org;
    unsigned lane_count;
    struct mqtt_lane *lanes;
    struct counter refused;
    struct mqtt_commands commands;
};

/* What a message says, whatever its form. */
struct mqtt_said {
    struct principal who;
    struct bytes device; /* whose telemetry it is */
};

/* mqtt_ingest.c */
void mqtt_ingest_publish(struct mqtt_lane *lane, struct mqtt_receipt *r,
                         const struct mqtt_publish *p);
void mqtt_ingest_turn(struct mqtt_lane *lane);
void mqtt_ingest_done(struct mqtt_lane *lane); /* frees what it keeps */
enum mqtt_reason mqtt_ingest_reason(enum err e);
void mqtt_ingest_refuse(struct mqtt_api *api, struct mqtt_receipt *r, enum mqtt_reason reason);
/* What the message would take of its organisation's daily points. ERR_MORE: where it may block.
 * ERR_RATE: there are not that many left. */
enum err mqtt_ingest_charge(struct mqtt_api *api, const struct principal *who,
                            const struct raw_batch *raw, bool may_block) MUST_CHECK;
/* What a limit refused: into the ledger. */
void mqtt_ingest_note(struct mqtt_api *api, const struct principal *who, const char *limit,
                      int64_t amount);
/* One message of the device's minute; an open one has none. As above. */
enum err mqtt_ingest_pace(struct mqtt_api *api, const struct principal *who,
                          bool may_block) MUST_CHECK;
/* Those that were charged for records that are not stored. */
void mqtt_ingest_uncharge(struct mqtt_api *api, const struct record *records, size_t n);
/* mqtt_message.c: decodes the payload into raw and finds out who speaks for which device. */
enum mqtt_reason mqtt_message_read(struct mqtt_api *api, const struct mqtt_client *client,
                                   struct bytes topic, struct bytes payload, struct arena *arena,
                                   struct raw_batch *raw, struct mqtt_said *ret) MUST_CHECK;
bool mqtt_message_client_is_valid(struct mqtt_api *api, const struct mqtt_client *client);
/* mqtt_offload.c: the message needs the catalog, or Redis for its place in the minute (!paced);
 * nothing more of the connection is read until it is settled. */
void mqtt_offload_publish(struct mqtt_api *api, struct mqtt_receipt *r,
                          const struct mqtt_publish *p, bool paced);
