/* What the parts of the take-over share (see legacy.h). */
#include "app/legacy.h"

#include "service/auth_rules.h"
#include "store/copy_tables.h"

static char claimed; /* any address */

struct legacy_org *legacy_find_org(struct legacy *l, int64_t id)
{
    uint64_t key = (uint64_t)id;
    return map_get(&l->orgs, map_u64(&key));
}

struct legacy_device *legacy_find_device(struct legacy *l, struct bytes uuid_text)
{
    struct uuid uuid;
    if (!uuid_parse(uuid_text, &uuid)) return NULL;
    return map_get(&l->devices, bytes_of(&uuid, sizeof uuid));
}

struct legacy_user *legacy_find_user(struct legacy *l, int64_t id)
{
    uint64_t key = (uint64_t)id;
    return map_get(&l->users, map_u64(&key));
}

struct legacy_rule *legacy_find_rule(struct legacy *l, struct bytes uuid_text)
{
    struct uuid uuid;
    if (!uuid_parse(uuid_text, &uuid)) return NULL;
    return map_get(&l->rules, bytes_of(&uuid, sizeof uuid));
}

enum err legacy_keep_rule(struct legacy *l, const struct legacy_rule *rule)
{
    struct legacy_rule *kept = arena_alloc(&l->arena, sizeof *kept);
    if (!kept) return ERR_NOMEM;
    *kept = *rule;
    kept->name = arena_copy(&l->arena, rule->name);
    kept->variable = arena_copy(&l->arena, rule->variable);
    if (!kept->name.p || (rule->variable.n && !kept->variable.p)) return ERR_NOMEM;
    return map_put(&l->rules, bytes_of(&kept->uuid, sizeof kept->uuid), kept);
}

bool legacy_claim(struct legacy *l, struct map *map, struct bytes key, enum err *e)
{
    if (map_get(map, key)) return false;
    struct bytes kept = arena_copy(&l->arena, key);
    *e = kept.p ? map_put(map, kept, &claimed) : ERR_NOMEM;
    return !*e;
}

enum err legacy_next_id(struct legacy *l, const char *table, int64_t id)
{
    if (id <= 1) return ERR_OK; /* the tables were empty */
    return copy_tables_set_last(l->target.store.db, l->tx, table, id - 1);
}

/* The bytes of the first max characters. */
static size_t cut_at(struct bytes text, size_t max)
{
    size_t n = 0, chars = 0;
    for (; n < text.n; n++)
        if (((uint8_t)text.p[n] & 0xC0) != 0x80 && ++chars > max) break;
    return n;
}

struct bytes legacy_text(struct legacy *l, struct bytes text, size_t max, enum legacy_kind kind,
                         const char *reason)
{
    if (!text.p || auth_rules_is_text(text, max)) return text;
    struct bytes kept = arena_copy(&l->arena, bytes_of(text.p, cut_at(text, max)));
    if (!kept.p) return kept;
    for (size_t i = 0; i < kept.n; i++)
        if ((uint8_t)kept.p[i] < ' ' || kept.p[i] == 0x7f) ((char *)kept.p)[i] = ' ';
    legacy_report_changed(&l->report, kind, reason, bytes_of(text.p, cut_at(text, 30)));
    return kept;
}
