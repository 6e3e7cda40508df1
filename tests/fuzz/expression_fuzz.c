/* Expressions: any text compiles or is refused at a place inside it; what compiles runs to a finite
 * number or a reason, whatever its inputs are, and compiles again to the same program. */
#include "base/mem.h"
#include "rules/expression.h"

#include <math.h>

static bool variable(void *ctx, size_t name, double *ret)
{
    static const double values[] = {0, 1, -1, 2.5, 1e308, -1e-308, 100};
    (void)ctx;
    *ret = values[name % 7];
    return name % 5 != 4;
}

static bool window(void *ctx, size_t i, double *ret)
{
    (void)ctx;
    *ret = (double)i - 2;
    return i % 3 != 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const struct expression_inputs inputs = {NULL, variable, window};
    char *text = mem_alloc(n); /* exact, so that a read past its end is seen */
    struct expression *x = NULL, *again = NULL;
    struct expression_error error = {0};
    if (!text) return 0;
    if (n) memcpy(text, p, n);
    enum err e = expression_compile(&x, bytes_of(text, n), &error);
    bug_if(e && e != ERR_INVALID);
    if (e) {
        bug_if(error.offset > n || !error.line || !error.column || !error.text[0]);
        mem_free(text);
        return 0;
    }
    double v = NAN, w = NAN;
    size_t at = 0, at_again = 0;
    enum expression_outcome o = expression_run(x, &inputs, &v, &at);
    bug_if(o ? at >= n : !isfinite(v));
    bug_if(expression_compile(&again, bytes_of(text, n), &error) != ERR_OK);
    mem_free(text);
    bug_if(expression_run(again, &inputs, &w, &at_again) != o || at != at_again);
    bug_if(!o && v != w);
    expression_free(x);
    expression_free(again);
    return 0;
}
