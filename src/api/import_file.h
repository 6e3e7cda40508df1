#pragma once
/* api/import_file.h -- the file of an import: the body itself, or the first file of a form.
 * Threads: the call's.   Memory: borrowed from the request. */
#include "api/api.h"

enum err import_file_find(struct api_call *c, struct bytes *ret, struct why *why) MUST_CHECK;
