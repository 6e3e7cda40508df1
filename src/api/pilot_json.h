#pragma once
/* api/pilot_json.h -- answers of the pilot layer are wrapped: {"success":true,"data":…}.
 * Threads: the call's.   Memory: the call's. */
#include "api/api.h"

/* The caller writes one value in between. */
void pilot_json_open(struct api_call *c);
void pilot_json_close(struct api_call *c, int status);
/* The organisation of path parameter 0, for an administrator of the installation; 0: answered. */
int64_t pilot_json_organization(struct api_call *c);
