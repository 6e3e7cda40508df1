#pragma once
/* base/log.h -- one line per event, logfmt or JSON, to standard error. Lines pass a bounded queue
 * that a thread of its own writes out: a full pipe never stops an event loop, it only raises the
 * count of dropped lines, which is logged when there is room again. Only layers 7 to 9 log; the
 * layers below return what happened.   Threads: any. */
#include "base/bytes.h"
#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_BYTES, LOG_FIELD_INT, LOG_FIELD_REAL } kind;
    union {
        const char *str; /* NULL prints an empty value */
        struct bytes bytes;
        int64_t integer;
        double real;
    } value;
};
#define LOG_S(name, v) ((struct log_field){name, LOG_FIELD_STR, {.str = (v)}})
#define LOG_B(name, v) ((struct log_field){name, LOG_FIELD_BYTES, {.bytes = (v)}})
#define LOG_I(name, v) ((struct log_field){name, LOG_FIELD_INT, {.integer = (int64_t)(v)}})
#define LOG_F(name, v) ((struct log_field){name, LOG_FIELD_REAL, {.real = (v)}})

/* Starts the writing thread. Before it, and after log_close(), lines go straight to standard error.
 */
enum err log_open(enum log_level level, bool json) MUST_CHECK;
void log_close(void); /* writes out what is queued */
void log_set_level(enum log_level level);
uint64_t log_dropped(void);

/* event: snake_case, the same word for the same thing for ever ("wal_cut"). */
void log_line(enum log_level level, const char *event, const struct log_field *fields, size_t n);
#define LOG(level, event, ...)                                                                     \
    log_line(level, event, (struct log_field[]){__VA_ARGS__},                                      \
             sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
