/* Sliding medians (see synthetic_median.h). */
#include "rules/synthetic_median.h"

#include "base/clock.h"
#include "base/mem.h"

struct synthetic_median {
    int64_t span_ns;
    struct synthetic_budget *budget;
    struct sample *ring; /* cap of them */
    double *sorted;
    size_t first, n, cap;
    int64_t t_ns;    /* where the window ends */
    int64_t lost_ns; /* the newest reading that had to go before its time; INT64_MIN: none */
};

enum { BYTES_EACH = sizeof(struct sample) + sizeof(double), CAP_FIRST = 16 };

enum err synthetic_median_new(struct synthetic_median **ret, int64_t span_ns,
                              struct synthetic_budget *budget)
{
    struct synthetic_median *m;
    if (budget->used_bytes + sizeof *m > budget->max_bytes) return ERR_LIMIT;
    if (!(m = mem_zalloc(sizeof *m))) return ERR_NOMEM;
    budget->used_bytes += sizeof *m;
    m->span_ns = span_ns;
    m->budget = budget;
    m->t_ns = m->lost_ns = INT64_MIN;
    *ret = m;
    return ERR_OK;
}

void synthetic_median_free(struct synthetic_median *m)
{
    if (!m) return;
    m->budget->used_bytes -= sizeof *m + m->cap * BYTES_EACH;
    mem_free(m->ring);
    mem_free(m->sorted);
    mem_free(m);
}

static struct sample *at(const struct synthetic_median *m, size_t i)
{
    return &m->ring[(m->first + i) % m->cap];
}

/* The first place whose value is not below v. */
static size_t place(const struct synthetic_median *m, double v)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->sorted[middle] < v)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void sort_in(struct synthetic_median *m, double v)
{
    size_t i = place(m, v);
    memmove(m->sorted + i + 1, m->sorted + i, (m->n - i) * sizeof *m->sorted);
    m->sorted[i] = v;
}

static void sort_out(struct synthetic_median *m, double v)
{
    size_t i = place(m, v);
    memmove(m->sorted + i, m->sorted + i + 1, (m->n - i - 1) * sizeof *m->sorted);
}

static void drop_first(struct synthetic_median *m)
{
    sort_out(m, at(m, 0)->value);
    m->first = (m->first + 1) % m->cap;
    m->n--;
}

static enum err make_room(struct synthetic_median *m)
{
    size_t cap = m->cap ? m->cap * 2 : CAP_FIRST;
    if (cap > MEDIAN_READINGS) cap = MEDIAN_READINGS;
    size_t more = (cap - m->cap) * BYTES_EACH;
    if (m->budget->used_bytes + more > m->budget->max_bytes) return ERR_LIMIT;
    struct sample *ring = mem_array(cap, sizeof *ring);
    double *sorted = mem_array(cap, sizeof *sorted);
    if (!ring || !sorted) {
        mem_free(ring);
        mem_free(sorted);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < m->n; i++) ring[i] = *at(m, i);
    if (m->n) memcpy(sorted, m->sorted, m->n * sizeof *sorted);
    mem_free(m->ring);
    mem_free(m->sorted);
    m->budget->used_bytes += more;
    m->ring = ring;
    m->sorted = sorted;
    m->first = 0;
    m->cap = cap;
    return ERR_OK;
}

void synthetic_median_move(struct synthetic_median *m, int64_t t_ns)
{
    m->t_ns = t_ns;
    while (m->n && at(m, 0)->ts_ns <= clock_add(t_ns, -m->span_ns)) drop_first(m);
}

enum err synthetic_median_add(struct synthetic_median *m, struct sample s)
{
    synthetic_median_move(m, s.ts_ns);
    if (m->n && at(m, m->n - 1)->ts_ns == s.ts_ns) {
        sort_out(m, at(m, m->n - 1)->value);
        m->n--;
    } else if (m->n == MEDIAN_READINGS) {
        m->lost_ns = at(m, 0)->ts_ns;
        drop_first(m);
    } else if (m->n == m->cap) {
        enum err e = make_room(m);
        if (e) return e;
    }
    sort_in(m, s.value);
    m->n++;
    *at(m, m->n - 1) = s;
    return ERR_OK;
}

bool synthetic_median_read(const struct synthetic_median *m, double *ret)
{
    bool whole = m->lost_ns == INT64_MIN || m->lost_ns <= clock_add(m->t_ns, -m->span_ns);
    if (!m->n || !whole) return false;
    double high = m->sorted[m->n / 2];
    *ret = m->n % 2 ? high : m->sorted[m->n / 2 - 1] / 2 + high / 2;
    return true;
}
