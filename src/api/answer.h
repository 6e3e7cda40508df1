#pragma once
/* api/answer.h -- the parts of answering that only the API's own files use.
 * Threads: the call's.   Memory: the call's. */
#include "api/api.h"

int answer_status(enum err e); /* HTTP status of an error */
/* A problem document left open for further members; close it with answer_close_problem(). */
void answer_open_problem(struct api_call *c, int status, const char *detail);
void answer_close_problem(struct api_call *c, int status);
/* Where the call keeps its parsed body until it is done. */
struct cJSON **answer_json_slot(struct api_call *c);
