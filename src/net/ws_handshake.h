#pragma once
/* net/ws_handshake.h -- inside: the proof of a WebSocket server (RFC 6455, 4.2.2). Threads: any. */
#include "base/bytes.h"

enum { WS_HANDSHAKE_KEY = 24, WS_HANDSHAKE_PROOF = 28 };

/* The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key. */
void ws_handshake_prove(const char key[WS_HANDSHAKE_KEY], char ret[WS_HANDSHAKE_PROOF]);
/* Is it the base64 text of 16 bytes? */
bool ws_handshake_is_key(struct bytes key);
