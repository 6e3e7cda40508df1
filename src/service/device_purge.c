/* The end of deleted devices (see device_purge.h). */
#include "service/device_purge.h"

enum { AT_ONCE = 100 };

static enum err list_due(struct device_service *s, struct device_key *keys, size_t *ret_n)
{
    int64_t before_ns = clock_wall_ns(s->clock) - DEVICE_RESTORABLE_NS;
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_devices_list_purgeable(tx, before_ns, keys, AT_ONCE, ret_n);
    sql_rollback(tx);
    return e;
}

static enum err purge_one(struct device_service *s, const struct device_key *key)
{
    enum err e = telemetry_purge_device(s->telemetry, key->org, key->device);
    if (e) return e;
    struct sql_tx *tx;
    e = sql_begin(s->db, SQL_WRITE, &tx);
    return e ? e : sql_end(tx, catalog_devices_purge(tx, key->org, key->device));
}

enum err device_purge_run(struct device_service *s, size_t *ret_n)
{
    struct device_key keys[AT_ONCE];
    size_t n = 0, done = 0;
    enum err e = list_due(s, keys, &n);
    for (; done < n && !e; done += !e) e = purge_one(s, &keys[done]);
    *ret_n = done;
    return e;
}
