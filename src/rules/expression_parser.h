#pragma once
/* rules/expression_parser.h -- the grammar; used by expression.c alone.   Memory: what
 * expression_build.h says. */
#include "rules/expression_build.h"

/* Reads b->text into b->out, or b->failed and *b->error. Recursion is bounded by
 * EXPRESSION_DEPTH_MAX. */
void expression_parser_run(struct expression_build *b);
