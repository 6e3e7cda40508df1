/* Tickets: 8 bytes of end in seconds, big endian, and 24 bytes of proof (see ticket.h). */
#include "security/ticket.h"

#include "base/err.h"
#include "codec/base64.h"

#include <sodium.h>

enum { END_BYTES = 8, PROOF_BYTES = 24, TICKET_BYTES = END_BYTES + PROOF_BYTES };

static void put_i64(uint8_t *to, int64_t v)
{
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
}

static int64_t get_i64(const uint8_t *from)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v = v << 8 | from[i];
    return (int64_t)v;
}

static void prove(struct bytes secret, int64_t subject, int64_t end_s, uint8_t ret[PROOF_BYTES])
{
    static const char purpose[] = "sensorvision ticket";
    uint8_t key[32], said[2 * 8];
    crypto_generichash(key, sizeof key, (const uint8_t *)secret.p, secret.n,
                       (const uint8_t *)purpose, sizeof purpose - 1);
    put_i64(said, subject);
    put_i64(said + 8, end_s);
    crypto_generichash(ret, PROOF_BYTES, said, sizeof said, key, sizeof key);
    sodium_memzero(key, sizeof key);
}

void ticket_make(struct bytes secret, int64_t subject, int64_t end_s, char ret[TICKET_TEXT + 1])
{
    uint8_t bytes[TICKET_BYTES];
    char text[(TICKET_BYTES + 2) / 3 * 4];
    put_i64(bytes, end_s);
    prove(secret, subject, end_s, bytes + END_BYTES);
    size_t n = base64_url_encode(bytes_of(bytes, sizeof bytes), text);
    bug_if(n != TICKET_TEXT);
    memcpy(ret, text, n);
    ret[n] = '\0';
}

bool ticket_check(struct bytes ticket, struct bytes secret, int64_t subject, int64_t now_s)
{
    uint8_t bytes[TICKET_BYTES], proof[PROOF_BYTES];
    size_t n = 0;
    if (ticket.n != TICKET_TEXT || base64_url_decode(ticket, bytes, sizeof bytes, &n)) return false;
    if (n != sizeof bytes) return false;
    int64_t end_s = get_i64(bytes);
    prove(secret, subject, end_s, proof);
    return sodium_memcmp(proof, bytes + END_BYTES, sizeof proof) == 0 && now_s < end_s;
}
