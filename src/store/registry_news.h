#pragma once
/* store/registry_news.h -- the registry follows rows that another server wrote (store/nodes.h):
 * each call reads what the catalog has now and makes memory the same.
 * Threads: one, which blocks on the catalog; the rest of the registry as registry.h says.
 * Memory: as registry.h says. */
#include "model/device_status.h"
#include "store/registry.h"

/* *ret: the device when its status has changed that was last told, else NULL. */
enum err registry_news_device(struct registry *r, int64_t org, int64_t device,
                              struct reg_device **ret) MUST_CHECK;
/* Its variables, and which of them are computed. */
enum err registry_news_variables(struct registry *r, int64_t org, int64_t device) MUST_CHECK;
/* Which variables of all devices are computed. */
enum err registry_news_computed(struct registry *r) MUST_CHECK;
/* Everything. */
enum err registry_news_all(struct registry *r) MUST_CHECK;
/* Another server has a reading of it that is no older than the device is silent. */
void registry_news_seen(struct registry *r, int64_t org, int64_t device, int64_t ts_ns,
                        int64_t now_ns);
