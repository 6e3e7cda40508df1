#pragma once
/* pilot/ledger.h -- what limits refused: what, when, whose, by which limit. A refusal is noted in
 * memory, folded with its like, and written down about once a second; so a flood costs a few bytes
 * and one transaction a second, and never fills the disk.
 *
 * Bounded: LEDGER_KINDS different ones between two writes, then the limit alone is told apart, by
 * organisation; rows of an hour as store/catalog_refusals.h says; LEDGER_DAYS days.
 * Threads: any may note, which never blocks on the catalog; write() one at a time.
 * Memory: 400 KiB, fixed. */
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/sql.h"

enum { LEDGER_KINDS = 1024, LEDGER_DAYS = 90, LEDGER_WHO_MAX = 96 };

struct ledger;
enum err ledger_new(struct ledger **ret, struct sql_db *db, const struct clock *clock) MUST_CHECK;
/* Writes what is there. NULL is fine. */
void ledger_free(struct ledger *l);

struct ledger_note {
    int64_t org;
    const char *limit, *way; /* literals, or borrowed for ever */
    struct bytes who;        /* copied, cut at LEDGER_WHO_MAX */
    int64_t amount;          /* points, devices; 1 when it is the request itself */
};
void ledger_note(struct ledger *l, const struct ledger_note *note);
/* What could not be written stays for the next call. */
enum err ledger_write(struct ledger *l) MUST_CHECK;
