#pragma once
/* store/postgres/postgres_peers.h -- who the other nodes are, and how much of what each tells has
 * been heard. A pure value.
 *
 *   met (hello, welcome) ── page 8, 9, 10 … ──┬── left (its last page is 10: nothing is missing)
 *                                             └── gone without a word: mourned, until the database
 *                                                 has ended the last of its connections
 *
 * Threads: owner only. */
#include "store/nodes.h"

enum { POSTGRES_PEER_ID = 20 };

struct postgres_peer {
    char id[POSTGRES_PEER_ID]; /* "": none */
    uint64_t heard;            /* number of its last page */
    bool left;
};

struct postgres_peers {
    struct postgres_peer peers[NODES_MAX + 1]; /* by number; 0: one that was never met */
    char mourned[NODES_MAX][POSTGRES_PEER_ID];
    size_t mourned_count;
};

/* `heard`: of what it told before, everything is known otherwise. */
void postgres_peers_meet(struct postgres_peers *p, unsigned number, const char *id, uint64_t heard);
bool postgres_peers_know(const struct postgres_peers *p, unsigned number);
bool postgres_peers_met(struct postgres_peers *p, const char *id);

enum postgres_page { POSTGRES_PAGE_NEXT, POSTGRES_PAGE_AGAIN, POSTGRES_PAGE_GAP };
/* GAP: it is to be taken, but others before it are missing. */
enum postgres_page postgres_peers_page(struct postgres_peers *p, const char *id, uint64_t number);
/* It leaves; false: pages up to `last` are missing. */
bool postgres_peers_leave(struct postgres_peers *p, const char *id, uint64_t last);
/* Who is there: bit number - 1. */
void postgres_peers_present(struct postgres_peers *p, uint64_t there);
/* The i-th of the mourned is in peace. */
void postgres_peers_forget(struct postgres_peers *p, size_t i);
