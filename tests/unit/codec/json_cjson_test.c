/* Our tokenizer against cJSON, on seeded random documents and on mutations of them: both must read
 * the same tree from what both accept. cJSON is lax, so that accepting is compared in one direction
 * only, with these exceptions, each seen in its source (1.7.15):
 *   X1  cJSON takes any byte up to 0x20 as white space, we take four of them
 *   X2  cJSON takes control characters and any bytes (not only UTF-8) in strings
 *   X3  cJSON reads a run of [0-9+-.eE] behind a digit or '-' with strtod: 01, 1., -.5, 1e309
 *   X4  cJSON skips a byte order mark
 *   X5  cJSON nests 1000 deep, we 32
 *   X6  cJSON stores strings with a terminator: an escaped NUL ends the text it reports
 *   X7  of a number cJSON copies at most 63 characters: longer ones are cut in their digits
 * What remains, and is tested: whatever we accept cJSON accepts with equal values (but X6, X7);
 * whatever cJSON refuses we refuse. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/json_text.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED UINT64_C(8259)

static void random_string(struct buf *b, struct rnd *r)
{
    static const char *const pieces[] = {"a",   "temperature",    "\xc3\xa9", "\xe2\x82\xac",
                                         "\\n", "\\u00e9",        "\\\"",     "\\\\",
                                         "\\/", "\\ud834\\udd1e", " ",        "\\u0041"};
    buf_add_char(b, '"');
    for (uint64_t n = rnd_below(r, 6); n; n--)
        buf_add_str(b, pieces[rnd_below(r, sizeof pieces / sizeof *pieces)]);
    buf_add_char(b, '"');
}

static void random_number(struct buf *b, struct rnd *r)
{
    static const char *const formats[] = {"%.0f", "%.2f", "%.17g", "%e", "%.3E"};
    double v = (rnd_unit(r) - 0.5) * (rnd_below(r, 2) ? 100.0 : 1e18);
    buf_printf(b, formats[rnd_below(r, 5)], v); /* -0 and exponents included */
}

static void random_white(struct buf *b, struct rnd *r)
{
    static const char *const white[] = {"", "", "", " ", "\n", "\t \r"};
    buf_add_str(b, white[rnd_below(r, 6)]);
}

static void random_value(struct buf *b, struct rnd *r, unsigned depth)
{
    static const char *const words[] = {"true", "false", "null"};
    uint64_t kind = rnd_below(r, depth ? 6 : 4);
    random_white(b, r);
    if (kind < 2) random_number(b, r);
    if (kind == 2) random_string(b, r);
    if (kind == 3) buf_add_str(b, words[rnd_below(r, 3)]);
    if (kind >= 4) {
        buf_add_char(b, kind == 4 ? '[' : '{');
        uint64_t n = rnd_below(r, 5);
        for (uint64_t i = 0; i < n; i++) {
            if (i) buf_add_char(b, ',');
            random_white(b, r);
            if (kind == 5) random_string(b, r);
            if (kind == 5) buf_add_char(b, ':');
            random_value(b, r, depth - 1);
        }
        buf_add_char(b, kind == 4 ? ']' : '}');
    }
    random_white(b, r);
}

/* --- comparing trees -------------------------------------------------------------------------- */

static bool same_text(struct bytes ours, const char *theirs)
{
    size_t n = strnlen(ours.p ? ours.p : "", ours.n); /* X6 */
    return strlen(theirs) == n && memcmp(ours.p, theirs, n) == 0;
}

static bool same_value(struct json_reader *r, const struct json_token *t, const cJSON *item);

static bool same_children(struct json_reader *r, const cJSON *parent, bool object)
{
    const cJSON *child = parent->child;
    struct json_token t;
    for (;; child = child->next) {
        if (json_text_next(r, &t, NULL)) return false;
        if (t.kind == JSON_OBJECT_END || t.kind == JSON_ARRAY_END) return child == NULL;
        if (!child) return false;
        if (object) {
            if (t.kind != JSON_KEY || !same_text(t.text, child->string)) return false;
            if (json_text_next(r, &t, NULL)) return false;
        }
        if (!same_value(r, &t, child)) return false;
    }
}

static bool same_value(struct json_reader *r, const struct json_token *t, const cJSON *item)
{
    switch (t->kind) {
    case JSON_OBJECT:
        return cJSON_IsObject(item) && same_children(r, item, true);
    case JSON_ARRAY:
        return cJSON_IsArray(item) && same_children(r, item, false);
    case JSON_STRING:
        return cJSON_IsString(item) && same_text(t->text, item->valuestring);
    case JSON_NUMBER:
        if (!cJSON_IsNumber(item)) return false;
        return t->text.n > 63 ||
               memcmp(&t->number, &item->valuedouble, sizeof(double)) == 0; /* X7 */
    case JSON_TRUE:
        return cJSON_IsTrue(item);
    case JSON_FALSE:
        return cJSON_IsFalse(item);
    case JSON_NULL:
        return cJSON_IsNull(item);
    default:
        return false;
    }
}

static void compare(struct bytes text)
{
    struct why why = {""};
    enum err ours = json_text_check(text, JSON_DEPTH_MAX, &why);
    char *terminated = mem_copy(text.p, text.n);
    /* the last argument asks it to refuse what stands behind the value, up to the terminator */
    cJSON *tree = cJSON_ParseWithLengthOpts(terminated, text.n + 1, NULL, 1);
    if (!ours && !tree) fail_msg("only we take %.*s", (int)text.n, text.p);
    if (!ours) {
        struct arena arena;
        struct json_reader r;
        struct json_token t;
        arena_init(&arena, 1 << 20);
        json_text_init(&r, text, &arena, JSON_DEPTH_MAX);
        if (json_text_next(&r, &t, NULL) || !same_value(&r, &t, tree))
            fail_msg("another tree: %.*s", (int)text.n, text.p);
        arena_done(&arena);
    }
    cJSON_Delete(tree);
    mem_free(terminated);
}

static void random_documents_read_the_same(void **state)
{
    (void)state;
    struct rnd r;
    struct buf b;
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 20000; i++) {
        buf_clear(&b);
        random_value(&b, &r, 5);
        struct why why = {""};
        if (json_text_check(buf_bytes(&b), JSON_DEPTH_MAX, &why))
            fail_msg("%.*s: %s", (int)b.n, b.p, why.text);
        compare(buf_bytes(&b));
    }
    buf_done(&b);
}

/* One to three bytes changed, taken out, doubled or put in. */
static void mutate(struct buf *b, struct rnd *r)
{
    static const char often[] = "{}[]:,\"\\0123456789+-.eEtrufalsn \n\x00\x1f\x7f\x80\xc3\xff";
    for (uint64_t n = 1 + rnd_below(r, 3); n && b->n; n--) {
        size_t at = rnd_below(r, b->n);
        char c = often[rnd_below(r, sizeof often - 1)];
        switch (rnd_below(r, 4)) {
        case 0:
            b->p[at] = c;
            break;
        case 1:
            memmove(b->p + at, b->p + at + 1, --b->n - at);
            break;
        case 2:
            c = b->p[at]; /* fall through */
        default:
            buf_add_char(b, 0);
            memmove(b->p + at + 1, b->p + at, b->n - 1 - at);
            b->p[at] = c;
        }
    }
}

static void mutated_documents_are_never_taken_alone(void **state)
{
    (void)state;
    struct rnd r;
    struct buf b;
    rnd_seed(&r, SEED + 1);
    buf_init(&b, 1 << 20);
    int taken = 0;
    for (int i = 0; i < 60000; i++) {
        buf_clear(&b);
        random_value(&b, &r, 3);
        mutate(&b, &r);
        compare(buf_bytes(&b));
        taken += json_text_check(buf_bytes(&b), JSON_DEPTH_MAX, NULL) == ERR_OK;
    }
    assert_true(taken > 1000 && taken < 50000); /* the mutations bite, and not always */
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_documents_read_the_same),
        cmocka_unit_test(mutated_documents_are_never_taken_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
