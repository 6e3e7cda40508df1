/* CSV: reading in one window and through growing windows gives the same rows. The first byte is the
 * step by which windows grow. */
#include "codec/csv.h"

/* All rows of `text`; fields end in 0x1f, rows in 0x1e, bad rows are 0x1d. */
static void read_all(struct bytes text, size_t step, struct buf *out)
{
    struct csv_reader r;
    csv_init(&r, NULL);
    size_t from = 0, to = step < text.n ? step : text.n;
    for (;;) {
        const struct bytes *fields;
        size_t used = 0, n;
        enum err e = csv_read(&r, bytes_of(text.p + from, to - from), to == text.n, &used, &fields,
                              &n, NULL);
        if (e == ERR_END || e == ERR_TOOLARGE) break;
        if (e == ERR_MORE) {
            bug_if(to == text.n);
            to = text.n - to < step ? text.n : to + step;
            continue;
        }
        bug_if(used > to - from || (!used && from < text.n));
        from += used;
        for (size_t i = 0; !e && i < n; i++) {
            buf_add_bytes(out, fields[i]);
            buf_add_char(out, 0x1f);
        }
        buf_add_char(out, e ? 0x1d : 0x1e);
    }
    csv_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (!n || n > 20000) return 0;
    struct buf whole, pieces;
    buf_init(&whole, 1 << 22);
    buf_init(&pieces, 1 << 22);
    struct bytes body = bytes_of(p + 1, n - 1);
    read_all(body, body.n, &whole);
    read_all(body, n > 2000 ? 512 : p[0] % 16 + 1u, &pieces);
    bug_if(!bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
