#pragma once
/* store/embedded/segment_parts.h -- what writing, reading and verifying a segment file share. For
 * segment*.c only.   Bytes: FORMAT.md, "Segment file".   Threads: any.   Memory: borrowed. */
#include "codec/column_in.h"
#include "store/embedded/segment.h"

#define SEGMENT_VERSION         1u
#define SEGMENT_HEAD_BYTES      32u
#define SEGMENT_TRAILER_BYTES   40u
#define SEGMENT_ENTRY_MIN_BYTES 7u /* an index entry: seven numbers */
#define SEGMENT_MAGIC           "SVSEG\r\n\x1a"
#define SEGMENT_END_MAGIC       "SVSEGEND"
#define SEGMENT_PATH_BYTES      4096

/* "dir/name" for an id; ERR_TOOLARGE when that is no path. */
enum err segment_path(char *ret, const char *dir, uint64_t id, bool temporary) MUST_CHECK;
/* The order of the index: org, device, least time, offset. */
int segment_block_compare(const void *a, const void *b);
