/* Recursive descent over the tokens, straight into the program: what is read is emitted, jumps are
 * patched when their target is known.
 *
 *   expression = all { "or" all }
 *   all        = compared { "and" compared }
 *   compared   = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ]
 *   sum        = product { ( "+" | "-" ) product }
 *   product    = signed { ( "*" | "/" | "%" ) signed }
 *   signed     = ( "+" | "-" ) signed | value
 *   value      = number | variable | "(" expression ")"
 *              | function "(" expression { "," expression } ")"
 *              | statistic "(" variable "," window ")"
 *
 * Function names, and, or: any case. A function is known by the parenthesis behind its name, so a
 * variable may be called count.   The first error ends everything (failed). */
#include "rules/expression_parser.h"

#include "rules/expression_functions.h"
#include "rules/expression_lexer.h"

enum { TOKEN_SHOWN_MAX = 40 };

struct parser {
    struct expression_build *build;
    struct expression_lexer lexer;
    struct token token; /* the one that is looked at */
    unsigned depth;
};

static void parse_expression(struct parser *p);

/* --- tokens ----------------------------------------------------------------------------------- */

/* What stands there, cut between characters. */
static int shown(const struct token *t)
{
    size_t n = t->text.n;
    if (n <= TOKEN_SHOWN_MAX) return (int)n;
    n = TOKEN_SHOWN_MAX;
    while (n && ((unsigned char)t->text.p[n] & 0xc0) == 0x80) n--;
    return (int)n;
}

static void fail_expected(struct parser *p, const char *what)
{
    const struct token *t = &p->token;
    if (t->kind == TOKEN_BAD)
        expression_build_fail(p->build, t->offset, "%s", t->why);
    else if (t->kind == TOKEN_END)
        expression_build_fail(p->build, t->offset, "expected %s, but the text ends", what);
    else
        expression_build_fail(p->build, t->offset, "expected %s, found \"%.*s\"", what, shown(t),
                              t->text.p);
}

static void advance(struct parser *p)
{
    if (!p->build->failed) p->token = expression_lexer_next(&p->lexer);
}

static bool expect(struct parser *p, enum token_kind kind, const char *what)
{
    if (p->build->failed) return false;
    if (p->token.kind != kind) {
        fail_expected(p, what);
        return false;
    }
    advance(p);
    return true;
}

static bool is_word(const struct token *t, const char *word)
{
    return t->kind == TOKEN_NAME && bytes_equal_nocase(t->text, bytes_str(word));
}

static size_t intern(struct parser *p, const struct token *t)
{
    return expression_build_name(p->build, t->text, t->kind == TOKEN_QUOTED, t->offset);
}

/* --- calls: the name is read, the token is the parenthesis ------------------------------------ */

static bool is_span(const struct token *t)
{
    int64_t ns;
    return (t->kind == TOKEN_SPAN || t->kind == TOKEN_QUOTED) &&
           expression_span_parse(t->text, &ns);
}

/* min(voltage, 5m) is a window, min(voltage, 5) is not: look ahead. */
static bool is_window_call(const struct parser *p)
{
    struct expression_lexer ahead = p->lexer;
    struct token name = expression_lexer_next(&ahead);
    if (name.kind != TOKEN_NAME && name.kind != TOKEN_QUOTED) return false;
    if (expression_lexer_next(&ahead).kind != TOKEN_COMMA) return false;
    struct token span = expression_lexer_next(&ahead);
    return span.kind == TOKEN_SPAN || is_span(&span);
}

static void parse_window(struct parser *p, const struct expression_function *f, size_t offset)
{
    struct expression_window w = {.statistic = f->statistic};
    advance(p);
    struct token name = p->token;
    if (name.kind != TOKEN_NAME && name.kind != TOKEN_QUOTED)
        fail_expected(p, "the name of a variable");
    advance(p);
    if (!expect(p, TOKEN_COMMA, "\",\" and a window behind the variable")) return;
    if (!is_span(&p->token) || !expression_span_parse(p->token.text, &w.span_ns)) {
        fail_expected(p, "a window: 5m, 15m, 1h, 24h, 7d or 30d");
        return;
    }
    advance(p);
    if (!expect(p, TOKEN_CLOSE, "\")\"")) return;
    w.name = (uint16_t)intern(p, &name);
    if (p->build->failed) return;
    expression_build_emit(p->build, OP_WINDOW, expression_build_window(p->build, &w, offset), 1,
                          offset);
}

static void parse_if(struct parser *p, size_t offset)
{
    advance(p);
    parse_expression(p);
    size_t otherwise = expression_build_emit(p->build, OP_JUMP_IF_ZERO, 0, -1, offset);
    if (!expect(p, TOKEN_COMMA, "\",\" and what if() gives when the condition holds")) return;
    parse_expression(p);
    size_t end = expression_build_emit(p->build, OP_JUMP, 0, 0, offset);
    if (!expect(p, TOKEN_COMMA, "\",\" and what if() gives when it does not")) return;
    p->build->stack--; /* the other branch starts without the first one's value */
    expression_build_land(p->build, otherwise);
    parse_expression(p);
    expression_build_land(p->build, end);
    expect(p, TOKEN_CLOSE, "\")\": if() has three arguments");
}

static void parse_all_or_any(struct parser *p, const struct expression_function *f, size_t offset)
{
    size_t jumps = 0;
    advance(p);
    parse_expression(p);
    if (!p->build->failed && p->token.kind != TOKEN_COMMA)
        fail_expected(p, "\",\" and a second condition");
    while (!p->build->failed && p->token.kind == TOKEN_COMMA) {
        jumps = expression_build_chain(p->build, (enum expression_op_code)f->code, jumps, offset);
        advance(p);
        parse_expression(p);
    }
    expression_build_emit(p->build, OP_TRUTH, 0, 0, offset);
    expression_build_land_chain(p->build, jumps);
    expect(p, TOKEN_CLOSE, "\",\" or \")\"");
}

static void parse_fold(struct parser *p, const struct expression_function *f, size_t offset)
{
    advance(p);
    parse_expression(p);
    while (!p->build->failed && p->token.kind == TOKEN_COMMA) {
        advance(p);
        parse_expression(p);
        expression_build_emit(p->build, (enum expression_op_code)f->code, 0, -1, offset);
    }
    expect(p, TOKEN_CLOSE, "\",\" or \")\"");
}

static void parse_power(struct parser *p, size_t offset)
{
    advance(p);
    parse_expression(p);
    if (!expect(p, TOKEN_COMMA, "\",\" and the exponent")) return;
    parse_expression(p);
    expression_build_emit(p->build, OP_POWER, 0, -1, offset);
    expect(p, TOKEN_CLOSE, "\")\": pow() has two arguments");
}

static void parse_one(struct parser *p, enum expression_op_code code, size_t offset)
{
    advance(p);
    parse_expression(p);
    expression_build_emit(p->build, code, 0, 0, offset);
    expect(p, TOKEN_CLOSE, "\")\": this function has one argument");
}

static void parse_call(struct parser *p, const struct token *name)
{
    const struct expression_function *f = expression_function_find(name->text);
    size_t at = name->offset;
    if (!f) {
        expression_build_fail(p->build, at, "there is no function \"%.*s\"", shown(name),
                              name->text.p);
        return;
    }
    switch (f->call) {
    case CALL_WINDOW:
        parse_window(p, f, at);
        return;
    case CALL_FOLD:
        if (is_window_call(p))
            parse_window(p, f, at);
        else
            parse_fold(p, f, at);
        return;
    case CALL_IF:
        parse_if(p, at);
        return;
    case CALL_AND:
    case CALL_OR:
        parse_all_or_any(p, f, at);
        return;
    case CALL_POWER:
        parse_power(p, at);
        return;
    case CALL_ONE:
    case CALL_NOT:
        parse_one(p, (enum expression_op_code)f->code, at);
    }
}

/* --- values and operators --------------------------------------------------------------------- */

static bool is_reserved(const struct token *t)
{
    return is_word(t, "and") || is_word(t, "or") || is_word(t, "not") || is_word(t, "if");
}

static void parse_variable(struct parser *p, const struct token *name)
{
    if (is_reserved(name)) {
        expression_build_fail(
            p->build, name->offset,
            "expected a value, found \"%.*s\", which is a function; a variable of that name is "
            "written in quotation marks",
            shown(name), name->text.p);
        return;
    }
    size_t i = intern(p, name);
    if (p->build->failed) return;
    p->build->out->names[i].plain = true;
    expression_build_emit(p->build, OP_VARIABLE, i, 1, name->offset);
}

static void parse_value(struct parser *p)
{
    struct token t = p->token;
    if (t.kind != TOKEN_NUMBER && t.kind != TOKEN_NAME && t.kind != TOKEN_QUOTED &&
        t.kind != TOKEN_OPEN) {
        fail_expected(p, "a number, a variable, a function or \"(\"");
        return;
    }
    advance(p);
    if (t.kind == TOKEN_NUMBER) {
        size_t op = expression_build_emit(p->build, OP_NUMBER, 0, 1, t.offset);
        if (!p->build->failed) p->build->out->ops[op].number = t.number;
    } else if (t.kind == TOKEN_OPEN) {
        parse_expression(p);
        expect(p, TOKEN_CLOSE, "an operator or \")\"");
    } else if (t.kind == TOKEN_NAME && p->token.kind == TOKEN_OPEN) {
        parse_call(p, &t);
    } else {
        parse_variable(p, &t);
    }
}

/* Every way down passes here, so this is where the depth is counted. */
static void parse_signed(struct parser *p)
{
    struct token t = p->token;
    if (p->build->failed) return;
    if (p->depth == EXPRESSION_DEPTH_MAX) {
        expression_build_fail(p->build, t.offset, "nested deeper than %d levels",
                              EXPRESSION_DEPTH_MAX);
        return;
    }
    p->depth++;
    if (t.kind == TOKEN_MINUS || t.kind == TOKEN_PLUS) {
        advance(p);
        parse_signed(p);
        if (t.kind == TOKEN_MINUS) expression_build_emit(p->build, OP_NEGATE, 0, 0, t.offset);
    } else {
        parse_value(p);
    }
    p->depth--;
}

static void parse_product(struct parser *p)
{
    parse_signed(p);
    for (;;) {
        struct token t = p->token;
        enum expression_op_code code = t.kind == TOKEN_STAR    ? OP_MULTIPLY
                                       : t.kind == TOKEN_SLASH ? OP_DIVIDE
                                                               : OP_REMAINDER;
        if (t.kind != TOKEN_STAR && t.kind != TOKEN_SLASH && t.kind != TOKEN_PERCENT) return;
        if (p->build->failed) return;
        advance(p);
        parse_signed(p);
        expression_build_emit(p->build, code, 0, -1, t.offset);
    }
}

static void parse_sum(struct parser *p)
{
    parse_product(p);
    while (!p->build->failed && (p->token.kind == TOKEN_PLUS || p->token.kind == TOKEN_MINUS)) {
        struct token t = p->token;
        advance(p);
        parse_product(p);
        expression_build_emit(p->build, t.kind == TOKEN_PLUS ? OP_ADD : OP_SUBTRACT, 0, -1,
                              t.offset);
    }
}

static bool is_comparison(const struct token *t, enum expression_op_code *ret)
{
    if (t->kind < TOKEN_LT || t->kind > TOKEN_NE) return false;
    *ret = (enum expression_op_code)(OP_LT + (t->kind - TOKEN_LT));
    return true;
}

static void parse_compared(struct parser *p)
{
    enum expression_op_code code = OP_LT, next;
    parse_sum(p);
    struct token t = p->token;
    if (p->build->failed || !is_comparison(&t, &code)) return;
    advance(p);
    parse_sum(p);
    expression_build_emit(p->build, code, 0, -1, t.offset);
    if (!p->build->failed && is_comparison(&p->token, &next))
        expression_build_fail(p->build, p->token.offset,
                              "comparisons do not follow each other: write and(a < b, b < c)");
}

/* Between values, word joins two conditions as the function of that name does. */
static void parse_joined(struct parser *p, const char *word, enum expression_op_code code,
                         void (*parse)(struct parser *))
{
    size_t jumps = 0, offset = 0;
    parse(p);
    while (!p->build->failed && is_word(&p->token, word)) {
        offset = p->token.offset;
        jumps = expression_build_chain(p->build, code, jumps, offset);
        advance(p);
        parse(p);
    }
    if (!jumps) return;
    expression_build_emit(p->build, OP_TRUTH, 0, 0, offset);
    expression_build_land_chain(p->build, jumps);
}

static void parse_all(struct parser *p)
{
    parse_joined(p, "and", OP_AND, parse_compared);
}

static void parse_expression(struct parser *p)
{
    if (!p->build->failed) parse_joined(p, "or", OP_OR, parse_all);
}

void expression_parser_run(struct expression_build *b)
{
    struct bytes text = b->text;
    struct parser parser = {.build = b, .lexer.text = text}, *p = &parser;
    if (text.n > EXPRESSION_TEXT_MAX) {
        expression_build_fail(b, EXPRESSION_TEXT_MAX, "this expression is longer than %d bytes",
                              EXPRESSION_TEXT_MAX);
        return;
    }
    if (!bytes_is_utf8(text)) {
        expression_build_fail(b, 0, "this text is not UTF-8");
        return;
    }
    advance(p);
    parse_expression(p);
    if (!b->failed && p->token.kind != TOKEN_END)
        fail_expected(p, "an operator or the end of the text");
    bug_if(!b->failed && b->stack != 1);
}
