/* base64(SHA-1(key + GUID)) (see ws_handshake.h). SHA-1 is broken as a signature and is none here:
 * it only shows that the server speaks WebSocket, so sixty lines of it (FIPS 180-4) replace a
 * library. */
#include "net/ws_handshake.h"

#include "codec/base64.h"

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

enum { BLOCK = 64, DIGEST = 20 };

static uint32_t rotate(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static uint32_t choose(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t f = round < 20   ? (b & c) | (~b & d)
                 : round < 40 ? b ^ c ^ d
                 : round < 60 ? (b & c) | (b & d) | (c & d)
                              : b ^ c ^ d;
    return f + constants[round / 20];
}

static void hash_block(uint32_t h[5], const uint8_t block[BLOCK])
{
    uint32_t w[80];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate(a, 5) + choose(i, b, c, d) + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

/* n is at most two blocks less the padding: 119 bytes. */
static void sha1(const void *p, size_t n, uint8_t digest[DIGEST])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t padded[2 * BLOCK] = {0};
    size_t blocks = n + 9 > BLOCK ? 2 : 1;
    memcpy(padded, p, n);
    padded[n] = 0x80;
    uint64_t bits = (uint64_t)n * 8;
    for (unsigned i = 0; i < 8; i++) padded[blocks * BLOCK - 1 - i] = (uint8_t)(bits >> 8 * i);
    for (size_t i = 0; i < blocks; i++) hash_block(h, padded + i * BLOCK);
    for (unsigned i = 0; i < DIGEST; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
}

void ws_handshake_prove(const char key[WS_HANDSHAKE_KEY], char ret[WS_HANDSHAKE_PROOF])
{
    char text[WS_HANDSHAKE_KEY + sizeof guid - 1];
    uint8_t digest[DIGEST];
    memcpy(text, key, WS_HANDSHAKE_KEY);
    memcpy(text + WS_HANDSHAKE_KEY, guid, sizeof guid - 1);
    sha1(text, sizeof text, digest);
    base64_encode(bytes_of(digest, sizeof digest), ret);
}

bool ws_handshake_is_key(struct bytes key)
{
    uint8_t nonce[18];
    size_t n;
    return key.n == WS_HANDSHAKE_KEY && !base64_decode(key, nonce, sizeof nonce, &n) && n == 16;
}
