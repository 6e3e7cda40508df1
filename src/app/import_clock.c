/* Times of recordings (see import_read.h): a format of its own, and a zone for times without
 * one. */
#include "app/import_read.h"

#include "base/clock.h"
#include "codec/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Z, UTC, +01:00, +0100, -05. */
static bool parse_offset(const char *zone, int64_t *ret_ns)
{
    unsigned hours = 0, minutes = 0;
    int end = 0;
    *ret_ns = 0;
    if (strcmp(zone, "Z") == 0 || strcmp(zone, "UTC") == 0) return true;
    if (zone[0] != '+' && zone[0] != '-') return false;
    bool full = sscanf(zone + 1, "%2u:%2u%n", &hours, &minutes, &end) == 2 && !zone[1 + end];
    if (!full) full = sscanf(zone + 1, "%2u%2u%n", &hours, &minutes, &end) == 2 && !zone[1 + end];
    if (!full) full = sscanf(zone + 1, "%2u%n", &hours, &end) == 1 && !zone[1 + end];
    if (!full || hours > 18 || minutes > 59) return false;
    *ret_ns = (int64_t)(hours * 60 + minutes) * NS_PER_MINUTE * (zone[0] == '-' ? -1 : 1);
    return true;
}

/* A name of the system's time zone data; the process then lives in that zone. */
static bool use_named_zone(const char *zone)
{
    char path[300];
    if (strstr(zone, "..") || zone[0] == '/' || strlen(zone) > 200) return false;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone);
    if (access(path, R_OK) != 0) return false;
    setenv("TZ", zone, 1);
    tzset();
    return true;
}

enum err import_clock_init(struct import_clock *c, const struct import_opts *opts, struct why *why)
{
    *c = (struct import_clock){.format = opts->time_format};
    if (!opts->zone || parse_offset(opts->zone, &c->offset_ns)) return ERR_OK;
    c->named_zone = use_named_zone(opts->zone);
    if (c->named_zone) return ERR_OK;
    return why_say(why, ERR_INVALID,
                   "--zone %.60s: it takes Z, +01:00, or a name such as Europe/Paris", opts->zone);
}

/* A reading of the wall clock in the named zone, as UTC. */
static int64_t from_named_zone(int64_t wall_ns)
{
    int64_t second = wall_ns / NS_PER_S, fraction = wall_ns % NS_PER_S;
    if (fraction < 0) {
        fraction += NS_PER_S;
        second--;
    }
    time_t t = (time_t)second;
    struct tm tm;
    gmtime_r(&t, &tm);
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * NS_PER_S + fraction;
}

enum err import_clock_read(const struct import_clock *c, struct bytes text, int64_t *ret_ns,
                           struct why *why)
{
    int64_t ns = 0;
    bool zoned = true;
    enum err e = c->format ? timestamp_parse_format(text, c->format, &ns, &zoned, why)
                           : timestamp_parse_zoned(text, &ns, &zoned, why);
    if (e) return e;
    *ret_ns = zoned ? ns : c->named_zone ? from_named_zone(ns) : ns - c->offset_ns;
    return ERR_OK;
}
