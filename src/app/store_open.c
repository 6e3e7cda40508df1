/* Opening the embedded store (see store_open.h). */
#include "app/store_open.h"

#include "base/rnd.h"
#include "store/catalog.h"
#include "store/embedded/engine.h"
#include "store/registry.h"

#include <stdio.h>

enum { PATH_BYTES = 1200 };

enum err store_open_place(const struct settings *s, const char *path, char *ret, size_t n,
                          struct why *why)
{
    static const struct bytes embedded = {"embedded:", 9};
    struct bytes url = bytes_str(s->store_url);
    const char *place = path;
    if (bytes_starts(url, embedded) && url.n > embedded.n) place = url.p + embedded.n;
    if (snprintf(ret, n, "%s", place) >= (int)n)
        return why_say(why, ERR_INVALID, "store.url: the path is too long");
    if (!url.n || bytes_starts(url, embedded)) return ERR_OK;
    if (bytes_starts(url, BYTES("postgres")))
        return why_say(why, ERR_UNSUPPORTED,
                       "store.url: PostgreSQL is planned and not built yet; it takes embedded:DIR");
    /* The address is not repeated: it may hold a password. */
    return why_say(why, ERR_INVALID, "store.url is not an address; it takes embedded:DIR");
}

static enum err open_telemetry(struct telemetry **ret, const char *dir, const struct settings *s,
                               const struct clock *clock, struct why *why)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/telemetry", dir);
    struct engine_opts opts = {.dir = path,
                               .fs = fs_real(),
                               .clock = clock,
                               .memory_bytes = (uint64_t)s->store_memory_bytes};
    return engine_open(ret, &opts, why);
}

enum err store_open_parts(struct store_open *ret, unsigned parts, const char *dir,
                          const struct settings *s, const struct clock *clock, struct why *why)
{
    struct store_open store = {NULL, NULL, NULL};
    enum err e = fs_mkdir(fs_real(), dir);
    if (e) return why_say(why, e, "the store's directory %.150s: %s", dir, err_sentence(e));
    if (parts & STORE_CATALOG) e = catalog_open(&store.db, fs_real(), dir, clock, why);
    if (parts & STORE_RAW) e = catalog_open_raw(&store.db, fs_real(), dir, why);
    if (!e && (parts & STORE_REGISTRY))
        e = registry_open(&store.registry, store.db, clock, rnd_system(), why);
    if (!e && (parts & STORE_TELEMETRY)) e = open_telemetry(&store.telemetry, dir, s, clock, why);
    if (e)
        store_open_close(&store);
    else
        *ret = store;
    return e;
}

void store_open_close(struct store_open *s)
{
    if (s->telemetry) s->telemetry->ops->close(s->telemetry);
    registry_free(s->registry);
    catalog_close(s->db);
    *s = (struct store_open){NULL, NULL, NULL};
}
