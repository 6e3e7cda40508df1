#pragma once
/* store/features.h -- which features are on for an organisation: clients ask before they show one.
 *
 *   pilot.mode=false ──> all on
 *   the organisation's own choice ──> that
 *   pilot.features-disabled names it ──> off
 *   pilot.features-enabled names it, or names none and this server has it ──> on
 *
 * Threads: any; the lists are swapped whole.   Memory: lists are borrowed from the configuration,
 * which keeps them for ever; what is read is copied into the arena.  Errors: those of store/sql.h.
 */
#include "base/arena.h"
#include "store/limits.h"

enum { FEATURE_NAME_MAX = 64, FEATURES_OWN_MAX = 100 };

struct features {
    const struct limits *limits;        /* lifted: all are on */
    const char *const *_Atomic enabled; /* NULL-terminated; NULL: none named */
    const char *const *_Atomic disabled;
};
/* What this server has; NULL behind the last. */
extern const char *const features_built[];

struct feature {
    struct bytes name;
    bool enabled;
};
enum err features_is_on(const struct features *f, struct sql_tx *tx, int64_t org, struct bytes name,
                        bool *ret) MUST_CHECK;
/* The organisation's own choices, by name. */
enum err features_own(struct sql_tx *tx, int64_t org, struct arena *a, struct feature **ret,
                      size_t *ret_n) MUST_CHECK;
/* Every name that is known here or chosen by the organisation, and whether it is on. */
enum err features_list(const struct features *f, struct sql_tx *tx, int64_t org, struct arena *a,
                       struct feature **ret, size_t *ret_n) MUST_CHECK;
enum err features_set_own(struct sql_tx *tx, int64_t org, struct bytes name, bool enabled,
                          int64_t now_ns) MUST_CHECK;
/* Follows the configuration again. */
enum err features_forget_own(struct sql_tx *tx, int64_t org, struct bytes name) MUST_CHECK;
/* As configured, for an organisation without choices of its own. Never blocks. */
bool features_is_configured(const struct features *f, struct bytes name);
/* Letters, digits, '-', '_' and '.'; at most FEATURE_NAME_MAX. */
bool features_is_name(struct bytes name);
