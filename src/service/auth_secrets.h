#pragma once
/* service/auth_secrets.h -- passwords that belong to a thing and not to a person (a shared
 * dashboard): the same gate before Argon2 and the same counting of failures as logins have.
 * Threads: any; every call blocks. */
#include "service/auth_service.h"

enum err auth_secrets_hash(struct auth_service *s, struct bytes plain,
                           char ret[PASSWORD_TEXT_MAX]) MUST_CHECK;
/* subject: what is guessed at, as text. ERR_UNAUTHENTICATED: it is another one. ERR_RATE: too many
 * failures of that subject from that address, or within a minute; refusal says for how long. */
enum err auth_secrets_verify(struct auth_service *s, struct bytes subject, struct bytes address,
                             struct bytes plain, struct bytes stored,
                             struct refusal *refusal) MUST_CHECK;
