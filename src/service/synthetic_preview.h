#pragma once
/* service/synthetic_preview.h -- tries an expression without making anything: is it one, what does
 * it use, what would it give now.   Threads: any; blocks on the catalog, and on the store for as
 * long as reading its windows takes.   Memory: copied into the arena. */
#include "service/synthetic_service.h"

struct synthetic_used {
    struct bytes name;
    bool known; /* the device has such a variable */
};
struct synthetic_used_window {
    const char *function, *span;
    struct bytes name;
};
struct synthetic_preview {
    bool valid;                    /* false: error says why not */
    struct expression_error error; /* line 0: it is about the whole */
    struct synthetic_used *names;
    struct synthetic_used_window *windows;
    size_t name_count, window_count;
    bool tried; /* there is a device, and it has sent something of it */
    enum expression_outcome outcome;
    double value;
    int64_t ts_ns;      /* of the newest input */
    unsigned at_column; /* of what gave no value; in line at_line */
    unsigned at_line;
};

/* device: empty for none. name: of the variable that it is to be, for what would be computed from
 * itself; may be empty. ERR_NOTFOUND: no such device. */
enum err synthetic_preview_try(struct synthetic_service *s, int64_t org, struct bytes device,
                               struct bytes name, struct bytes expression, struct arena *arena,
                               struct synthetic_preview *ret) MUST_CHECK;
