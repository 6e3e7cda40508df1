#pragma once
/* app/boot_retention.h -- how long each organisation keeps its points, from the settings.
 * Threads: any, one at a time.   Memory: the boot's. */
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

struct boot;
enum err boot_retention_load(struct boot *b) MUST_CHECK;
bool boot_retention_is_setting(struct bytes key);
/* That one has changed or is gone. */
enum err boot_retention_follow(struct boot *b, struct bytes key) MUST_CHECK;
