#pragma once
/* service/auth_mail.h -- what the auth family writes to people: invitations and ways to a new
 * password, handed to auth_service_opts.send_mail inside the caller's transaction. Inside the auth
 * family only.   Threads: as the transaction.   Memory: the arena. */
#include "model/invitation.h"
#include "model/organization.h"
#include "model/user.h"
#include "service/auth_service.h"

/* The public address of this installation, path and token; p == NULL when the address is not
 * configured. */
struct bytes auth_mail_link(struct auth_service *s, const char *path, struct bytes token,
                            struct arena *a);
/* *ret_sent false: there is nobody to send it. */
enum err auth_mail_invitation(struct auth_service *s, struct sql_tx *tx, const struct invitation *i,
                              const struct organization *o, struct bytes url, struct bytes token,
                              struct arena *a, bool *ret_sent) MUST_CHECK;
/* After the commit of a transaction that wrote a letter. */
void auth_mail_committed(struct auth_service *s);
enum err auth_mail_reset(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                         struct bytes token, struct arena *a) MUST_CHECK;
