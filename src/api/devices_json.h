#pragma once
/* api/devices_json.h -- a device in answers, and a device's texts in bodies.
 * Threads: the call's.   Memory: nothing is kept. */
#include "api/api.h"
#include "service/device_service.h"

/* The object of contract §5; token: NULL, or shown once as apiToken. */
void devices_json_write(struct buf *b, const struct device *d, int64_t now_ns, const char *token);
/* The three parts of it: what the catalog has, what changes with every reading and every look, and
 * the rest. */
void devices_json_write_head(struct buf *b, const struct device *d);
void devices_json_write_live(struct buf *b, const struct device *d, int64_t now_ns);
void devices_json_write_tail(struct buf *b, const struct device *d, const char *token);
/* The same as the answer of a call. */
void devices_json_answer(struct api_call *c, int status, const struct device *d, const char *token);
/* A member that may be absent (stays), null (clears) or a value; wrong types add to the errors. */
struct device_text devices_json_text(struct api_fields *f, const char *name, size_t max_chars);
struct device_place devices_json_place(struct api_fields *f, const char *name);
/* An array of ids, and with by_name (tags) of names or of objects with one of the two. */
struct device_labels devices_json_labels(struct api_fields *f, const char *name, bool by_name);
/* A whole number from 1 below 2^53. */
struct cJSON;
bool devices_json_id(const struct cJSON *item, int64_t *ret);
/* [{id,name,color}] and [{id,name,description}]. */
void devices_json_write_tags(struct buf *b, const struct label_list *tags);
void devices_json_write_groups(struct buf *b, const struct label_list *groups);
