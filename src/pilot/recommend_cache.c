/* Caches: too small, their lifetimes too short or too long. */
#include "pilot/recommend_internal.h"

#include <math.h>

#define LOOKS_MIN    1000.0 /* in the window, to judge a cache */
#define LOW_HITS     0.8
#define NEARLY_FULL  0.9
#define EVICTED      0.2 /* of the misses */
#define EXPIRED      0.5 /* of the misses */
#define UNREAD_HITS  0.05
#define LARGE_SHARE  0.3
#define LIFE_LONGEST 86400.0

static double ratio_of(const struct evidence_cache *c)
{
    return c->hits / (c->hits + c->misses);
}

static void add_looks(struct recommendation *rec, const struct evidence_cache *c)
{
    recommend_figure(rec, "hitRatioPercent", ratio_of(c) * 100);
    recommend_figure(rec, "hits", c->hits);
    recommend_figure(rec, "misses", c->misses);
}

/* Full, and what is thrown out is asked for again. */
void recommend_cache_small(struct report *r, const struct evidence *e)
{
    double evictions = 0, misses = 0, saved_ms = 0;
    if (!(e->cache_bytes >= NEARLY_FULL * e->cache_max_bytes)) return;
    for (size_t i = 0; i < e->cache_count; i++) {
        const struct evidence_cache *c = &e->caches[i];
        evictions += c->evictions;
        misses += c->misses;
        double again = fmin(c->evictions, c->misses);
        if (c->source_ms > 0) saved_ms += again * c->source_ms;
    }
    if (!(misses >= LOOKS_MIN) || !(evictions >= EVICTED * misses)) return;
    struct recommendation *rec = recommend_add(r, BYTES("cache-small"));
    if (!rec) return;
    rec->category = "cache";
    rec->priority = RECOMMEND_MEDIUM;
    rec->title = BYTES("The caches are too small");
    rec->description = recommend_text(
        r, "They are full, and %.0f entries were thrown out while %.0f look-ups found nothing.",
        evictions, misses);
    rec->gain = saved_ms / e->window_s;
    rec->gain_unit = "ms/s";
    rec->impact = recommend_text(
        r, "at most %.3g ms of reading in every second saved, for %.3g MB more memory", rec->gain,
        e->cache_max_bytes / 1e6);
    rec->effort = "low";
    recommend_figure(rec, "cacheBytes", e->cache_bytes);
    recommend_figure(rec, "cacheMaxBytes", e->cache_max_bytes);
    recommend_figure(rec, "evictions", evictions);
    recommend_figure(rec, "misses", misses);
    rec->key = "cache.max-bytes";
    rec->value = recommend_text(r, "%.0f", e->cache_max_bytes * 2);
}

static void say_short(struct report *r, const struct evidence *e, const struct evidence_cache *c)
{
    double looks = c->hits + c->misses, to = c->life_s * 2;
    if (!(looks >= LOOKS_MIN) || !(ratio_of(c) < LOW_HITS)) return;
    if (!(c->expired >= EXPIRED * c->misses) || !(to <= LIFE_LONGEST)) return;
    struct recommendation *rec = recommend_add(r, recommend_text(r, "ttl-short:%s", c->name));
    if (!rec) return;
    rec->category = "cache";
    rec->priority = RECOMMEND_LOW;
    rec->title = recommend_text(r, "Entries of %s end too soon", c->name);
    rec->description = recommend_text(
        r,
        "%.0f of %.0f look-ups that found nothing asked for an entry that had ended after %.0f s.",
        c->expired, c->misses, c->life_s);
    rec->gain = c->expired / 2 * (c->source_ms > 0 ? c->source_ms : 0) / e->window_s;
    rec->gain_unit = "ms/s";
    rec->impact = recommend_text(r, "about %.0f of %.0f reads of the source fewer in %.0f s",
                                 c->expired / 2, c->misses, e->window_s);
    rec->effort = "none";
    add_looks(rec, c);
    recommend_figure(rec, "expired", c->expired);
    recommend_figure(rec, "lifetimeSeconds", c->life_s);
    rec->key = c->ttl_key;
    rec->value = recommend_text(r, "%.0fs", to);
}

void recommend_cache_short(struct report *r, const struct evidence *e)
{
    for (size_t i = 0; i < e->cache_count; i++) say_short(r, e, &e->caches[i]);
}

static void say_long(struct report *r, const struct evidence *e, const struct evidence_cache *c)
{
    double looks = c->hits + c->misses, to = floor(c->life_s / 2);
    if (!(looks >= LOOKS_MIN) || !(c->hits <= UNREAD_HITS * looks) || to < 1) return;
    if (!(c->bytes >= LARGE_SHARE * e->cache_max_bytes)) return;
    struct recommendation *rec = recommend_add(r, recommend_text(r, "ttl-long:%s", c->name));
    if (!rec) return;
    rec->category = "cache";
    rec->priority = RECOMMEND_LOW;
    rec->title = recommend_text(r, "Entries of %s are kept too long", c->name);
    rec->description = recommend_text(
        r,
        "%.0f entries take %.3g MB, and only %.1f %% of the look-ups found one: most are never "
        "read again in their %.0f s.",
        c->entries, c->bytes / 1e6, ratio_of(c) * 100, c->life_s);
    rec->gain = c->bytes / 2;
    rec->gain_unit = "bytes";
    rec->impact = recommend_text(r, "about %.3g MB for the other caches", rec->gain / 1e6);
    rec->effort = "none";
    add_looks(rec, c);
    recommend_figure(rec, "bytes", c->bytes);
    recommend_figure(rec, "lifetimeSeconds", c->life_s);
    rec->key = c->ttl_key;
    rec->value = recommend_text(r, "%.0fs", to);
}

void recommend_cache_long(struct report *r, const struct evidence *e)
{
    for (size_t i = 0; i < e->cache_count; i++) say_long(r, e, &e->caches[i]);
}
