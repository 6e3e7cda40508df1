/* The devices (see catalog_devices.h). */
#include "store/catalog_devices.h"

#include "store/catalog_commands.h"
#include "store/catalog_labels.h"
#include "store/catalog_rows.h"
#include "store/catalog_rules.h"
#include "store/catalog_synthetics.h"

#define COLUMNS                                                                                    \
    "id, org, uuid, external_id, name, description, location, sensor_type, firmware_version, "     \
    "properties, active, latitude, longitude, altitude, last_seen_ns, provisioned_by, "            \
    "token_hash IS NOT NULL, token_display, token_created_ns, token_used_ns, created_ns, "         \
    "updated_ns, deleted_ns, located_ns"
#define SELECT "SELECT " COLUMNS " FROM devices WHERE "

static void read_device(struct catalog_reader *r, void *item)
{
    struct device *d = item;
    d->id = catalog_rows_int(r);
    d->org = catalog_rows_int(r);
    catalog_rows_blob(r, d->uuid.b, sizeof d->uuid.b);
    d->external_id = catalog_rows_text(r);
    d->name = catalog_rows_text(r);
    d->description = catalog_rows_text(r);
    d->location = catalog_rows_text(r);
    d->sensor_type = catalog_rows_text(r);
    d->firmware_version = catalog_rows_text(r);
    d->properties = catalog_rows_text(r);
    d->active = catalog_rows_int(r) != 0;
    d->latitude = catalog_rows_real(r);
    d->longitude = catalog_rows_real(r);
    d->altitude = catalog_rows_real(r);
    d->last_seen_ns = catalog_rows_int(r);
    d->provisioned_by = catalog_rows_int(r);
    d->has_token = catalog_rows_int(r) != 0;
    d->token_display = catalog_rows_text(r);
    d->token_created_ns = catalog_rows_int(r);
    d->token_used_ns = catalog_rows_int(r);
    d->created_ns = catalog_rows_int(r);
    d->updated_ns = catalog_rows_int(r);
    d->deleted_ns = catalog_rows_int(r);
    d->located_ns = catalog_rows_int(r);
}

static struct sql_value uuid_value(const struct uuid *u)
{
    return SQL_B(bytes_of(u->b, sizeof u->b));
}

static struct sql_value token_value(const uint8_t *hash)
{
    return hash ? SQL_B(bytes_of(hash, DEVICE_TOKEN_HASH)) : SQL_NULL;
}

enum err catalog_devices_insert(struct sql_tx *tx, struct device *d,
                                const uint8_t token_hash[DEVICE_TOKEN_HASH])
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO devices (org, uuid, external_id, name, description, active, location, "
        "sensor_type, firmware_version, properties, latitude, longitude, altitude, last_seen_ns, "
        "provisioned_by, token_hash, token_display, token_created_ns, created_ns, updated_ns, "
        "located_ns) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
        "$19, $20, $21) RETURNING id",
        SQL_ARGS(SQL_I(d->org), uuid_value(&d->uuid), SQL_T(d->external_id),
                 catalog_rows_opt(d->name), catalog_rows_opt(d->description), SQL_I(d->active),
                 catalog_rows_opt(d->location), catalog_rows_opt(d->sensor_type),
                 catalog_rows_opt(d->firmware_version), catalog_rows_opt(d->properties),
                 catalog_rows_opt_real(d->latitude), catalog_rows_opt_real(d->longitude),
                 catalog_rows_opt_real(d->altitude), SQL_I(d->last_seen_ns),
                 SQL_I(d->provisioned_by), token_value(token_hash),
                 catalog_rows_opt(d->token_display), SQL_I(d->token_created_ns),
                 SQL_I(d->created_ns), SQL_I(d->updated_ns), SQL_I(d->located_ns)),
        &d->id);
}

enum err catalog_devices_find(struct sql_tx *tx, int64_t org, int64_t device, struct arena *a,
                              struct device *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND id = $2 AND deleted_ns = 0",
                            SQL_ARGS(SQL_I(org), SQL_I(device)), a, read_device, ret, sizeof *ret);
}

enum err catalog_devices_find_external(struct sql_tx *tx, int64_t org, struct bytes external_id,
                                       struct arena *a, struct device *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND external_id = $2 AND deleted_ns = 0",
                            SQL_ARGS(SQL_I(org), SQL_T(external_id)), a, read_device, ret,
                            sizeof *ret);
}

enum err catalog_devices_find_uuid(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                   struct arena *a, struct device *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND uuid = $2 AND deleted_ns = 0",
                            SQL_ARGS(SQL_I(org), uuid_value(uuid)), a, read_device, ret,
                            sizeof *ret);
}

enum err catalog_devices_find_deleted(struct sql_tx *tx, int64_t org,
                                      struct bytes external_id_or_uuid, struct arena *a,
                                      struct device *ret)
{
    struct uuid uuid;
    enum err e = catalog_rows_one(tx,
                                  SELECT "org = $1 AND external_id = $2 AND deleted_ns <> 0 "
                                         "ORDER BY deleted_ns DESC, id DESC LIMIT 1",
                                  SQL_ARGS(SQL_I(org), SQL_T(external_id_or_uuid)), a, read_device,
                                  ret, sizeof *ret);
    if (e != ERR_NOTFOUND || !uuid_parse(external_id_or_uuid, &uuid)) return e;
    return catalog_rows_one(tx, SELECT "org = $1 AND uuid = $2 AND deleted_ns <> 0",
                            SQL_ARGS(SQL_I(org), uuid_value(&uuid)), a, read_device, ret,
                            sizeof *ret);
}

enum err catalog_devices_update(struct sql_tx *tx, const struct device *d)
{
    return catalog_rows_change(
        tx,
        "UPDATE devices SET name = $1, description = $2, active = $3, location = $4, "
        "sensor_type = $5, firmware_version = $6, properties = $7, latitude = $8, longitude = $9, "
        "altitude = $10, updated_ns = $11, located_ns = $12 WHERE org = $13 AND id = $14 "
        "AND deleted_ns = 0",
        SQL_ARGS(catalog_rows_opt(d->name), catalog_rows_opt(d->description), SQL_I(d->active),
                 catalog_rows_opt(d->location), catalog_rows_opt(d->sensor_type),
                 catalog_rows_opt(d->firmware_version), catalog_rows_opt(d->properties),
                 catalog_rows_opt_real(d->latitude), catalog_rows_opt_real(d->longitude),
                 catalog_rows_opt_real(d->altitude), SQL_I(d->updated_ns), SQL_I(d->located_ns),
                 SQL_I(d->org), SQL_I(d->id)));
}

enum err catalog_devices_set_properties(struct sql_tx *tx, const struct device *d)
{
    return catalog_rows_change(
        tx,
        "UPDATE devices SET location = $1, sensor_type = $2, firmware_version = $3, "
        "properties = $4, updated_ns = $5 WHERE org = $6 AND id = $7 AND deleted_ns = 0",
        SQL_ARGS(catalog_rows_opt(d->location), catalog_rows_opt(d->sensor_type),
                 catalog_rows_opt(d->firmware_version), catalog_rows_opt(d->properties),
                 SQL_I(d->updated_ns), SQL_I(d->org), SQL_I(d->id)));
}

enum err catalog_devices_set_token(struct sql_tx *tx, int64_t org, int64_t device,
                                   const uint8_t token_hash[DEVICE_TOKEN_HASH],
                                   struct bytes display, int64_t now_ns)
{
    return catalog_rows_change(
        tx,
        "UPDATE devices SET token_hash = $1, token_display = $2, token_created_ns = $3, "
        "token_used_ns = 0 WHERE org = $4 AND id = $5 AND deleted_ns = 0",
        SQL_ARGS(token_value(token_hash), token_hash ? catalog_rows_opt(display) : SQL_NULL,
                 SQL_I(token_hash ? now_ns : 0), SQL_I(org), SQL_I(device)));
}

enum err catalog_devices_touch_token(struct sql_tx *tx, int64_t org, int64_t device, int64_t now_ns)
{
    return catalog_rows_change(
        tx, "UPDATE devices SET token_used_ns = $1 WHERE org = $2 AND id = $3 AND deleted_ns = 0",
        SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(device)));
}

enum err catalog_devices_set_seen(struct sql_tx *tx, int64_t org, int64_t device, int64_t seen_ns)
{
    return sql_exec(tx,
                    "UPDATE devices SET last_seen_ns = $1 "
                    "WHERE org = $2 AND id = $3 AND last_seen_ns < $1",
                    SQL_ARGS(SQL_I(seen_ns), SQL_I(org), SQL_I(device)), NULL);
}

enum err catalog_devices_set_presence(struct sql_tx *tx, int64_t org, int64_t device, int presence)
{
    return catalog_rows_change(tx,
                               "UPDATE devices SET presence = $1 "
                               "WHERE org = $2 AND id = $3 AND deleted_ns = 0 AND presence <> $1",
                               SQL_ARGS(SQL_I(presence), SQL_I(org), SQL_I(device)));
}

enum err catalog_devices_delete(struct sql_tx *tx, int64_t org, int64_t device, int64_t now_ns)
{
    return catalog_rows_change(
        tx,
        "UPDATE devices SET deleted_ns = $1, token_hash = NULL, token_display = NULL, "
        "token_created_ns = 0 WHERE org = $2 AND id = $3 AND deleted_ns = 0",
        SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(device)));
}

enum err catalog_devices_delete_all(struct sql_tx *tx, int64_t org, int64_t now_ns)
{
    return sql_exec(tx, "UPDATE devices SET deleted_ns = $1 WHERE org = $2 AND deleted_ns = 0",
                    SQL_ARGS(SQL_I(now_ns), SQL_I(org)), NULL);
}

enum err catalog_devices_restore_all(struct sql_tx *tx, int64_t org, int64_t deleted_ns,
                                     int64_t now_ns)
{
    return sql_exec(tx,
                    "UPDATE devices SET deleted_ns = 0, updated_ns = $1 "
                    "WHERE org = $2 AND deleted_ns = $3",
                    SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(deleted_ns)), NULL);
}

enum err catalog_devices_restore(struct sql_tx *tx, int64_t org, int64_t device, int64_t now_ns)
{
    int64_t taken;
    enum err e = catalog_rows_number(
        tx,
        "SELECT count(*) FROM devices d JOIN devices other ON other.org = d.org "
        "AND other.external_id = d.external_id AND other.deleted_ns = 0 "
        "WHERE d.org = $1 AND d.id = $2 AND d.deleted_ns <> 0",
        SQL_ARGS(SQL_I(org), SQL_I(device)), &taken);
    if (e) return e;
    if (taken) return ERR_EXISTS; /* found by looking, so the transaction can go on */
    return catalog_rows_change(tx,
                               "UPDATE devices SET deleted_ns = 0, updated_ns = $1 "
                               "WHERE org = $2 AND id = $3 AND deleted_ns <> 0",
                               SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(device)));
}

enum err catalog_devices_purge(struct sql_tx *tx, int64_t org, int64_t device)
{
    enum err e = catalog_commands_purge_device(tx, org, device);
    if (!e) e = catalog_labels_purge_device(tx, org, device);
    if (!e) e = catalog_rules_purge_device(tx, org, device);
    if (!e) e = catalog_synthetics_purge_device(tx, org, device);
    if (!e)
        e = sql_exec(tx,
                     "DELETE FROM variables WHERE org = $1 AND device = $2 AND EXISTS (SELECT "
                     "1 FROM devices d WHERE d.org = $1 AND d.id = $2 AND d.deleted_ns <> 0)",
                     SQL_ARGS(SQL_I(org), SQL_I(device)), NULL);
    if (e) return e;
    return catalog_rows_change(tx,
                               "DELETE FROM devices WHERE org = $1 AND id = $2 AND deleted_ns <> 0",
                               SQL_ARGS(SQL_I(org), SQL_I(device)));
}

enum err catalog_devices_list_purgeable(struct sql_tx *tx, int64_t before_ns,
                                        struct device_key *ret, size_t cap, size_t *ret_n)
{
    struct sql_cursor *c;
    struct sql_row row;
    size_t n = 0;
    enum err e = sql_query(tx,
                           "SELECT org, id FROM devices WHERE deleted_ns <> 0 AND deleted_ns < $1 "
                           "ORDER BY deleted_ns, id LIMIT $2",
                           SQL_ARGS(SQL_I(before_ns), SQL_I((int64_t)cap)), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row)))
        ret[n++] = (struct device_key){row.columns[0].as.i, row.columns[1].as.i};
    sql_finish(c);
    if (e != ERR_END) return e;
    *ret_n = n;
    return ERR_OK;
}

enum err catalog_devices_count(struct sql_tx *tx, int64_t org, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM devices WHERE org = $1 AND deleted_ns = 0",
                               SQL_ARGS(SQL_I(org)), ret);
}

enum err catalog_devices_list(struct sql_tx *tx, int64_t org, const struct device_filter *filter,
                              const struct catalog_page *page, struct arena *a, struct device **ret,
                              struct catalog_listing *ret_listing, struct why *why)
{
    static const struct catalog_sort sorts[] = {
        {"id", "id"},
        {"name", "lower(coalesce(name, external_id))"},
        {"externalId", "external_id"},
        {"createdAt", "created_ns"},
        {"updatedAt", "updated_ns"},
        {"lastSeenAt", "last_seen_ns"},
        {"location", "lower(coalesce(location, ''))"},
        {"sensorType", "lower(coalesce(sensor_type, ''))"},
        {"active", "active"},
        {"deletedAt", "deleted_ns"},
    };
    static const struct catalog_list list = {COLUMNS,
                                             "devices",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             false,
                                             read_device,
                                             sizeof(struct device)};
    struct catalog_where where = {0};
    void *items;
    if (filter->deleted_after_ns) {
        catalog_rows_where(&where, "org = ?", SQL_I(org));
        catalog_rows_where(&where, "deleted_ns <> 0 AND deleted_ns > ?",
                           SQL_I(filter->deleted_after_ns));
    } else {
        catalog_rows_where(&where, "org = ? AND deleted_ns = 0", SQL_I(org));
    }
    if (filter->located)
        catalog_rows_where(&where, "latitude >= ? AND longitude IS NOT NULL", SQL_I(-90));
    if (filter->q.n) {
        struct bytes pattern = catalog_rows_like(filter->q, a);
        if (!pattern.p) return ERR_NOMEM;
        catalog_rows_where(&where,
                           "(lower(coalesce(name, '')) LIKE lower(?) ESCAPE '\\' "
                           "OR lower(external_id) LIKE lower(?) ESCAPE '\\')",
                           SQL_T(pattern));
    }
    if (filter->seen_set) {
        catalog_rows_where(&where, "last_seen_ns >= ?", SQL_I(filter->seen_from_ns));
        catalog_rows_where(&where, "last_seen_ns < ?", SQL_I(filter->seen_to_ns));
    }
    for (int i = 0; i < LABEL_KINDS; i++)
        if (filter->labels[i]) /* $1 is the organisation */
            catalog_rows_where(&where,
                               "id IN (SELECT m.device FROM device_labels m WHERE m.org = $1 "
                               "AND m.label = ?)",
                               SQL_I(filter->labels[i]));
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}
