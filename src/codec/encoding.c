/* gzip and zstd (see encoding.h). Output grows in steps, so that a bomb is met at its bound and not
 * after it was unpacked. zlib asks our allocator; zstd has no public way to. */
#include "codec/encoding.h"

#include "base/mem.h"

#include <zlib.h>
#include <zstd.h>

enum {
    STEP = 32 * 1024,       /* output room asked for at once */
    RATIO_FREE = 64 * 1024, /* a small text of blanks is no bomb */
    GZIP_LEVEL = 4,
    ZSTD_LEVEL = 3,
    ZSTD_WINDOW_LOG_MAX = 23, /* 8 MiB: what RFC 8878 asks every decoder to take */
    GZIP_WINDOW = 15 + 16,    /* 32 KiB, with the gzip wrapper */
};

const char *encoding_name(enum encoding e)
{
    static const char *const names[] = {"identity", "gzip", "zstd"};
    return names[e];
}

enum err encoding_parse(struct bytes content_encoding, enum encoding *ret)
{
    struct bytes name = bytes_trim(content_encoding);
    if (!name.n || bytes_equal_nocase(name, BYTES("identity")))
        *ret = ENCODING_IDENTITY;
    else if (bytes_equal_nocase(name, BYTES("gzip")) || bytes_equal_nocase(name, BYTES("x-gzip")))
        *ret = ENCODING_GZIP;
    else if (bytes_equal_nocase(name, BYTES("zstd")))
        *ret = ENCODING_ZSTD;
    else
        return ERR_UNSUPPORTED;
    return ERR_OK;
}

/* "gzip;q=0.5": false when the weight is zero in any spelling. */
static bool wanted(struct bytes parameters)
{
    while (parameters.p) {
        struct bytes one;
        parameters = bytes_cut(parameters, ';', &one);
        one = bytes_trim(one);
        if (one.n < 3 || (one.p[0] != 'q' && one.p[0] != 'Q') || one.p[1] != '=') continue;
        for (size_t i = 2; i < one.n; i++)
            if (one.p[i] >= '1' && one.p[i] <= '9') return true;
        return false;
    }
    return true;
}

enum encoding encoding_choose(struct bytes accept_encoding)
{
    bool gzip = false, zstd = false;
    while (accept_encoding.p) {
        struct bytes item, name;
        accept_encoding = bytes_cut(accept_encoding, ',', &item);
        struct bytes parameters = bytes_cut(item, ';', &name);
        name = bytes_trim(name);
        if (bytes_equal_nocase(name, BYTES("gzip"))) gzip = wanted(parameters);
        if (bytes_equal_nocase(name, BYTES("zstd"))) zstd = wanted(parameters);
    }
    return zstd ? ENCODING_ZSTD : gzip ? ENCODING_GZIP : ENCODING_IDENTITY;
}

/* How many bytes a body of `n` compressed ones may become. */
static size_t inflated_bound(size_t n)
{
    size_t by_ratio = n > ENCODING_INFLATED_MAX / ENCODING_RATIO_MAX ? ENCODING_INFLATED_MAX
                                                                     : n * ENCODING_RATIO_MAX;
    if (by_ratio < RATIO_FREE) by_ratio = RATIO_FREE;
    return by_ratio < ENCODING_INFLATED_MAX ? by_ratio : ENCODING_INFLATED_MAX;
}

/* Room for the next step of output: a byte more than the bound allows, so that going past it shows.
 */
static char *room(struct buf *out, size_t made, size_t bound, size_t *ret_n)
{
    size_t n = bound - made + 1;
    if (n > STEP) n = STEP;
    if (n > out->max - out->n) n = out->max - out->n + (out->max == out->n);
    *ret_n = n;
    return buf_reserve(out, n);
}

static voidpf zlib_alloc(voidpf ctx, uInt count, uInt size)
{
    (void)ctx;
    return mem_array(count, size);
}

static void zlib_free(voidpf ctx, voidpf p)
{
    (void)ctx;
    mem_free(p);
}

static enum err inflate_gzip(struct bytes in, struct buf *out, size_t bound)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK) return ERR_NOMEM;
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (uInt)in.n;
    enum err e = ERR_MORE;
    size_t made = 0;
    while (e == ERR_MORE) {
        size_t n;
        char *to = room(out, made, bound, &n);
        if (!to) {
            e = out->err;
            break;
        }
        z.next_out = (Bytef *)to;
        z.avail_out = (uInt)n;
        int r = inflate(&z, Z_NO_FLUSH);
        made += n - z.avail_out;
        buf_advance(out, n - z.avail_out);
        if (made > bound)
            e = ERR_TOOLARGE;
        else if (r == Z_STREAM_END)
            e = z.avail_in ? ERR_INVALID : ERR_OK;
        else if (r == Z_MEM_ERROR)
            e = ERR_NOMEM;
        else if (r != Z_OK)
            e = ERR_INVALID; /* Z_BUF_ERROR: the input ended early */
    }
    inflateEnd(&z);
    return e;
}

static enum err inflate_zstd(struct bytes in, struct buf *out, size_t bound)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    if (!z) return ERR_NOMEM;
    ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    ZSTD_inBuffer input = {in.p, in.n, 0};
    enum err e = ERR_MORE;
    size_t made = 0;
    while (e == ERR_MORE) {
        size_t n;
        char *to = room(out, made, bound, &n);
        if (!to) {
            e = out->err;
            break;
        }
        ZSTD_outBuffer output = {to, n, 0};
        size_t left = ZSTD_decompressStream(z, &output, &input);
        made += output.pos;
        buf_advance(out, output.pos);
        if (ZSTD_isError(left))
            e = ERR_INVALID;
        else if (made > bound)
            e = ERR_TOOLARGE;
        else if (left == 0)
            e = input.pos < input.size ? ERR_INVALID : ERR_OK;
        else if (input.pos == input.size && output.pos < n)
            e = ERR_INVALID; /* the input ended early */
    }
    ZSTD_freeDCtx(z);
    return e;
}

enum err encoding_inflate(enum encoding e, struct bytes in, struct buf *out)
{
    if (in.n > ENCODING_INFLATED_MAX) return ERR_TOOLARGE;
    size_t bound = inflated_bound(in.n);
    switch (e) {
    case ENCODING_GZIP:
        return inflate_gzip(in, out, bound);
    case ENCODING_ZSTD:
        return inflate_zstd(in, out, bound);
    default:
        buf_add_bytes(out, in);
        return out->err;
    }
}

static enum err deflate_gzip(struct bytes in, struct buf *out)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return ERR_NOMEM;
    size_t n = deflateBound(&z, in.n);
    char *to = n > UINT32_MAX ? NULL : buf_reserve(out, n);
    enum err e = to ? ERR_OK : out->err ? out->err : ERR_TOOLARGE;
    if (to) {
        z.next_in = (Bytef *)(uintptr_t)in.p;
        z.avail_in = (uInt)in.n;
        z.next_out = (Bytef *)to;
        z.avail_out = (uInt)n;
        bug_if(deflate(&z, Z_FINISH) != Z_STREAM_END); /* the bound is zlib's own */
        buf_advance(out, n - z.avail_out);
    }
    deflateEnd(&z);
    return e;
}

static enum err deflate_zstd(struct bytes in, struct buf *out)
{
    size_t n = ZSTD_compressBound(in.n);
    char *to = buf_reserve(out, n);
    if (!to) return out->err;
    size_t made = ZSTD_compress(to, n, in.p, in.n, ZSTD_LEVEL);
    if (ZSTD_isError(made)) return ERR_NOMEM;
    buf_advance(out, made);
    return ERR_OK;
}

enum err encoding_deflate(enum encoding e, struct bytes in, struct buf *out)
{
    switch (e) {
    case ENCODING_GZIP:
        return deflate_gzip(in, out);
    case ENCODING_ZSTD:
        return deflate_zstd(in, out);
    default:
        buf_add_bytes(out, in);
        return out->err;
    }
}
