/* The table of what is cached of the catalog (see cached_catalog.h). */
#include "query/cached_catalog.h"

#include "cache/generations.h"
#include "store/sql_watch.h"

#define DEVICES       CACHED_CATALOG_DEVICES
#define QUOTAS        CACHED_CATALOG_QUOTAS
#define ORGANIZATIONS CACHED_CATALOG_ORGANIZATIONS
#define USERS         CACHED_CATALOG_USERS

/* Quiet columns are in no cached answer: lastSeenAt comes from the registry, the state of a token
 * and the presence that was told last are shown by nobody, failed logins are counted elsewhere. */
static const struct sql_watch_rule rules[] = {
    {"devices", "org", DEVICES | QUOTAS, false, {"last_seen_ns", "presence", "token_used_ns"}},
    {"labels", "org", DEVICES, false, {NULL}},
    {"device_labels", "org", DEVICES, true, {NULL}},
    {"users", "org", USERS | ORGANIZATIONS | QUOTAS, false, {"last_failed_ns", "failed_logins"}},
    /* a user's answer names the organisation; whose a new one is, its row says only afterwards */
    {"organizations", "id", ORGANIZATIONS | USERS | QUOTAS, false, {NULL}},
    {"organization_limits", "org", QUOTAS, false, {NULL}},
    {"dashboards", "org", QUOTAS, true, {NULL}},
    {"rules", "org", QUOTAS, true, {NULL}},
    {"fleet_rules", "org", QUOTAS, true, {NULL}},
};

uint32_t cached_catalog_slot(int64_t org)
{
    return generations_slot(org, 0, 0);
}

static void end(struct cache *c, unsigned subjects, int64_t org,
                void (*one)(struct cache *, enum cache_id, uint32_t),
                void (*all)(struct cache *, enum cache_id))
{
    for (int i = 0; i < CACHE_IDS; i++) {
        enum cache_id id = (enum cache_id)i;
        if (!(subjects & (1u << i))) continue;
        if (!org) {
            all(c, id);
            continue;
        }
        one(c, id, cached_catalog_slot(org));
        one(c, id, cached_catalog_slot(0));
    }
}

static void note(void *ctx, unsigned subjects, int64_t org)
{
    end(ctx, subjects, org, cache_changed, cache_changed_all);
}

unsigned cached_catalog_subjects(struct bytes table)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (bytes_is(table, rules[i].table)) return rules[i].subjects;
    return 0;
}

void cached_catalog_heard(struct cache *c, unsigned subjects, int64_t org)
{
    end(c, subjects, org, cache_heard, cache_heard_all);
}

enum err cached_catalog_new(struct sql_db **ret, struct sql_db *below)
{
    return sql_watch_new(ret, below, rules, sizeof rules / sizeof *rules);
}

void cached_catalog_use(struct sql_db *db, struct cache *c)
{
    sql_watch_listen(db, note, c);
}
