/* The other nodes (see postgres_peers.h). */
#include "store/postgres/postgres_peers.h"

#include <stdio.h>

static void mourn(struct postgres_peers *p, struct postgres_peer *peer)
{
    if (peer->id[0] && !peer->left && p->mourned_count < NODES_MAX)
        memcpy(p->mourned[p->mourned_count++], peer->id, sizeof peer->id);
    *peer = (struct postgres_peer){.id = ""};
}

static void put(struct postgres_peer *peer, const char *id, uint64_t heard)
{
    *peer = (struct postgres_peer){.heard = heard};
    snprintf(peer->id, sizeof peer->id, "%s", id);
}

void postgres_peers_meet(struct postgres_peers *p, unsigned number, const char *id, uint64_t heard)
{
    struct postgres_peer *peer = &p->peers[number <= NODES_MAX ? number : 0];
    if (strcmp(peer->id, id) != 0) mourn(p, peer);
    if (!peer->id[0] || peer->heard < heard) put(peer, id, heard);
}

bool postgres_peers_know(const struct postgres_peers *p, unsigned number)
{
    return p->peers[number].id[0] != '\0';
}

static struct postgres_peer *find(struct postgres_peers *p, const char *id)
{
    for (unsigned i = 0; i <= NODES_MAX; i++)
        if (strcmp(p->peers[i].id, id) == 0) return &p->peers[i];
    return NULL;
}

bool postgres_peers_met(struct postgres_peers *p, const char *id)
{
    return find(p, id) != NULL;
}

enum postgres_page postgres_peers_page(struct postgres_peers *p, const char *id, uint64_t number)
{
    struct postgres_peer *peer = find(p, id);
    if (!peer) {
        put(&p->peers[0], id, number);
        return POSTGRES_PAGE_GAP;
    }
    if (number <= peer->heard) return POSTGRES_PAGE_AGAIN;
    bool next = number == peer->heard + 1;
    peer->heard = number;
    return next ? POSTGRES_PAGE_NEXT : POSTGRES_PAGE_GAP;
}

bool postgres_peers_leave(struct postgres_peers *p, const char *id, uint64_t last)
{
    struct postgres_peer *peer = find(p, id);
    if (!peer) return last == 0;
    peer->left = true;
    return peer->heard >= last;
}

void postgres_peers_present(struct postgres_peers *p, uint64_t there)
{
    for (unsigned i = 1; i <= NODES_MAX; i++)
        if (p->peers[i].id[0] && !(there >> (i - 1) & 1)) mourn(p, &p->peers[i]);
}

void postgres_peers_forget(struct postgres_peers *p, size_t i)
{
    p->mourned_count--;
    memmove(p->mourned[i], p->mourned[i + 1], (p->mourned_count - i) * sizeof p->mourned[0]);
}
