#pragma once
/* api/pages.h -- the static files of the page at "/".   Threads: any.   Memory: static. */
#include "api/api.h"

/* True when the path is one of them and the call is answered. */
bool pages_answer(struct api_call *c, struct bytes path);
