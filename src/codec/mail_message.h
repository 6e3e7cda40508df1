#pragma once
/* codec/mail_message.h -- a plain text mail as RFC 5322 wants it: 7-bit clean whatever is in it.
 * No value can add a header: whatever is not printable ASCII goes into encoded words (RFC 2047), of
 * which control characters are taken out first; addresses that could are refused; the text is
 * quoted-printable (RFC 2045).   Pure.   Threads: any.   Memory: the caller's buffer. */
#include "base/buf.h"

#include <stdbool.h>

struct mail_message {
    struct bytes from; /* "alerts@example.org" or "Name <alerts@example.org>" */
    struct bytes to;   /* an address */
    struct bytes subject, text;
    struct bytes id; /* of the delivery: the same at every attempt */
    int64_t date_s;  /* since 1970 */
};

/* One address of printable ASCII, without quotes, blanks and whatever has a meaning in headers. */
bool mail_message_is_address(struct bytes a);
/* The address in "Name <address>", or all of it; p == NULL when there is no good one. */
struct bytes mail_message_address_of(struct bytes from);
/* Appends the whole message, lines ending in CR LF. ERR_INVALID: an address is none. */
enum err mail_message_write(struct buf *out, const struct mail_message *m) MUST_CHECK;
