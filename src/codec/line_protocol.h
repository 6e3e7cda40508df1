#pragma once
/* codec/line_protocol.h -- InfluxDB line protocol (contract §6, G) -> raw records.
 *
 *   measurement[,tag=value…] field=value[,field=value…] [timestamp]
 *
 * L1  device: the first present of the tags device, device_id, hostname, host; else the
 *     measurement.
 * L2  a field is the variable measurement_field, or just field when the measurement is
 *     "telemetry"; a tag "variable" beside the single field "value" is the whole name instead.
 * L3  tags that are listed as properties become the device's properties; every other tag is
 *     part of the variable's identity: name{key=value,key=value}, keys sorted, with a backslash
 *     before any of , = { } \ inside a key or value, so that two identities never look the
 *     same.
 * L4  string fields are not stored but counted (batch->skipped_fields); a line of nothing else
 *     gives no record.
 * L5  a bad line is a record with its line number and an error; good lines are kept.
 * A body is never refused as a whole but for ERR_TOOLARGE (ceilings of the batch) and
 * ERR_NOMEM.
 * Escapes: backslash before comma, equals sign, blank (names and tags), quote and backslash
 * (strings, which may hold line breaks). A tag without value is left out. Comments (#) and
 * blank lines are passed.
 * Threads: any, on one's own batch and arena.   Memory: as raw_batch.h says. */
#include "codec/raw_batch.h"

struct line_protocol_opts {
    int64_t unit_ns;                   /* of a timestamp: 1, 1000, 1000000 or 1000000000; 0 = 1 */
    const struct bytes *property_tags; /* borrowed; sorted or not */
    size_t property_tag_count;
};

/* "ns" or "n", "us", "u" or "µ", "ms", "s", and v1's "m" and "h"; empty = ns. false: unknown. */
bool line_protocol_unit(struct bytes precision, int64_t *ret_unit_ns);
enum err line_protocol_decode(struct bytes body, const struct line_protocol_opts *opts,
                              struct arena *arena, struct raw_batch *batch,
                              struct why *why) MUST_CHECK;
