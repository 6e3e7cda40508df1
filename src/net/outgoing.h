#pragma once
/* net/outgoing.h -- what the server sends to others by itself: one HTTP request, one mail. libcurl
 * does it; a call blocks until there is an answer, the time is over or *stop is set.
 *
 * O1  with public_only no byte goes to an address that is not public: the address is checked when
 *     the socket is made, after the name was resolved and for each address that is tried, so a name
 *     that changes its mind (DNS rebinding) gains nothing. Redirects are never followed; a proxy of
 *     the environment is never used.
 * O2  of the answer only the status counts; 64 KiB of a body are read at most.
 * Threads: any; blocks on the network.   Memory: borrowed for the call. */
#include "base/bytes.h"

#include <stdatomic.h>

enum outgoing_end {
    OUTGOING_ANSWERED, /* status says how */
    OUTGOING_REFUSED,  /* by us: the address is not public (O1) */
    OUTGOING_FAILED,   /* no answer; why says why */
};
struct outgoing_result {
    enum outgoing_end end;
    int status;            /* HTTP or SMTP; 0 without one */
    bool final;            /* SMTP said no to this very mail, for ever */
    int64_t retry_after_s; /* 0: not said */
    char why[160];         /* never a path, a query or a credential */
};

struct outgoing_post {
    const char *url;
    const char *const *headers; /* "Name: value", ends with NULL */
    struct bytes body;
    bool public_only;
    int64_t timeout_ns;
    const atomic_bool *stop; /* may be NULL */
};
void outgoing_post(const struct outgoing_post *request, struct outgoing_result *ret);

enum outgoing_tls { OUTGOING_TLS_REQUIRED, OUTGOING_TLS_IF_OFFERED, OUTGOING_TLS_NEVER };
struct outgoing_mail {
    const char *host;
    int port; /* 465: TLS from the first byte */
    enum outgoing_tls tls;
    const char *ca_file;             /* PEM; "" = the system's */
    const char *username, *password; /* "" = none */
    const char *from, *to;           /* bare addresses */
    struct bytes message;            /* as mail_message_write() makes it */
    int64_t timeout_ns;
    const atomic_bool *stop;
};
void outgoing_mail(const struct outgoing_mail *mail, struct outgoing_result *ret);
