#pragma once
/* api/users_json.h -- people as JSON, and the pieces of bodies that are about them.
 * Threads: the call's.   Memory: borrowed for the call. */
#include "api/api.h"
#include "service/auth_users.h"

/* for_admin: with createdAt, lastLoginAt, and of a deleted one deletedAt, restorableUntil. */
void users_json_write(struct buf *b, const struct user *u, const struct organization *o,
                      bool for_admin);
/* "roles":["ROLE_USER",…] */
void users_json_roles(struct buf *b, unsigned roles);
/* "avatarUrl":…,"avatarVersion":… */
void users_json_avatar(struct buf *b, const struct user *u);
/* Members `roles` (names) or `role` (one), with or without "ROLE_": false when neither is there;
 * wrong ones add to the errors. */
bool users_json_read_roles(struct api_fields *f, unsigned *ret);
/* Whom the caller administers. */
struct auth_reach users_json_reach(const struct api_call *c);
/* The organisation a request is about: one's own, or for an installation's administrator the one
 * in the query's organizationId. False: answered with 404. */
bool users_json_organization(struct api_call *c, int64_t *ret);
