/* All hours of a series (see copy_hours.h). */
#include "store/copy_hours.h"

#include "base/mem.h"

#include <math.h>

enum { ROOM_FIRST = 1024, ROOM_MAX = 1 << 22 }; /* 478 years */

enum err copy_hours_read(struct copy_hours *h, struct telemetry *t, const struct scan_range *range)
{
    for (;;) {
        enum err e = h->room ? telemetry_rollups(t, range, h->rows, h->room, &h->n) : ERR_TOOLARGE;
        if (e != ERR_TOOLARGE || h->room >= ROOM_MAX) return e;
        size_t room = h->room ? h->room * 4 : ROOM_FIRST;
        struct rollup *grown = mem_realloc(h->rows, room * sizeof *grown);
        if (!grown) return ERR_NOMEM;
        h->rows = grown;
        h->room = room;
    }
}

void copy_hours_done(struct copy_hours *h)
{
    mem_free(h->rows);
    *h = (struct copy_hours){NULL, 0, 0};
}

static bool is_near(double a, double b, double scale)
{
    return a == b || fabs(a - b) <= 1e-9 * scale; /* far above rounding, far below a lost point */
}

bool copy_hours_same(const struct rollup *a, const struct rollup *b)
{
    double reach = fmax(fabs(a->min), fabs(a->max)), n = (double)a->count;
    return a->hour_ns == b->hour_ns && a->count == b->count && a->min == b->min &&
           a->max == b->max && a->first == b->first && a->last == b->last &&
           a->first_ns == b->first_ns && a->last_ns == b->last_ns &&
           is_near(a->sum, b->sum, reach * n) && is_near(a->m2, b->m2, reach * reach * n);
}

bool copy_hours_equal(const struct copy_hours *a, const struct copy_hours *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (!copy_hours_same(&a->rows[i], &b->rows[i])) return false;
    return true;
}
