/* Gathering rollup rows (see rollup_rows.h). */
#include "store/embedded/rollup_rows.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static enum err reserve(struct rollup_list *l, size_t n)
{
    if (l->count + n <= l->room) return ERR_OK;
    size_t room = l->room * 2 > l->count + n ? l->room * 2 : l->count + n;
    struct block_rollup_row *grown = mem_realloc(l->rows, room * sizeof *grown);
    if (!grown) return ERR_NOMEM;
    l->rows = grown;
    l->room = room;
    return ERR_OK;
}

enum err rollup_list_add(struct rollup_list *l, const struct block_rollup_row *rows, size_t n)
{
    enum err e = reserve(l, n);
    if (e) return e;
    memcpy(l->rows + l->count, rows, n * sizeof *rows);
    l->count += n;
    return ERR_OK;
}

enum err rollup_list_add_block(struct rollup_list *l, const struct segment *s,
                               const struct segment_block *b)
{
    struct block_rollup_head head;
    char *bytes = mem_alloc(b->length);
    if (!bytes) return ERR_NOMEM;
    enum err e = segment_read(s, b, bytes);
    if (e == ERR_END) e = ERR_CORRUPT; /* the file is shorter than its index says */
    if (!e) e = block_rollup_open(bytes_of(bytes, b->length), &head);
    if (!e && (head.org != b->org || head.device != b->device)) e = ERR_CORRUPT;
    if (!e) e = reserve(l, head.rows);
    if (!e) e = block_rollup_read(bytes_of(bytes, b->length), l->rows + l->count);
    if (!e) l->count += head.rows;
    mem_free(bytes);
    return e;
}

static bool less(const struct block_rollup_row *a, const struct block_rollup_row *b)
{
    if (a->series != b->series) return a->series < b->series;
    return a->rollup.hour_ns < b->rollup.hour_ns;
}

/* Stable: runs are merged bottom up; what is in order already is not moved. */
static void sort(struct block_rollup_row *rows, size_t n, struct block_rollup_row *scratch)
{
    for (size_t width = 1; width < n; width *= 2)
        for (size_t at = 0; at + width < n; at += 2 * width) {
            struct block_rollup_row *a = rows + at;
            size_t end = n - at < 2 * width ? n - at : 2 * width;
            if (!less(&a[width], &a[width - 1])) continue;
            memcpy(scratch, a, width * sizeof *a);
            size_t left = 0, right = width, to = 0;
            while (left < width && right < end)
                a[to++] = less(&a[right], &scratch[left]) ? a[right++] : scratch[left++];
            memcpy(a + to, scratch + left, (width - left) * sizeof *a);
        }
}

enum err rollup_list_order(struct rollup_list *l)
{
    struct block_rollup_row *scratch = mem_alloc(l->count * sizeof *scratch);
    if (!scratch) return ERR_NOMEM;
    sort(l->rows, l->count, scratch);
    mem_free(scratch);
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (kept && !less(&l->rows[kept - 1], &l->rows[i])) kept--;
        l->rows[kept++] = l->rows[i];
    }
    l->count = kept;
    return ERR_OK;
}

void rollup_list_done(struct rollup_list *l)
{
    mem_free(l->rows);
    *l = (struct rollup_list){0};
}

/* Drops rows that nobody asked for. */
static void filter(struct rollup_list *l, int64_t series, int64_t from_ns, int64_t to_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct block_rollup_row *row = &l->rows[i];
        if (series && row->series != series) continue;
        if (row->rollup.hour_ns < from_ns || row->rollup.hour_ns >= to_ns) continue;
        l->rows[kept++] = *row;
    }
    l->count = kept;
}

/* Adds the wanted rows of one block. */
static enum err add_wanted(struct rollup_list *l, const struct view_file *f,
                           const struct segment_block *b, const struct segment_block *key,
                           int64_t series)
{
    if (b->max_ns < key->min_ns || b->min_ns >= key->max_ns) return ERR_OK;
    size_t at = l->count;
    enum err e = rollup_list_add_block(l, f->segment, b);
    if (e) return e;
    struct rollup_list added = {l->rows + at, l->count - at, 0};
    filter(&added, series, key->min_ns, key->max_ns);
    l->count = at + added.count;
    return ERR_OK;
}

static enum err add_file(struct rollup_list *l, const struct view *v, const struct view_file *f,
                         const struct segment_block *key, int64_t series)
{
    size_t n = 0;
    const struct segment_block **blocks;
    if (view_is_purged(v, key->org, key->device, f->id)) return ERR_OK;
    enum err e = view_device_blocks(f, key->org, key->device, &blocks, &n);
    for (size_t i = 0; i < n && !e; i++) e = add_wanted(l, f, blocks[i], key, series);
    mem_free(blocks);
    return e;
}

enum err rollup_rows_load(struct rollup_rows *ret, const struct view *v, int64_t org,
                          int64_t device, int64_t series, int64_t from_ns, int64_t to_ns)
{
    struct rollup_list l = {0};
    struct segment_block key = {.org = org, .device = device, .min_ns = from_ns, .max_ns = to_ns};
    struct manifest_cutoff cutoff = view_cutoff(v, org);
    enum err e = ERR_OK;
    if (key.min_ns < view_rollup_floor(&cutoff)) key.min_ns = view_rollup_floor(&cutoff);
    for (size_t i = 0; i < v->manifest.file_count && !e; i++)
        if (view_file_kind(v->files[i]) == SEGMENT_ROLLUP)
            e = add_file(&l, v, v->files[i], &key, series);
    if (!e) e = rollup_list_order(&l);
    if (e) {
        rollup_list_done(&l);
        return e;
    }
    *ret = (struct rollup_rows){l.rows, l.count};
    return ERR_OK;
}

void rollup_rows_done(struct rollup_rows *r)
{
    mem_free(r->rows);
    *r = (struct rollup_rows){0};
}

const struct rollup *rollup_rows_find(const struct rollup_rows *r, int64_t series, int64_t hour_ns)
{
    const struct block_rollup_row key = {.series = series, .rollup.hour_ns = hour_ns};
    size_t low = 0, n = r->count;
    while (n) {
        size_t half = n / 2;
        if (less(&r->rows[low + half], &key)) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low < r->count && !less(&key, &r->rows[low]) ? &r->rows[low].rollup : NULL;
}
