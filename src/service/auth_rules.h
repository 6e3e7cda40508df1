#pragma once
/* service/auth_rules.h -- what names, addresses and passwords may look like. Every wrong field is
 * named.
 * Threads: any (values). */
#include "service/auth_accounts.h"

enum { AUTH_NAME_MIN = 3, AUTH_PERSON_NAME_MAX = 100 };

/* All fields of a registration; min_chars: of the password. */
void auth_rules_registration(const struct auth_registration *given, unsigned min_chars,
                             struct refusal *refusal);
/* field: how the answer calls it. */
void auth_rules_password(struct bytes password, unsigned min_chars, const char *field,
                         struct refusal *refusal);
void auth_rules_person_name(struct bytes name, const char *field, struct refusal *refusal);
/* A user name with '@' must be the own e-mail address: it could be somebody else's login
 * otherwise. */
bool auth_rules_is_email(struct bytes email);
/* UTF-8 text without control characters, at most max characters. */
bool auth_rules_is_text(struct bytes text, size_t max_chars);
