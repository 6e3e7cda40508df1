#pragma once
/* app/import_read.h -- files of telemetry as one stream of records, whatever their form.
 *
 * I1  a record carries the line it starts on; a reader that stops says the line.
 * I2  the same file read twice gives the same records.
 * Threads: owner only.   Memory: a record is borrowed for its visit. */
#include "base/buf.h"

#include <stdbool.h>

enum { IMPORT_COLUMNS_MAX = 1024 };

struct import_record {
    uint64_t line;
    struct bytes device;
    bool timed; /* false: the server gives it a time */
    int64_t ts_ns;
    const struct bytes *names;
    const double *values;
    size_t n;
    struct bytes metadata; /* a JSON object as text, or empty */
};

/* Answers ERR_OK to go on; anything else stops the reader and is its result. */
typedef enum err import_visit(void *ctx, const struct import_record *record);

struct import_opts {
    const char *device;      /* NULL: the file says it */
    const char *time_column; /* NULL: timestamp */
    const char *time_format; /* NULL: RFC 3339 or a number */
    const char *zone;        /* NULL: UTC; "+01:00", "Europe/Paris" */
    const char *columns;     /* "a=b,c", NULL: all */
    const char *skip;        /* "a,b", NULL: none */
    uint64_t from_line;      /* records that start before are passed over */
};

/* What a pass has seen beside the records. */
struct import_seen {
    uint64_t bytes;         /* read so far, for progress */
    uint64_t missing;       /* values that were empty, NA, null, ? or NaN */
    uint64_t empty_records; /* records without any value */
};

/* ERR_INVALID: why names line, column and what is wrong. */
enum err import_csv_read(const char *path, const struct import_opts *opts, import_visit *visit,
                         void *ctx, struct import_seen *seen, struct why *why) MUST_CHECK;
/* An array of objects, or objects one after the other; in the form of POST /api/v1/data/ingest, or
 * flat. The file is held in memory: at most 1 GiB. */
enum err import_json_read(const char *path, const struct import_opts *opts, import_visit *visit,
                          void *ctx, struct import_seen *seen, struct why *why) MUST_CHECK;

/* Text as an instant by the options: format, zone. */
struct import_clock {
    const char *format;
    bool named_zone; /* TZ is set to it */
    int64_t offset_ns;
};
enum err import_clock_init(struct import_clock *c, const struct import_opts *opts,
                           struct why *why) MUST_CHECK;
enum err import_clock_read(const struct import_clock *c, struct bytes text, int64_t *ret_ns,
                           struct why *why) MUST_CHECK;
