/* Numbers and times: what reads as a number is what strtod makes of it and survives being written;
 * what reads as a time survives being written. Nothing reads past its end. */
#include "base/mem.h"
#include "codec/number.h"
#include "codec/timestamp.h"

#include <math.h>
#include <stdlib.h>

static void check_number(struct bytes text)
{
    double v, back = 0;
    if (number_parse(text, &v)) return;
    char out[NUMBER_TEXT_MAX], *copy = mem_copy(text.p, text.n);
    bug_if(!isfinite(v));
    bug_if(!copy || strtod(copy, NULL) != v);
    mem_free(copy);
    size_t n = number_format(v, out);
    bug_if(number_parse(bytes_of(out, n), &back) != ERR_OK || memcmp(&v, &back, sizeof v) != 0);
    const char *at = out;
    bug_if(number_read_json(&at, out + n, &back) != ERR_OK || at != out + n);
}

static void check_time(int64_t ns)
{
    char out[TIMESTAMP_TEXT_MAX];
    int64_t back = 0;
    size_t n = timestamp_format(ns, out);
    bug_if(n != 24 && n != 27 && n != 30);
    bug_if(timestamp_parse(bytes_of(out, n), &back, NULL) != ERR_OK || back != ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct bytes text = bytes_of(p, n), head;
    struct why why;
    int64_t ns;
    bool zoned;
    check_number(text);
    if (!timestamp_parse(text, &ns, &why)) check_time(ns);
    /* "pattern|text" */
    struct bytes rest = bytes_cut(text, '|', &head);
    if (!rest.p || head.n > 64) return 0;
    char format[65];
    memcpy(format, head.p, head.n);
    format[head.n] = 0;
    if (!timestamp_parse_format(rest, format, &ns, &zoned, &why)) check_time(ns);
    return 0;
}
