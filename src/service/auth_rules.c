/* Rules for what people type about themselves (see auth_rules.h). */
#include "service/auth_rules.h"

#include "security/password.h"

#include <stdio.h>

static size_t chars_of(struct bytes utf8)
{
    size_t n = 0;
    for (size_t i = 0; i < utf8.n; i++) n += ((uint8_t)utf8.p[i] & 0xC0) != 0x80;
    return n;
}

bool auth_rules_is_text(struct bytes text, size_t max_chars)
{
    if (!bytes_is_utf8(text) || chars_of(text) > max_chars) return false;
    for (size_t i = 0; i < text.n; i++) {
        if ((uint8_t)text.p[i] < ' ' || text.p[i] == 0x7F) return false;
    }
    return true;
}

static bool is_name_char(char c)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || (c && strchr("._+@-", c));
}

/* One '@' with something before it and a host name behind it; who owns it only a mail can tell. */
bool auth_rules_is_email(struct bytes email)
{
    struct bytes local, domain = bytes_cut(email, '@', &local);
    if (!domain.p || local.n == 0 || local.n > 64 || email.n > USER_EMAIL_MAX) return false;
    for (size_t i = 0; i < local.n; i++) {
        if (local.p[i] <= ' ' || strchr("<>()[],;:\\\"", local.p[i])) return false;
    }
    for (size_t i = 0; i < domain.n; i++) {
        char c = domain.p[i];
        if (!is_name_char(c) || strchr("_+@", c)) return false;
    }
    return domain.n > 0 && domain.p[0] != '.' && domain.p[domain.n - 1] != '.';
}

static void rule_username(const struct auth_registration *g, struct refusal *refusal)
{
    bool ok = true;
    for (size_t i = 0; i < g->username.n; i++) ok = ok && is_name_char(g->username.p[i]);
    if (g->username.n < AUTH_NAME_MIN || g->username.n > USER_NAME_MAX) {
        refusal_field(refusal, "username", "must have 3 to 100 characters");
    } else if (!ok) {
        refusal_field(refusal, "username", "may have letters, digits and . _ + @ - only");
    } else if (memchr(g->username.p, '@', g->username.n) &&
               !bytes_equal_nocase(g->username, g->email)) {
        refusal_field(refusal, "username", "may contain @ only when it is your e-mail address");
    }
}

void auth_rules_password(struct bytes password, unsigned min_chars, const char *field,
                         struct refusal *refusal)
{
    char why[64];
    if (password.n > PASSWORD_MAX_BYTES) {
        refusal_field(refusal, field, "may have 1024 bytes at most");
    } else if (!bytes_is_utf8(password)) {
        refusal_field(refusal, field, "must be UTF-8 text");
    } else if (chars_of(password) < min_chars) {
        snprintf(why, sizeof why, "must have %u characters at least", min_chars);
        refusal_field(refusal, field, why);
    }
}

void auth_rules_person_name(struct bytes name, const char *field, struct refusal *refusal)
{
    if (name.n && !auth_rules_is_text(name, AUTH_PERSON_NAME_MAX)) {
        refusal_field(refusal, field, "may have 100 printable characters at most");
    }
}

void auth_rules_registration(const struct auth_registration *given, unsigned min_chars,
                             struct refusal *refusal)
{
    rule_username(given, refusal);
    if (!auth_rules_is_email(given->email)) {
        refusal_field(refusal, "email", "must be an e-mail address");
    }
    auth_rules_password(given->password, min_chars, "password", refusal);
    auth_rules_person_name(given->first_name, "firstName", refusal);
    auth_rules_person_name(given->last_name, "lastName", refusal);
    struct bytes org = bytes_trim(given->organization);
    if (org.n && !auth_rules_is_text(org, ORGANIZATION_NAME_MAX)) {
        refusal_field(refusal, "organizationName", "may have 100 printable characters at most");
    }
}
