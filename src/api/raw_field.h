#pragma once
/* api/raw_field.h -- a member of the body that is JSON of the caller's own and stays so: kept as
 * text, without the blanks between its tokens, its numbers digit by digit as they were written (a
 * tree of doubles would change 12345678901234567890 and 1.10).
 * Threads: the call's.   Memory: the call's arena. */
#include "api/api.h"

/* p == NULL: absent or null, or wrong, which adds to the field errors: no object, more than
 * max_bytes, deeper than max_depth. */
struct bytes raw_field_object(struct api_fields *f, const char *name, size_t max_bytes,
                              unsigned max_depth);
