/* Passwords of the earlier platform (see bcrypt.h). */
#include "security/bcrypt.h"

#include "base/mem.h"

#include <crypt.h>
#include <sodium.h>

enum { PLAIN_MAX = 1024 };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '/';
}

/* "$2b$10$" and 53 letters of its own base64 */
bool bcrypt_is(struct bytes stored)
{
    uint64_t cost;
    if (stored.n != BCRYPT_TEXT || memcmp(stored.p, "$2", 2) != 0) return false;
    if (!strchr("aby", stored.p[2]) || stored.p[3] != '$' || stored.p[6] != '$') return false;
    if (!bytes_to_u64(bytes_of(stored.p + 4, 2), &cost)) return false;
    for (size_t i = 7; i < stored.n; i++)
        if (!is_letter(stored.p[i])) return false;
    return cost >= 4 && cost <= BCRYPT_COST_MAX;
}

enum err bcrypt_verify(struct bytes plain, struct bytes stored)
{
    char key[PLAIN_MAX + 1], text[BCRYPT_TEXT + 1];
    bool fits =
        bcrypt_is(stored) && plain.n <= PLAIN_MAX && (!plain.n || !memchr(plain.p, 0, plain.n));
    if (!fits) return ERR_UNAUTHENTICATED;
    struct crypt_data *data = mem_zalloc(sizeof *data);
    if (!data) return ERR_NOMEM;
    if (plain.n) memcpy(key, plain.p, plain.n);
    key[plain.n] = 0;
    memcpy(text, stored.p, BCRYPT_TEXT);
    text[BCRYPT_TEXT] = 0;
    const char *made = crypt_r(key, text, data);
    bool same = made && strlen(made) == BCRYPT_TEXT && sodium_memcmp(made, text, BCRYPT_TEXT) == 0;
    sodium_memzero(key, sizeof key);
    sodium_memzero(data, sizeof *data);
    mem_free(data);
    return same ? ERR_OK : ERR_UNAUTHENTICATED;
}
