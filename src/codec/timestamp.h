#pragma once
/* codec/timestamp.h -- the instants of contract §3: text or number -> nanoseconds since 1970 UTC,
 * and back. Every field is validated (months, leap years, 24:00 and second 60 are refused with a
 * reason). The range is that of int64: 1677-09-21T00:12:43.145224193Z to
 * 2262-04-11T23:47:16.854775807Z.
 * Threads: any.   Memory: nothing is kept. */
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

/* RFC 3339 with any offset, or none (= UTC); 'T', 't' or one blank between date and time; seconds,
 * or the whole time of day, may be missing; more than 9 digits of a fraction are cut; or a number
 * as timestamp_from_number(). Blanks at both ends are left out. */
enum err timestamp_parse(struct bytes text, int64_t *ret_ns, struct why *why) MUST_CHECK;
/* The same, and tells whether the text named its offset (a number always does). Without one *ret_ns
 * is the wall-clock reading as if it were UTC, for callers with a time zone of their own. */
enum err timestamp_parse_zoned(struct bytes text, int64_t *ret_ns, bool *ret_zoned,
                               struct why *why) MUST_CHECK;

/* Decimal text by magnitude: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds,
 * else nanoseconds. Fractions and exponents are exact; what is below a nanosecond is cut. */
enum err timestamp_from_number(struct bytes text, int64_t *ret_ns, struct why *why) MUST_CHECK;

/* strptime for imports: %Y (4 digits) %y (two, 1970-2069) %m %d %H %M %S (one or two digits) %f
 * (1-9 digits of a fraction) %z (Z, +hh, +hhmm, +hh:mm) %b (Jan ...) %I with %p (AM, PM) %s (number
 * by magnitude) %%; a blank matches blanks; everything else itself. Date fields default to
 * 1970-01-01, the time to 00:00:00. ERR_IMPOSSIBLE: the format itself is not understood. */
enum err timestamp_parse_format(struct bytes text, const char *format, int64_t *ret_ns,
                                bool *ret_zoned, struct why *why) MUST_CHECK;

enum { TIMESTAMP_TEXT_MAX = 30 };
/* RFC 3339 Z with 3, 6 or 9 digits, as many as needed, no NUL. Returns 24, 27 or 30, the length. */
size_t timestamp_format(int64_t ns, char out[TIMESTAMP_TEXT_MAX]);

/* Days since 1970-01-01 of a proleptic Gregorian date that is already known to be valid. */
int64_t timestamp_days(int64_t year, unsigned month, unsigned day);
