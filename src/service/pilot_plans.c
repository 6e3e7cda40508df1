/* What one organisation is granted (see pilot_plans.h). */
#include "service/pilot_plans.h"

#include "base/buf.h"
#include "codec/json_write.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog_organizations.h"

#include <stdio.h>

enum { ID_TEXT = 24 };

static enum err note(struct sql_tx *tx, int64_t org, int64_t now_ns, const char *type,
                     const char *title, struct buf *metadata, const struct actor *actor)
{
    char id[ID_TEXT];
    int n = snprintf(id, sizeof id, "%lld", (long long)org);
    if (metadata->err) return metadata->err;
    const struct event_note event = {.type = type,
                                     .severity = EVENT_WARNING,
                                     .entity_type = "ORGANIZATION",
                                     .entity_id = bytes_of(id, (size_t)n),
                                     .title = title,
                                     .metadata = buf_bytes(metadata),
                                     .org = org};
    return event_service_append(tx, now_ns, actor, &event);
}

/* --- limits ------------------------------------------------------------------------------------*/

static enum err read_limits(struct pilot_plans *p, struct sql_tx *tx, int64_t org,
                            struct arena *arena, struct pilot_limits *ret)
{
    struct organization o;
    enum err e = catalog_organizations_find(tx, org, arena, &o);
    if (!e) e = limits_own(tx, org, ret->own);
    for (int i = 0; i < LIMITS && !e; i++)
        e = limits_find(p->limits, tx, org, (enum limit)i, &ret->effective[i]);
    return e;
}

enum err pilot_plans_limits(struct pilot_plans *p, int64_t org, struct arena *arena,
                            struct pilot_limits *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(p->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, read_limits(p, tx, org, arena, ret));
}

void pilot_plans_check(const struct pilot_limits_change *change, struct refusal *refusal)
{
    for (int i = 0; i < LIMITS; i++) {
        if (!change->set[i]) continue;
        if (i == LIMIT_ORGANIZATIONS)
            refusal_field(refusal, limit_member((enum limit)i), "is the installation's");
        else if (change->max[i] < 0 || change->max[i] > PILOT_PLAN_MAX)
            refusal_field(refusal, limit_member((enum limit)i),
                          "must be null (as the installation) or a whole number above 0");
    }
}

enum err pilot_plans_set_limits_in(struct pilot_plans *p, struct sql_tx *tx, int64_t org,
                                   const struct pilot_limits_change *change,
                                   const struct actor *actor)
{
    int64_t now = clock_wall_ns(p->clock);
    struct buf metadata;
    bool any = false;
    enum err e = ERR_OK;
    buf_init(&metadata, 4096);
    json_write_open(&metadata, '{');
    for (int i = 0; i < LIMITS && !e; i++) {
        if (!change->set[i]) continue;
        any = true;
        e = limits_set_own(tx, org, (enum limit)i, change->max[i], now);
        json_write_member_i64(&metadata, limit_member((enum limit)i), change->max[i]);
    }
    json_write_close(&metadata, '}');
    if (!e && any) e = note(tx, org, now, EVENT_LIMITS_CHANGED, "Limits changed", &metadata, actor);
    buf_done(&metadata);
    return e;
}

enum err pilot_plans_set_limits(struct pilot_plans *p, int64_t org,
                                const struct pilot_limits_change *change, const struct actor *actor,
                                struct arena *arena, struct pilot_limits *ret,
                                struct refusal *refusal)
{
    struct sql_tx *tx;
    struct organization o;
    pilot_plans_check(change, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(p->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_organizations_find(tx, org, arena, &o);
    if (!e) e = pilot_plans_set_limits_in(p, tx, org, change, actor);
    if (!e) e = read_limits(p, tx, org, arena, ret);
    e = sql_end(tx, e);
    if (!e && p->changed) p->changed(p->changed_ctx, org);
    return e;
}

/* --- features ----------------------------------------------------------------------------------*/

enum err pilot_plans_features(struct pilot_plans *p, int64_t org, struct arena *arena,
                              struct feature **ret, size_t *ret_n)
{
    struct sql_tx *tx;
    struct organization o;
    enum err e = sql_begin(p->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_organizations_find(tx, org, arena, &o);
    if (!e) e = features_list(p->features, tx, org, arena, ret, ret_n);
    return sql_end(tx, e);
}

enum err pilot_plans_feature(struct pilot_plans *p, int64_t org, struct bytes name, bool *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(p->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, features_is_on(p->features, tx, org, name, ret));
}

static enum err set_one(struct sql_tx *tx, int64_t org, const struct pilot_feature_change *c,
                        int64_t now_ns, struct buf *metadata)
{
    static const char *const words[] = {"off", "on", "as configured"};
    json_write_key_bytes(metadata, c->name);
    json_write_string(metadata, bytes_str(words[c->wish]));
    if (c->wish == PILOT_FEATURE_AS_CONFIGURED) return features_forget_own(tx, org, c->name);
    return features_set_own(tx, org, c->name, c->wish == PILOT_FEATURE_ON, now_ns);
}

static enum err set_features_in(struct pilot_plans *p, struct sql_tx *tx, int64_t org,
                                const struct pilot_feature_change *changes, size_t n,
                                const struct actor *actor, struct arena *arena,
                                struct refusal *refusal)
{
    int64_t now = clock_wall_ns(p->clock);
    struct organization o;
    struct feature *own;
    size_t owned = 0;
    struct buf metadata;
    enum err e = catalog_organizations_find(tx, org, arena, &o);
    buf_init(&metadata, 16 << 10);
    json_write_open(&metadata, '{');
    for (size_t i = 0; i < n && !e; i++) e = set_one(tx, org, &changes[i], now, &metadata);
    json_write_close(&metadata, '}');
    if (!e) e = features_own(tx, org, arena, &own, &owned);
    if (e == ERR_LIMIT)
        e = refusal_limit(refusal, "features-per-organization", FEATURES_OWN_MAX, FEATURES_OWN_MAX);
    if (!e && n)
        e = note(tx, org, now, EVENT_FEATURES_CHANGED, "Features changed", &metadata, actor);
    buf_done(&metadata);
    return e;
}

enum err pilot_plans_set_features(struct pilot_plans *p, int64_t org,
                                  const struct pilot_feature_change *changes, size_t n,
                                  const struct actor *actor, struct arena *arena,
                                  struct refusal *refusal)
{
    struct sql_tx *tx;
    for (size_t i = 0; i < n; i++)
        if (!features_is_name(changes[i].name))
            refusal_field(refusal, "features",
                          "names have 1 to 64 letters, digits, '-', '_' and '.'");
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(p->db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, set_features_in(p, tx, org, changes, n, actor, arena, refusal));
}
