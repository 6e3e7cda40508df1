/* probe_wrappers -- puts a probe around every function that a header declares, for
 * cmake/probes.cmake:
 *
 *     probe_wrappers KIND HEADER EXEMPT OUT.c     the wrappers of one header
 *     probe_wrappers --names EXEMPT HEADER...     their names, one to a line: what the linker wraps
 *
 * The linker sends each call of f() from another file to __wrap_f(), which is made here: it times
 * and counts, and calls __real_f(). So a function that is declared is probed; nobody can forget it.
 * EXEMPT (tools/probe_exempt.txt) has lines "NAME none REASON", "NAME sampled REASON" (one call in
 * 64 is timed and stands for all) and "header.h none REASON". A declaration that is not understood
 * ends the build. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_ = 96, PARAMS_MAX = 24, TEXT_MAX = 4096 };

struct prototype {
    char result[128], name[NAME_MAX_], params[TEXT_MAX];
    char args[PARAMS_MAX][NAME_MAX_];
    int arg_count;
    bool has_org; /* a parameter int64_t org */
};
typedef void visit_fn(void *ctx, const struct prototype *p);

static char *exempt_text;
static const char *header_name;
static bool only_names;

static void die(const char *what, const char *text)
{
    fprintf(stderr, "probe_wrappers: %s: %s: %.200s\n", header_name, what, text);
    exit(1);
}

static char *read_whole(const char *file)
{
    FILE *in = fopen(file, "rb");
    if (!in) die("cannot be read", file);
    char *text = calloc(1, 1 << 20);
    if (!text || fread(text, 1, (1 << 20) - 1, in) == 0) die("is empty", file);
    fclose(in);
    return text;
}

/* "" when the name has no line, else its second word. */
static const char *exemption(const char *name)
{
    static char word[16];
    size_t n = strlen(name);
    for (const char *line = exempt_text; *line; line++) {
        if (strncmp(line, name, n) == 0 && line[n] == ' ' && sscanf(line + n, " %15s", word) == 1)
            return word;
        line += strcspn(line, "\n");
        if (!*line) break;
    }
    return "";
}

/* --- reading ---------------------------------------------------------------------------------- */

static char *blank_comment(char *t)
{
    for (; *t && strncmp(t, "*/", 2) != 0; t++) *t = ' ';
    if (*t) t[0] = t[1] = ' ';
    return t;
}

static char *blank_directive(char *t)
{
    for (; *t && *t != '\n'; t++) {
        if (*t == '\\' && t[1] == '\n') *t++ = ' ';
        *t = ' ';
    }
    return t;
}

/* Comments and preprocessor lines become blanks. */
static void blank_out(char *t)
{
    bool line_start = true;
    while (*t) {
        if (t[0] == '/' && t[1] == '*') {
            t = blank_comment(t);
            continue;
        }
        if (line_start && *t == '#') {
            t = blank_directive(t);
            continue;
        }
        line_start = *t == '\n' || (line_start && isspace((unsigned char)*t));
        t++;
    }
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The last identifier of a text. */
static void last_word(const char *text, size_t n, char ret[NAME_MAX_])
{
    while (n && !is_word(text[n - 1])) n--;
    size_t from = n;
    while (from && is_word(text[from - 1])) from--;
    if (n == from || n - from >= NAME_MAX_) die("a parameter without a name", text);
    memcpy(ret, text + from, n - from);
    ret[n - from] = 0;
}

/* The name of one parameter: of a pointer to a function inside its parentheses, of an array before
 * its brackets. */
static void read_param(struct prototype *p, const char *text, size_t n)
{
    char one[512];
    if (n >= sizeof one || p->arg_count == PARAMS_MAX) die("too many parameters", text);
    memcpy(one, text, n);
    one[n] = 0;
    if (strstr(one, "...") && only_names) return;
    if (strstr(one, "...")) die("an ellipsis cannot be passed on; name it in the exemptions", text);
    char *star = strstr(one, "(*");
    size_t end = star ? (size_t)(strchr(star, ')') - one) : strcspn(one, "[");
    char *name = p->args[p->arg_count++];
    last_word(one, end, name);
    if (strcmp(name, "org") == 0 && strstr(one, "int64_t")) p->has_org = true;
}

static void read_params(struct prototype *p)
{
    const char *from = p->params;
    int depth = 0;
    while (isspace((unsigned char)*from)) from++;
    if (strcmp(from, "void") == 0) return;
    for (const char *at = from;; at++) {
        depth += (*at == '(' || *at == '[') - (*at == ')' || *at == ']');
        if (*at && (*at != ',' || depth)) continue;
        read_param(p, from, (size_t)(at - from));
        if (!*at) return;
        from = at + 1;
    }
}

static void read_declaration(char *text, visit_fn *visit, void *ctx)
{
    static struct prototype p;
    char *open = strchr(text, '(');
    while (isspace((unsigned char)*text)) text++;
    if (!open || strncmp(text, "typedef", 7) == 0 || strncmp(text, "extern", 6) == 0) return;
    int depth = 0;
    char *close = open;
    for (; *close; close++) {
        depth += (*close == '(') - (*close == ')');
        if (!depth) break;
    }
    memset(&p, 0, sizeof p);
    last_word(text, (size_t)(open - text), p.name);
    if (strcmp(exemption(p.name), "none") == 0) return;
    size_t result = (size_t)(open - text) - strlen(p.name);
    while (result && isspace((unsigned char)text[result - 1])) result--;
    if (!*close || result == 0 || result >= sizeof p.result ||
        (size_t)(close - open) >= sizeof p.params)
        die("not a declaration that is understood", text);
    memcpy(p.result, text, result);
    memcpy(p.params, open + 1, (size_t)(close - open) - 1);
    read_params(&p);
    visit(ctx, &p);
}

/* Everything at the outermost level that ends with ';' and has no body. */
static void read_header(const char *file, visit_fn *visit, void *ctx)
{
    const char *slash = strrchr(file, '/');
    header_name = file;
    if (strcmp(exemption(slash ? slash + 1 : file), "none") == 0) return;
    char *text = read_whole(file), *from = text;
    blank_out(text);
    int depth = 0;
    bool body = false;
    for (char *at = text; *at; at++) {
        depth += (*at == '{') - (*at == '}');
        body |= *at == '{';
        bool function_ends = *at == '}' && !depth && memchr(from, '(', (size_t)(at - from)) &&
                             strncmp(from + strspn(from, " \n"), "static", 6) == 0;
        if (depth || (*at != ';' && !function_ends)) continue;
        *at = 0;
        if (!body) read_declaration(from, visit, ctx);
        body = false;
        from = at + 1;
    }
    free(text);
}

/* --- writing ---------------------------------------------------------------------------------- */

struct output {
    FILE *out;
    const char *kind;
};

static void write_call(FILE *out, const struct prototype *p)
{
    fprintf(out, "__real_%s(", p->name);
    for (int i = 0; i < p->arg_count; i++) fprintf(out, "%s%s", i ? ", " : "", p->args[i]);
    fprintf(out, ")");
}

static const char *result_of(const struct prototype *p)
{
    return strcmp(p->result, "void") == 0 ? "" : p->result;
}

/* The call, its result kept when there is one. */
static void write_kept(FILE *out, const struct prototype *p)
{
    if (*result_of(p)) fprintf(out, "%s probed_result = ", p->result);
    write_call(out, p);
    fprintf(out, ";\n");
}

/* Every outcome is counted; one call in PROBE_SAMPLED is timed. */
static void write_sampled(FILE *out, const struct prototype *p, bool error)
{
    const char *outcome = error ? "probed_result" : "ERR_OK";
    fprintf(out, "    static _Thread_local unsigned probed_calls;\n"
                 "    bool probed_now = probed_calls++ %% PROBE_SAMPLED == 0;\n"
                 "    int64_t probed_ns = probed_now ? probe_now() : 0;\n    ");
    write_kept(out, p);
    fprintf(out,
            "    if (probed_now)\n        probe_note(&probed, probed_ns, %s);\n"
            "    else\n        probe_note_untimed(&probed, %s);\n",
            outcome, outcome);
}

static void write_timed(FILE *out, const struct prototype *p, bool error)
{
    fprintf(out, "    struct probe_span probed_span;\n    probe_begin(&probed_span, &probed);\n");
    if (p->has_org) fprintf(out, "    if (!probed_span.org) probed_span.org = org;\n");
    fprintf(out, "    ");
    write_kept(out, p);
    fprintf(out, "    probe_end(&probed_span, %s);\n", error ? "probed_result" : "ERR_OK");
}

static void write_wrapper(void *ctx, const struct prototype *p)
{
    struct output *o = ctx;
    bool error = strcmp(p->result, "enum err") == 0;
    fprintf(o->out, "\n%s __real_%s(%s);\n%s __wrap_%s(%s);\n", p->result, p->name, p->params,
            p->result, p->name, p->params);
    fprintf(o->out,
            "%s __wrap_%s(%s)\n{\n    static struct probe probed = PROBE_INIT(%s, \"%s\");\n",
            p->result, p->name, p->params, o->kind, p->name);
    if (strcmp(exemption(p->name), "sampled") == 0)
        write_sampled(o->out, p, error);
    else
        write_timed(o->out, p, error);
    fprintf(o->out, "%s}\n", *result_of(p) ? "    return probed_result;\n" : "");
}

static void write_name(void *ctx, const struct prototype *p)
{
    fprintf(ctx, "%s\n", p->name);
}

/* "/x/src/service/a.h" is included as "service/a.h". */
static const char *include_of(const char *file)
{
    const char *found = file;
    for (const char *at = file; (at = strstr(at, "src/")); at++) found = at + 4;
    return found;
}

int main(int argc, char **argv)
{
    header_name = argc > 1 ? argv[1] : "";
    only_names = argc > 2 && strcmp(argv[1], "--names") == 0;
    if (only_names) {
        exempt_text = read_whole(argv[2]);
        for (int i = 3; i < argc; i++) read_header(argv[i], write_name, stdout);
        return 0;
    }
    if (argc != 5) die("usage", "KIND HEADER EXEMPT OUT.c | --names EXEMPT HEADER...");
    exempt_text = read_whole(argv[3]);
    struct output o = {fopen(argv[4], "wb"), argv[1]};
    if (!o.out) die("cannot be written", argv[4]);
    fprintf(o.out,
            "/* Made by tools/probe_wrappers.c of %s. */\n#include \"%s\"\n\n"
            "#include \"perf/probe.h\"\n#include <stdbool.h>\n",
            include_of(argv[2]), include_of(argv[2]));
    read_header(argv[2], write_wrapper, &o);
    return fclose(o.out) ? 1 : 0;
}
