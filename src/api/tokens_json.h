#pragma once
/* api/tokens_json.h -- the answer to whoever has just been logged in: both tokens, and the cookie
 * for GET and HEAD.   Threads: the call's.   Memory: the call's arena. */
#include "api/api.h"
#include "service/auth_service.h"

/* 200 with the tokens; sets the cookie. */
void tokens_json_answer(struct api_call *c, const struct auth_tokens *t);
/* max_age_s < 0: until the browser ends. */
void tokens_json_cookie(struct api_call *c, const char *value, int64_t max_age_s);
