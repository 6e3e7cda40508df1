/* Which features are on (see features.h). */
#include "store/features.h"

#include "store/catalog_rows.h"

const char *const features_built[] = {
    "alerts",          "analytics",   "api-keys",    "commands",
    "dashboards",      "data-export", "data-import", "events",
    "feedback",        "fleet-rules", "live",        "mqtt",
    "notifications",   "rules",       "sharing",     "synthetic-variables",
    "tags-and-groups", NULL,
};

static bool lists(const char *const *list, struct bytes name)
{
    for (; list && *list; list++)
        if (bytes_is(name, *list)) return true;
    return false;
}

static bool by_configuration(const struct features *f, struct bytes name)
{
    const char *const *enabled = atomic_load(&f->enabled);
    if (lists(atomic_load(&f->disabled), name)) return false;
    return enabled && *enabled ? lists(enabled, name) : lists(features_built, name);
}

static bool all_are_on(const struct features *f)
{
    return f->limits && atomic_load(&f->limits->lifted);
}

bool features_is_configured(const struct features *f, struct bytes name)
{
    return all_are_on(f) || by_configuration(f, name);
}

enum err features_is_on(const struct features *f, struct sql_tx *tx, int64_t org, struct bytes name,
                        bool *ret)
{
    int64_t own = 0;
    if (all_are_on(f)) {
        *ret = true;
        return ERR_OK;
    }
    enum err e = catalog_rows_number(
        tx, "SELECT enabled FROM organization_features WHERE org = $1 AND feature = $2",
        SQL_ARGS(SQL_I(org), SQL_T(name)), &own);
    if (e && e != ERR_NOTFOUND) return e;
    *ret = e ? by_configuration(f, name) : own != 0;
    return ERR_OK;
}

static void read_feature(struct catalog_reader *r, void *item)
{
    struct feature *f = item;
    f->name = catalog_rows_text(r);
    f->enabled = catalog_rows_int(r) != 0;
}

enum err features_own(struct sql_tx *tx, int64_t org, struct arena *a, struct feature **ret,
                      size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(
        tx, "SELECT feature, enabled FROM organization_features WHERE org = $1 ORDER BY feature",
        SQL_ARGS(SQL_I(org)), a, read_feature, sizeof(struct feature), FEATURES_OWN_MAX, &items,
        ret_n);
    if (!e) *ret = items;
    return e;
}

/* One list: adds the names that are not there yet. */
static void add_names(const struct features *f, const char *const *names, struct feature *all,
                      size_t cap, size_t *n)
{
    for (; names && *names && *n < cap; names++) {
        struct bytes name = bytes_str(*names);
        size_t at = 0;
        while (at < *n && !bytes_equal(all[at].name, name)) at++;
        if (at < *n) continue;
        all[(*n)++] = (struct feature){name, features_is_configured(f, name)};
    }
}

static size_t length(const char *const *names)
{
    size_t n = 0;
    while (names && names[n]) n++;
    return n;
}

enum err features_list(const struct features *f, struct sql_tx *tx, int64_t org, struct arena *a,
                       struct feature **ret, size_t *ret_n)
{
    const char *const *enabled = atomic_load(&f->enabled), *const *disabled =
                                                               atomic_load(&f->disabled);
    struct feature *own = NULL;
    size_t n = 0;
    enum err e = features_own(tx, org, a, &own, &n);
    if (e) return e;
    size_t cap = n + length(features_built) + length(enabled) + length(disabled);
    struct feature *all = arena_array(a, cap, sizeof *all);
    if (!all) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) all[i] = (struct feature){own[i].name, own[i].enabled};
    for (size_t i = 0; i < n && all_are_on(f); i++) all[i].enabled = true;
    add_names(f, features_built, all, cap, &n);
    add_names(f, enabled, all, cap, &n);
    add_names(f, disabled, all, cap, &n);
    *ret = all;
    *ret_n = n;
    return ERR_OK;
}

enum err features_set_own(struct sql_tx *tx, int64_t org, struct bytes name, bool enabled,
                          int64_t now_ns)
{
    return sql_exec(tx,
                    "INSERT INTO organization_features (org, feature, enabled, updated_ns) "
                    "VALUES ($1, $2, $3, $4) ON CONFLICT (org, feature) DO UPDATE SET "
                    "enabled = excluded.enabled, updated_ns = excluded.updated_ns",
                    SQL_ARGS(SQL_I(org), SQL_T(name), SQL_I(enabled), SQL_I(now_ns)), NULL);
}

enum err features_forget_own(struct sql_tx *tx, int64_t org, struct bytes name)
{
    return sql_exec(tx, "DELETE FROM organization_features WHERE org = $1 AND feature = $2",
                    SQL_ARGS(SQL_I(org), SQL_T(name)), NULL);
}

bool features_is_name(struct bytes name)
{
    for (size_t i = 0; i < name.n; i++) {
        char ch = name.p[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
        if (!ok && ch != '-' && ch != '_' && ch != '.') return false;
    }
    return name.n > 0 && name.n <= FEATURE_NAME_MAX;
}
