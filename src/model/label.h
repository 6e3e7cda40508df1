#pragma once
/* model/label.h -- what people sort their devices by: a tag (a name with a colour) or a group (a
 * name with a description). Both are the same thing to the catalog; a device has any number of
 * each.   Threads: a value.   Memory: strings are borrowed from the arena they were read into. */
#include "base/bytes.h"

enum label_kind { LABEL_TAG, LABEL_GROUP, LABEL_KINDS };

enum { LABEL_NAME_MAX = 100, LABEL_DESCRIPTION_MAX = 500, LABEL_COLOR_TEXT = 7 };
#define LABEL_COLOR_DEFAULT "#3B82F6"

struct label {
    int64_t id, org;
    enum label_kind kind;
    struct bytes name;        /* unique in its organisation and kind, byte-exact */
    struct bytes color;       /* of a tag: "#3B82F6" */
    struct bytes description; /* of a group */
    int64_t created_ns, updated_ns;
    int64_t device_count; /* devices alive that have it; where a list says so */
};

/* What a device has, or is to have, of one kind. */
struct label_list {
    const struct label *items;
    size_t n;
};
