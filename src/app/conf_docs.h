#pragma once
/* app/conf_docs.h -- docs/CONFIG.md, written from the tables of keys.
 * Threads: any.   Memory: appends to the caller's buffer. */
#include "base/buf.h"

void conf_docs_write(struct buf *out);
