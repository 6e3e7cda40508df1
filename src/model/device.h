#pragma once
/* model/device.h -- a thing that sends, as the catalog knows it. What ingest needs of it stands in
 * store/registry.h.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "base/bytes.h"
#include "model/label.h"
#include "model/uuid.h"

enum {
    DEVICE_EXTERNAL_ID_MAX = 64,
    DEVICE_TEXT_MAX = 255,
    DEVICE_DESCRIPTION_MAX = 2000,
    DEVICE_PROPERTIES_MAX = 100 /* as many as influx.property-tags may name */
};

/* What a message says of its sender: location, sensor_type, firmware_version, or any other name. */
struct device_property {
    struct bytes name, value;
};

struct device {
    int64_t id, org;
    struct uuid uuid;
    struct bytes external_id; /* unique in its organisation among the living, byte-exact */
    struct bytes name, description, location, sensor_type, firmware_version;
    struct bytes properties; /* what else its messages said of it (site, rack, …): a JSON object */
    bool active;
    double latitude, longitude, altitude; /* NAN = unknown */
    int64_t located_ns;                   /* when somebody last said where it is; 0 = never */
    int64_t last_seen_ns;                 /* 0 = never */
    int health;                           /* 0 to 100; -1: not computed since the start */
    int64_t health_checked_ns;            /* 0 = not since the start */
    int64_t provisioned_by;               /* device whose token created it, 0 = a person */
    bool has_token;
    struct bytes token_display;              /* "550e8400...0000" */
    int64_t token_created_ns, token_used_ns; /* 0 = never */
    int64_t created_ns, updated_ns;
    int64_t deleted_ns;             /* 0 = alive */
    struct label_list tags, groups; /* in a wish each is named by its id, or by its name alone */
};
