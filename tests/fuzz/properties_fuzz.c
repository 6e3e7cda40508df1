/* Properties: whatever is read comes out as UTF-8 with rising lines, and reads the same again
 * after it was written back with every special byte escaped. References of every value are
 * resolved, too. */
#include "conf/properties.h"

static const char *no_env(void *ctx, const char *name)
{
    (void)ctx;
    return name[0] == 'S' ? "set" : NULL;
}

/* A backslash before everything that means something; line ends and tabs as letters. */
static void write_escaped(struct buf *out, struct bytes s)
{
    for (size_t i = 0; i < s.n; i++) {
        static const char from[] = "\t\n\r\f", to[] = "tnrf", special[] = " \\=:#!";
        const char *letter = memchr(from, s.p[i], 4);
        if (letter || memchr(special, s.p[i], 6)) buf_add_char(out, '\\');
        buf_add_char(out, letter ? to[letter - from] : s.p[i]);
    }
}

static void check_written(const struct property *property)
{
    struct buf text;
    struct properties again;
    struct property same;
    buf_init(&text, 1 << 20);
    buf_add_char(&text, '\n'); /* a byte order mark counts at the very start only */
    write_escaped(&text, property->key);
    buf_add_char(&text, '=');
    write_escaped(&text, property->value);
    properties_open(&again, buf_bytes(&text));
    bug_if(properties_next(&again, &same, NULL) != ERR_OK);
    bug_if(!bytes_equal(same.key, property->key) || !bytes_equal(same.value, property->value));
    bug_if(properties_next(&again, &same, NULL) != ERR_END);
    properties_done(&again);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct properties reader;
    struct property property;
    struct why why;
    struct buf expanded;
    size_t line = 0;
    if (n > 20000) return 0;
    buf_init(&expanded, 1 << 20);
    properties_open(&reader, bytes_of(p, n));
    while (!properties_next(&reader, &property, &why)) {
        bug_if(property.line <= line);
        bug_if(!bytes_is_utf8(property.key) || !bytes_is_utf8(property.value));
        line = property.line;
        check_written(&property);
        buf_clear(&expanded);
        enum err e = properties_expand(&expanded, property.value, no_env, NULL, &why);
        bug_if(e && e != ERR_NOTFOUND && e != ERR_INVALID && e != ERR_TOOLARGE);
    }
    properties_done(&reader);
    buf_done(&expanded);
    return 0;
}
