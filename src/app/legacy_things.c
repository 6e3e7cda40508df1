/* Devices with their tokens, tags, groups, variables (see legacy.h). A device keeps its uuid, its
 * external id and its token; a variable its number, as far as the numbers are dense. */
#include "app/legacy.h"
#include "codec/raw_batch.h"
#include "model/variable.h"
#include "security/tokens.h"
#include "service/auth_rules.h"
#include "store/catalog_devices.h"
#include "store/catalog_labels.h"
#include "store/catalog_variables.h"

#include <math.h>

/* Series are numbered densely here: larger numbers of the source are not kept. */
#define VARIABLE_ID_MAX INT64_C(100000000)

/* --- devices ---------------------------------------------------------------------------------- */

static const struct legacy_field device_fields[] = {
    {"id", "id::text"},
    {"organization_id", "organization_id::bigint"},
    {"external_id", "external_id::text"},
    {"name", "name::text"},
    {"description", "description::text"},
    {"active", "active"},
    {"location", "location::text"},
    {"sensor_type", "sensor_type::text"},
    {"firmware_version", "firmware_version::text"},
    {"latitude", "latitude::float8"},
    {"longitude", "longitude::float8"},
    {"altitude", "altitude::float8"},
    {"location_updated_at", LEGACY_TIME("location_updated_at")},
    {"last_seen_at", LEGACY_TIME("last_seen_at")},
    {"api_token", "api_token::text"},
    {"token_created_at", LEGACY_TIME("token_created_at")},
    {"created_at", LEGACY_TIME("created_at")},
    {"updated_at", LEGACY_TIME("updated_at")},
    {"deleted_at", "(deleted_at IS NOT NULL)::int"},
};

/* A token as devices send it; false: none, or one that cannot be taken over. */
static bool token_of(struct legacy *l, struct device *d, struct bytes token,
                     uint8_t hash[TOKENS_HASH], enum err *e)
{
    char display[TOKENS_DISPLAY_TEXT + 1];
    struct uuid uuid;
    char text[UUID_TEXT + 1];
    if (!token.n) return false;
    if (!uuid_parse(token, &uuid)) {
        legacy_report_changed(&l->report, LEGACY_DEVICES,
                              "its token is kept as a hash there, or is no UUID: make a new one",
                              d->external_id);
        return false;
    }
    uuid_format(&uuid, text);
    tokens_hash(bytes_str(text), hash);
    tokens_display(bytes_str(text), display);
    d->token_display = arena_copy(&l->arena, bytes_str(display));
    if (!d->token_display.p) *e = ERR_NOMEM;
    return !*e;
}

static double within(double v, double most)
{
    return v >= -most && v <= most ? v : (double)NAN;
}

static const char *why_not(struct legacy *l, const struct device *d, bool deleted)
{
    if (deleted) return "deleted there";
    if (!legacy_find_org(l, d->org)) return "of an organisation that was left out";
    return raw_batch_device_error(d->external_id);
}

/* Finds the device by its uuid from here on. */
static enum err keep_device(struct legacy *l, const struct device *d)
{
    struct legacy_device *kept = arena_alloc(&l->arena, sizeof *kept);
    if (!kept) return ERR_NOMEM;
    *kept = (struct legacy_device){.uuid = d->uuid,
                                   .id = d->id,
                                   .org = d->org,
                                   .external_id = arena_copy(&l->arena, d->external_id),
                                   .name = arena_copy(&l->arena, d->name)};
    if (!kept->external_id.p || (d->name.n && !kept->name.p)) return ERR_NOMEM;
    return map_put(&l->devices, bytes_of(&kept->uuid, sizeof kept->uuid), kept);
}

static enum err write_device(struct legacy *l, struct device *d, struct bytes token)
{
    uint8_t hash[TOKENS_HASH];
    enum err e = ERR_OK;
    bool has_token = token_of(l, d, token, hash, &e);
    if (!e && l->tx) e = catalog_devices_insert(l->tx, d, has_token ? hash : NULL);
    return e ? e : keep_device(l, d);
}

static void clean_texts(struct legacy *l, struct device *d)
{
    static const char shortened[] = "a text was shortened";
    struct bytes *texts[] = {&d->name, &d->location, &d->sensor_type, &d->firmware_version};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = legacy_text(l, *texts[i], DEVICE_TEXT_MAX, LEGACY_DEVICES, shortened);
    d->description =
        legacy_text(l, d->description, DEVICE_DESCRIPTION_MAX, LEGACY_DEVICES, shortened);
    d->latitude = within(d->latitude, 90);
    d->longitude = within(d->longitude, 180);
}

static void read_device(struct catalog_reader *r, struct device *d)
{
    d->org = catalog_rows_int(r);
    d->external_id = catalog_rows_text(r);
    d->name = catalog_rows_text(r);
    d->description = catalog_rows_text(r);
    bool has_flag = r->row->columns[r->at].type != SQL_TYPE_NULL;
    d->active = catalog_rows_int(r) != 0 || !has_flag;
    d->location = catalog_rows_text(r);
    d->sensor_type = catalog_rows_text(r);
    d->firmware_version = catalog_rows_text(r);
    d->latitude = catalog_rows_real(r);
    d->longitude = catalog_rows_real(r);
    d->altitude = catalog_rows_real(r);
    d->located_ns = catalog_rows_int(r);
    d->last_seen_ns = catalog_rows_int(r);
}

/* An external id is unique in its organisation; the platform's are in the installation. */
static bool claim_external_id(struct legacy *l, const struct device *d, enum err *e)
{
    char *key = arena_printf(&l->arena, "%lld/%.*s", (long long)d->org, (int)d->external_id.n,
                             d->external_id.p);
    if (!key) *e = ERR_NOMEM;
    return key && legacy_claim(l, &l->external_ids, bytes_str(key), e);
}

static enum err take_device(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    struct bytes uuid = catalog_rows_text(r);
    struct device d = {.org = 0};
    enum err e = ERR_OK;
    read_device(r, &d);
    struct bytes token = bytes_trim(catalog_rows_text(r));
    d.token_created_ns = catalog_rows_int(r);
    d.created_ns = catalog_rows_int(r);
    d.updated_ns = catalog_rows_int(r);
    const char *no = why_not(l, &d, catalog_rows_int(r) != 0);
    l->report.found[LEGACY_DEVICES]++;
    if (!no && !uuid_parse(uuid, &d.uuid)) no = "its id is no UUID";
    if (!no && !claim_external_id(l, &d, &e)) no = "another device has that external id";
    if (e) return e;
    if (no) {
        legacy_report_left(&l->report, LEGACY_DEVICES, no, d.external_id);
        return ERR_OK;
    }
    clean_texts(l, &d);
    d.active = d.active && legacy_find_org(l, d.org)->enabled;
    e = write_device(l, &d, token);
    l->report.taken[LEGACY_DEVICES] += !e;
    return e;
}

/* --- tags and groups -------------------------------------------------------------------------- */

static const struct legacy_field tag_fields[] = {
    {"id", "id::bigint"},     {"organization_id", "organization_id::bigint"},
    {"name", "name::text"},   {"description", "description::text"},
    {"color", "color::text"}, {"created_at", LEGACY_TIME("created_at")},
};

/* What the map knows of a tag or a group, by its number there and by its name. */
struct known_label {
    int64_t id, org; /* id: 0 while nothing is written */
};

struct labels {
    struct legacy *l;
    enum label_kind kind;
    enum legacy_kind counted;
};

/* How the map knows a label of the source. */
static struct bytes label_key(struct legacy *l, enum label_kind kind, int64_t id)
{
    return bytes_str(arena_printf(&l->arena, "%d/%lld", (int)kind, (long long)id));
}

static enum err take_label(void *ctx, struct catalog_reader *r)
{
    struct labels *of = ctx;
    struct legacy *l = of->l;
    int64_t id = catalog_rows_int(r);
    struct label label = {.kind = of->kind, .org = catalog_rows_int(r)};
    label.name = bytes_trim(catalog_rows_text(r));
    label.description = catalog_rows_text(r);
    label.color = catalog_rows_text(r);
    label.created_ns = label.updated_ns = catalog_rows_int(r);
    enum err e = ERR_OK;
    l->report.found[of->counted]++;
    const char *no = !legacy_find_org(l, label.org) ? "of an organisation that was left out"
                     : !label.name.n                ? "without a name"
                                                    : NULL;
    label.name = legacy_text(l, label.name, LABEL_NAME_MAX, of->counted, "the name was shortened");
    char *key = arena_printf(&l->arena, "%d/%lld/%.*s", (int)of->kind, (long long)label.org,
                             (int)label.name.n, label.name.p ? label.name.p : "");
    if (!key) return ERR_NOMEM;
    if (!no && !legacy_claim(l, &l->labels, bytes_str(key), &e)) no = "another one has that name";
    if (e) return e;
    if (no) {
        legacy_report_left(&l->report, of->counted, no, label.name);
        return ERR_OK;
    }
    if (label.color.n != LABEL_COLOR_TEXT || label.color.p[0] != '#')
        label.color = of->kind == LABEL_TAG ? bytes_str(LABEL_COLOR_DEFAULT) : bytes_of(NULL, 0);
    label.description = legacy_text(l, label.description, LABEL_DESCRIPTION_MAX, of->counted,
                                    "the description was shortened");
    if (l->tx) e = catalog_labels_insert(l->tx, &label);
    struct known_label *kept = arena_alloc(&l->arena, sizeof *kept);
    if (!kept) return ERR_NOMEM;
    *kept = (struct known_label){label.id, label.org};
    if (!e) e = map_put(&l->labels, label_key(l, of->kind, id), kept);
    l->report.taken[of->counted] += !e;
    return e;
}

static enum err take_membership(void *ctx, struct catalog_reader *r)
{
    struct labels *of = ctx;
    struct legacy_device *d = legacy_find_device(of->l, catalog_rows_text(r));
    const struct known_label *label =
        map_get(&of->l->labels, label_key(of->l, of->kind, catalog_rows_int(r)));
    if (!d || !label || label->org != d->org || !of->l->tx) return ERR_OK;
    return catalog_labels_assign(of->l->tx, d->org, d->id, label->id, NULL);
}

bool legacy_find_label(struct legacy *l, enum label_kind kind, int64_t org, struct bytes text,
                       int64_t *ret)
{
    int64_t id = 0;
    const char *name = arena_printf(&l->arena, "%d/%lld/%.*s", (int)kind, (long long)org,
                                    (int)text.n, text.p ? text.p : "");
    *ret = 0;
    if (kind == LABEL_TAG) return name && map_get(&l->labels, bytes_str(name));
    const struct known_label *label =
        bytes_to_i64(text, &id) ? map_get(&l->labels, label_key(l, kind, id)) : NULL;
    if (label) *ret = label->id;
    return label && label->org == org;
}

static enum err take_labels(struct legacy *l, enum label_kind kind)
{
    static const struct {
        const char *table, *members;
        enum legacy_kind counted;
        struct legacy_field of[2];
    } what[LABEL_KINDS] = {
        [LABEL_TAG] = {"device_tags",
                       "device_tag_assignments",
                       LEGACY_TAGS,
                       {{"device_id", "device_id::text"}, {"tag_id", "tag_id::bigint"}}},
        [LABEL_GROUP] = {"device_groups",
                         "device_group_members",
                         LEGACY_GROUPS,
                         {{"device_id", "device_id::text"}, {"group_id", "group_id::bigint"}}},
    };
    struct labels of = {l, kind, what[kind].counted};
    enum err e =
        legacy_source_each(&l->source, what[kind].table, tag_fields,
                           sizeof tag_fields / sizeof *tag_fields, "ORDER BY id", take_label, &of);
    if (!e)
        e = legacy_source_each(&l->source, what[kind].members, what[kind].of, 2, "ORDER BY 1, 2",
                               take_membership, &of);
    return e;
}

/* --- variables -------------------------------------------------------------------------------- */

static const struct legacy_field variable_fields[] = {
    {"id", "id::bigint"},
    {"device_id", "device_id::text"},
    {"name", "name::text"},
    {"display_name", "display_name::text"},
    {"description", "description::text"},
    {"unit", "unit::text"},
    {"data_type", "data_type::text"},
    {"data_source", "upper(data_source)::text"},
    {"icon", "icon::text"},
    {"color", "color::text"},
    {"min_value", "min_value::float8"},
    {"max_value", "max_value::float8"},
    {"decimal_places", "coalesce(decimal_places, -1)::bigint"},
    {"created_at", LEGACY_TIME("created_at")},
    {"updated_at", LEGACY_TIME("updated_at")},
};

static void read_variable(struct legacy *l, struct catalog_reader *r, struct variable *v)
{
    static const char shortened[] = "a text was shortened";
    struct bytes *texts[] = {&v->display_name, &v->description, &v->unit, &v->data_type,
                             &v->data_source,  &v->icon,        &v->color};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t max = texts[i] == &v->description ? VARIABLE_DESCRIPTION_MAX : VARIABLE_TEXT_MAX;
        *texts[i] = legacy_text(l, catalog_rows_text(r), max, LEGACY_VARIABLES, shortened);
    }
    v->min_value = catalog_rows_real(r);
    v->max_value = catalog_rows_real(r);
    v->decimal_places = catalog_rows_int(r);
    v->created_ns = catalog_rows_int(r);
    v->updated_ns = catalog_rows_int(r);
}

static enum err write_variable(struct legacy *l, struct variable *v, int64_t id)
{
    struct variable known;
    if (!l->tx) return ERR_OK;
    enum err e = catalog_variables_find_name(l->tx, v->org, v->device, v->name, &l->arena, &known);
    if (e != ERR_NOTFOUND) return e ? e : ERR_EXISTS;
    e = id <= VARIABLE_ID_MAX ? legacy_next_id(l, "variables", id) : ERR_OK;
    return e ? e : catalog_variables_insert(l->tx, v);
}

static enum err take_variable(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    int64_t id = catalog_rows_int(r);
    struct bytes device = catalog_rows_text(r);
    struct variable v = {.name = catalog_rows_text(r)};
    const struct legacy_device *d = legacy_find_device(l, device);
    const char *no = raw_batch_name_error(v.name);
    l->report.found[LEGACY_VARIABLES]++;
    if (!device.p) no = "a template of its organisation, of no device";
    if (device.p && !d) no = "of a device that was left out";
    if (!no) {
        v.org = d->org;
        v.device = d->id;
        read_variable(l, r, &v);
        enum err e = write_variable(l, &v, id);
        if (e && e != ERR_EXISTS) return e;
        if (e) no = "its device has one of that name: values go there";
    }
    if (no)
        legacy_report_left(&l->report, LEGACY_VARIABLES, no, v.name);
    else
        l->report.taken[LEGACY_VARIABLES]++;
    return ERR_OK;
}

enum err legacy_things_take(struct legacy *l)
{
    enum err e = legacy_source_each(&l->source, "devices", device_fields,
                                    sizeof device_fields / sizeof *device_fields,
                                    "ORDER BY organization_id, created_at, id", take_device, l);
    for (int kind = 0; kind < LABEL_KINDS && !e; kind++) e = take_labels(l, (enum label_kind)kind);
    if (!e)
        e = legacy_source_each(&l->source, "variables", variable_fields,
                               sizeof variable_fields / sizeof *variable_fields, "ORDER BY id",
                               take_variable, l);
    return e;
}
