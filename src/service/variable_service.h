#pragma once
/* service/variable_service.h -- the variables of a device, how they are shown and what they hold.
 * Threads: any; every call blocks on catalog or store.   Memory: copied into the arena. */
#include "model/record.h"
#include "model/variable.h"
#include "query/query_limit.h"
#include "service/device_service.h"
#include "store/catalog_page.h"

enum { VARIABLE_VALUES_MAX = 10000 };

struct variable_view {
    struct variable variable;
    struct device device; /* id, uuid, external_id */
    struct sample last;   /* ts_ns INT64_MIN: no value yet */
};

enum err variable_service_list(struct device_service *s, int64_t org, struct bytes device,
                               struct arena *arena, struct variable_view **ret,
                               size_t *ret_n) MUST_CHECK;
enum err variable_service_find(struct device_service *s, int64_t org, int64_t variable,
                               struct arena *arena, struct variable_view *ret) MUST_CHECK;

/* A page of all that the organisation's devices have. ERR_INVALID: no such sort. */
enum err variable_service_page(struct device_service *s, int64_t org,
                               const struct catalog_page *page, struct arena *arena,
                               struct variable_view **ret, struct catalog_listing *ret_listing,
                               struct why *why) MUST_CHECK;

struct variable_change {
    struct device_text display_name, description, unit, data_type, icon, color;
    struct device_place min_value, max_value;
    bool decimal_places_set;
    int64_t decimal_places;  /* -1 clears */
    struct device_text name; /* of a new one; else it may only be the present one */
};
/* One that no message has carried yet. ERR_EXISTS: the device has one of this name. */
enum err variable_service_create(struct device_service *s, const struct actor *actor,
                                 struct bytes device, const struct variable_change *given,
                                 struct arena *arena, struct variable_view *ret,
                                 struct refusal *refusal) MUST_CHECK;
enum err variable_service_update(struct device_service *s, const struct actor *actor,
                                 int64_t variable, const struct variable_change *change,
                                 struct arena *arena, struct variable_view *ret,
                                 struct refusal *refusal) MUST_CHECK;

/* Ascending over [from, to], at most cap (VARIABLE_VALUES_MAX); *ret_more: there were more. */
enum err variable_service_values(struct device_service *s, int64_t org, int64_t variable,
                                 int64_t from_ns, int64_t to_ns, size_t cap, struct arena *arena,
                                 struct sample **ret, size_t *ret_n, bool *ret_more) MUST_CHECK;

/* The newest ones first, at most cap (VARIABLE_VALUES_MAX). */
enum err variable_service_newest(struct device_service *s, int64_t org, int64_t variable,
                                 size_t cap, struct arena *arena, struct sample **ret,
                                 size_t *ret_n) MUST_CHECK;

struct variable_statistics {
    uint64_t count;
    double sum, min, max; /* NAN when count is 0 */
};
/* Over [from, to]; limit: NULL for none. */
enum err variable_service_statistics(struct device_service *s, int64_t org, int64_t variable,
                                     int64_t from_ns, int64_t to_ns,
                                     const struct query_limit *limit,
                                     struct variable_statistics *ret) MUST_CHECK;
