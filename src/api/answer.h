#pragma once
/* api/answer.h -- the parts of answering that only the API's own files use.
 * Threads: the call's.   Memory: the call's. */
#include "api/api.h"

int answer_status(enum err e); /* HTTP status of an error */
/* A problem document left open for further members; close it with answer_close_problem(). */
void answer_open_problem(struct api_call *c, int status, const char *detail);
void answer_close_problem(struct api_call *c, int status);
/* Before the call is given back to its loop: what this thread was busy with for it. */
void answer_note_parts(struct api_call *c);
/* A part of it that was waited for: on a queue, for the disk. */
struct probe;
void answer_note_wait(struct api_call *c, const struct probe *p, int64_t ns);
/* Where the call keeps its parsed body until it is done. */
struct cJSON **answer_json_slot(struct api_call *c);
