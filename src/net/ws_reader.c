/* wslay's frame layer behind a pull interface (see ws_reader.h). */
#include "net/ws_reader.h"

#include "base/mem.h"

#include <wslay/wslay.h>

enum { CACHE_MAX = 8 };

struct ws_reader {
    wslay_frame_context_ptr wslay;
    struct bytes input;
    uint64_t fed, done;     /* bytes given to wslay; bytes of frames that are complete */
    uint64_t in_frame;      /* payload bytes of the current frame so far */
    bool inside;            /* between the first and the last piece of a frame */
    struct ws_reader *next; /* in the cache */
};

static ssize_t on_recv(uint8_t *to, size_t n, int flags, void *user)
{
    struct ws_reader *r = user;
    (void)flags;
    if (n > r->input.n) n = r->input.n;
    if (!n) return -1; /* wslay asks again when it is called again */
    memcpy(to, r->input.p, n);
    r->input = bytes_of(r->input.p + n, r->input.n - n);
    r->fed += n;
    return (ssize_t)n;
}

struct ws_reader *ws_reader_take(struct ws_reader_cache *cache)
{
    static const struct wslay_frame_callbacks callbacks = {.recv_callback = on_recv};
    struct ws_reader *r = cache->first;
    if (r) {
        cache->first = r->next;
        cache->count--;
        return r;
    }
    r = mem_zalloc(sizeof *r);
    if (!r) return NULL;
    if (!wslay_frame_context_init(&r->wslay, &callbacks, r)) return r;
    mem_free(r);
    return NULL;
}

static void free_reader(struct ws_reader *r)
{
    wslay_frame_context_free(r->wslay);
    mem_free(r);
}

void ws_reader_give(struct ws_reader_cache *cache, struct ws_reader *r, bool reusable)
{
    if (!r) return;
    if (!reusable || cache->count == CACHE_MAX) {
        free_reader(r);
        return;
    }
    r->next = cache->first;
    cache->first = r;
    cache->count++;
}

void ws_reader_free_all(struct ws_reader_cache *cache)
{
    while (cache->first) {
        struct ws_reader *r = cache->first;
        cache->first = r->next;
        free_reader(r);
    }
    cache->count = 0;
}

void ws_reader_feed(struct ws_reader *r, struct bytes input)
{
    r->input = input;
}

static uint64_t head_bytes(const struct wslay_frame_iocb *f)
{
    unsigned length = f->payload_length < 126 ? 0 : f->payload_length < 65536 ? 2 : 8;
    return 2 + length + (f->mask ? 4 : 0);
}

enum err ws_reader_next(struct ws_reader *r, struct ws_reader_piece *ret)
{
    struct wslay_frame_iocb f = {0};
    ssize_t n = wslay_frame_recv(r->wslay, &f);
    if (n == WSLAY_ERR_WANT_READ) return ERR_MORE;
    if (n < 0) return ERR_INVALID;
    r->in_frame += f.data_length;
    bool last = r->in_frame == f.payload_length;
    *ret = (struct ws_reader_piece){
        .first = !r->inside,
        .last = last,
        .fin = f.fin,
        .masked = f.mask,
        .reserved = f.rsv,
        .opcode = f.opcode,
        .payload_n = f.payload_length,
        .data = bytes_of(f.data, f.data_length),
    };
    r->inside = !last;
    if (last) {
        r->done += head_bytes(&f) + f.payload_length;
        r->in_frame = 0;
    }
    return ERR_OK;
}

bool ws_reader_at_boundary(const struct ws_reader *r)
{
    return !r->input.n && r->fed == r->done;
}
