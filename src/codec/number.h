#pragma once
/* codec/number.h -- decimal text <-> double, exact both ways, whatever the locale.
 * Reading rounds to the nearest double, ties to even, for texts of any length: in a few nanoseconds
 * for up to 19 digits and exponents to 27, else with the C library's help. A number that would
 * become infinite is refused; one too small to be told from zero becomes zero. Writing gives a text
 * that reads back as the same double, and the shortest such (up to one digit more at some powers of
 * two).
 * Threads: any.   Memory: nothing is kept. */
#include "base/bytes.h"
#include "base/err.h"

/* Both read the longest number at *at and move *at behind it; what follows is the caller's
 * business. ERR_INVALID: no number starts here, *at stays. ERR_TOOLARGE: well formed but beyond
 * DBL_MAX, *at is moved and *ret untouched. */

/* RFC 8259, section 6: -0, 1, 1.5, 2e-3; neither +1, 01, .5 nor 1. */
enum err number_read_json(const char **at, const char *end, double *ret) MUST_CHECK;
/* Line protocol, CSV and numeric strings: a leading + or zeros, .5 and 1. are numbers, too. */
enum err number_read_loose(const char **at, const char *end, double *ret) MUST_CHECK;

/* The whole text, blanks at both ends left out, as a number in the loose grammar. Names like nan or
 * infinity and hexadecimal are ERR_INVALID. */
enum err number_parse(struct bytes text, double *ret) MUST_CHECK;

enum { NUMBER_TEXT_MAX = 32 };
/* Shortest text that round-trips, no NUL: 23.5, 100, -0.25, 1e+300; integers below 1e15 are plain.
 * Valid JSON for every finite value; NaN and infinities are a bug of the caller (bug_if). Minus
 * zero is
 * "-0". Returns the length. */
size_t number_format(double v, char out[NUMBER_TEXT_MAX]);
