/* The disk: when it is full, and what keeping everything costs. */
#include "pilot/recommend_internal.h"

#define DAYS_SOON  30.0
#define DAYS_VERY  7.0
#define FREE_LEAST 0.1 /* of the disk */
#define COST_SHARE 0.5 /* of what the store takes */

void recommend_storage_full(struct report *r, const struct evidence *e)
{
    double days = e->disk_free_bytes / e->store_growth_per_day;
    bool full = e->disk_free_bytes < FREE_LEAST / 5 * e->disk_total_bytes;
    if (!full && !(e->store_growth_per_day > 0 && days < DAYS_SOON)) return;
    struct recommendation *rec = recommend_add(r, BYTES("disk-full"));
    if (!rec) return;
    struct bytes free = recommend_bytes(r, e->disk_free_bytes);
    rec->category = "storage";
    rec->priority = full || days < DAYS_VERY ? RECOMMEND_HIGH : RECOMMEND_MEDIUM;
    rec->gain_unit = "days";
    rec->effort = "medium";
    recommend_figure(rec, "freeBytes", e->disk_free_bytes);
    recommend_figure(rec, "totalBytes", e->disk_total_bytes);
    if (!(e->store_growth_per_day > 0)) {
        rec->title = BYTES("The disk is nearly full");
        rec->description = recommend_text(r, "%.*s are left.", (int)free.n, free.p);
        rec->impact = BYTES("without room nothing can be made durable, and nothing is taken");
        return;
    }
    struct bytes growth = recommend_bytes(r, e->store_growth_per_day);
    rec->title = recommend_text(r, "The disk is full in %.0f days", days);
    rec->description = recommend_text(r, "%.*s are left, and the store grows by %.*s a day.",
                                      (int)free.n, free.p, (int)growth.n, growth.p);
    rec->gain = DAYS_SOON - days;
    rec->impact = recommend_text(
        r, "without room nothing is taken; half the growth gives %.0f days", days * 2);
    recommend_figure(rec, "growthBytesPerDay", e->store_growth_per_day);
    recommend_figure(rec, "days", days);
}

static void say_cost(struct report *r, const struct evidence *e,
                     const struct evidence_organization *o)
{
    if (o->retention_days > 0 || !(o->bytes >= e->retention_cost_bytes)) return;
    if (!(o->bytes >= COST_SHARE * e->store_bytes)) return;
    struct recommendation *rec =
        recommend_add(r, recommend_text(r, "retention-cost:%lld", (long long)o->id));
    if (!rec) return;
    struct bytes size = recommend_bytes(r, o->bytes);
    rec->category = "storage";
    rec->priority = RECOMMEND_LOW;
    rec->title = recommend_text(r, "%.*s keeps everything for ever", (int)o->name.n, o->name.p);
    rec->description = recommend_text(
        r,
        "About %.*s, %.0f %% of the store, are its own. Hourly sums outlive the readings they "
        "were made of.",
        (int)size.n, size.p, o->bytes / e->store_bytes * 100);
    rec->gain = o->bytes;
    rec->gain_unit = "bytes";
    rec->impact =
        recommend_text(r, "up to %.*s of disk with an end to raw readings", (int)size.n, size.p);
    rec->effort = "low";
    recommend_figure(rec, "bytes", o->bytes);
    recommend_figure(rec, "storeBytes", e->store_bytes);
}

void recommend_storage_retention(struct report *r, const struct evidence *e)
{
    for (size_t i = 0; i < e->organization_count; i++) say_cost(r, e, &e->organizations[i]);
}
