#pragma once
/* service/dashboard_shares.h -- links that show a dashboard to somebody without an account; part of
 * the family of dashboard_service.h.
 *
 *   make ──> token, shown once        open (password) ──> ticket, good for 12 hours
 *   view (token, ticket) ──> the dashboard with its widgets, read only
 *
 * Y1  only a hash of the token is stored. A token that is unknown, revoked or over is ERR_NOTFOUND,
 *     one like the other.
 * Y2  a revoked or ended link shows nothing from the answer on: every view reads the catalog.
 * Y3  wrong passwords are counted by link and address as logins are, and each is an event.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "security/ticket.h"
#include "security/tokens.h"
#include "service/dashboard_service.h"

enum { DASHBOARD_SHARES_PASSWORD_MIN = 8 }; /* characters: the token is the other secret */

struct share_request {
    struct bytes name;     /* may be absent */
    struct bytes password; /* p == NULL: none */
    int64_t expires_ns;    /* 0 = never */
};
/* ERR_LIMIT at DASHBOARD_SHARES. */
enum err dashboard_shares_create(struct dashboard_service *s, const struct actor *actor,
                                 int64_t dashboard, const struct share_request *given,
                                 struct arena *arena, struct dashboard_share *ret,
                                 char ret_token[TOKENS_RANDOM_TEXT + 1],
                                 struct refusal *refusal) MUST_CHECK;
enum err dashboard_shares_list(struct dashboard_service *s, int64_t org, int64_t dashboard,
                               struct arena *arena, struct dashboard_share **ret,
                               size_t *ret_n) MUST_CHECK;
enum err dashboard_shares_revoke(struct dashboard_service *s, const struct actor *actor,
                                 int64_t dashboard, int64_t share, struct arena *arena,
                                 struct refusal *refusal) MUST_CHECK;

/* --- visitors --------------------------------------------------------------------------------- */

struct share_ticket {
    char text[TICKET_TEXT + 1]; /* "" when the link has no password: nothing has to be shown */
    int64_t expires_ns;
};
/* ERR_UNAUTHENTICATED: another password. ERR_RATE: too many of them. */
enum err dashboard_shares_open(struct dashboard_service *s, struct bytes token,
                               struct bytes password, const struct actor *actor,
                               struct arena *arena, struct share_ticket *ret,
                               struct refusal *refusal) MUST_CHECK;
/* ERR_UNAUTHENTICATED: the link has a password, and the ticket is none of it or is over. */
enum err dashboard_shares_view(struct dashboard_service *s, struct bytes token, struct bytes ticket,
                               struct arena *arena, struct dashboard *ret,
                               struct dashboard_share *ret_share,
                               struct refusal *refusal) MUST_CHECK;
