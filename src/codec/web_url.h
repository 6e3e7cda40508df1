#pragma once
/* codec/web_url.h -- the address of somebody else's web server, as people type it into a form: an
 * absolute http or https URL, taken apart strictly. What two programs could read differently
 * (backslashes, blanks, user info, control characters) is refused instead of interpreted.
 * Threads: any (pure).   Memory: parts are borrowed from the text. */
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

enum { WEB_URL_MAX = 2048 };

struct web_url {
    bool secure;         /* https */
    struct bytes host;   /* without port; an IPv6 address without its brackets */
    struct bytes origin; /* "https://hooks.example.org:8443": what may be shown and logged */
    struct bytes rest;   /* path and query, may be empty; often a secret of the receiver's */
};
/* ERR_INVALID, with a reason for a person. */
enum err web_url_parse(struct bytes text, struct web_url *ret, struct why *why) MUST_CHECK;
/* The host is written as an address that is not public, or is a name of this machine. A name that
 * leads to such an address can only be found when it is resolved. */
bool web_url_is_inside(const struct web_url *u);
