/* Values, names and words (see postgres_wire.h). The object ids of types are PostgreSQL's own and
 * fixed (its pg_type.dat). */
#include "store/postgres/postgres_wire.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_VARCHAR = 1043,
    TYPE_NAME = 19,
    TYPE_INT8_ARRAY = 1016,
    TYPE_FLOAT8_ARRAY = 1022
};
enum { SCRIPT_BYTES_MAX = 1 << 20 };

/* --- parameters ------------------------------------------------------------------------------- */

static uint64_t big_endian(uint64_t v)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++) b[i] = (uint8_t)(v >> (56 - 8 * i));
    memcpy(&v, b, sizeof v);
    return v;
}

static void bind_number(struct postgres_args *args, size_t i, Oid type, uint64_t bits)
{
    args->types[i] = type;
    args->numbers[i] = big_endian(bits);
    args->values[i] = (const char *)&args->numbers[i];
    args->lengths[i] = 8;
}

static void bind_one(struct postgres_args *args, size_t i, const struct sql_value *v)
{
    uint64_t bits;
    args->formats[i] = 1;
    switch (v->type) {
    case SQL_TYPE_INT:
        bind_number(args, i, TYPE_INT8, (uint64_t)v->as.i);
        return;
    case SQL_TYPE_REAL:
        memcpy(&bits, &v->as.r, sizeof bits);
        bind_number(args, i, TYPE_FLOAT8, bits);
        return;
    case SQL_TYPE_TEXT:
    case SQL_TYPE_BLOB:
        args->types[i] = v->type == SQL_TYPE_TEXT ? TYPE_TEXT : TYPE_BYTEA;
        args->values[i] = v->as.b.p ? v->as.b.p : "";
        args->lengths[i] = (int)v->as.b.n;
        return;
    case SQL_TYPE_NULL:
        break;
    }
    args->types[i] = 0; /* as the statement has it */
    args->values[i] = NULL;
    args->lengths[i] = 0;
}

bool postgres_wire_bind(struct postgres_args *args, struct sql_args given)
{
    if (given.n > POSTGRES_ARGS_MAX) return false;
    args->n = given.n;
    for (size_t i = 0; i < given.n; i++) bind_one(args, i, &given.values[i]);
    return true;
}

static void add_array(struct postgres_args *args, Oid type, struct bytes array)
{
    size_t i = args->n++;
    args->types[i] = type;
    args->values[i] = array.p;
    args->lengths[i] = (int)array.n;
    args->formats[i] = 1;
}

void postgres_wire_add_ints(struct postgres_args *args, struct bytes array)
{
    add_array(args, TYPE_INT8_ARRAY, array);
}

void postgres_wire_add_reals(struct postgres_args *args, struct bytes array)
{
    add_array(args, TYPE_FLOAT8_ARRAY, array);
}

void postgres_wire_add_int(struct postgres_args *args, int64_t v)
{
    bind_one(args, args->n++, &SQL_I(v));
}

/* --- columns ---------------------------------------------------------------------------------- */

static uint64_t read_bits(const char *p, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v = v << 8 | (uint8_t)p[i];
    return v;
}

static struct sql_value read_real(const char *p, int n)
{
    uint64_t bits = read_bits(p, n);
    uint32_t half = (uint32_t)bits;
    double v;
    float f;
    memcpy(&f, &half, sizeof f);
    memcpy(&v, &bits, sizeof v);
    return SQL_R(n == 4 ? (double)f : v);
}

bool postgres_wire_read(const PGresult *r, int row, int column, struct sql_value *ret)
{
    if (PQgetisnull(r, row, column)) {
        *ret = SQL_NULL;
        return true;
    }
    const char *p = PQgetvalue(r, row, column);
    int n = PQgetlength(r, row, column);
    switch (PQftype(r, column)) {
    case TYPE_INT8:
        *ret = SQL_I((int64_t)read_bits(p, n));
        return true;
    case TYPE_INT4:
        *ret = SQL_I((int32_t)read_bits(p, n));
        return true;
    case TYPE_INT2:
        *ret = SQL_I((int16_t)read_bits(p, n));
        return true;
    case TYPE_BOOL:
        *ret = SQL_I(p[0] != 0);
        return true;
    case TYPE_FLOAT8:
    case TYPE_FLOAT4:
        *ret = read_real(p, n);
        return true;
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_NAME:
        *ret = SQL_T(bytes_of(p, (size_t)n));
        return true;
    case TYPE_BYTEA:
        *ret = SQL_B(bytes_of(p, (size_t)n));
        return true;
    default:
        return false;
    }
}

/* --- prepared statements ---------------------------------------------------------------------- */

static void forget_all(struct postgres_conn *c)
{
    PQclear(PQexec(c->pg, "DEALLOCATE ALL"));
    for (size_t i = 0; i < sizeof c->statements / sizeof *c->statements; i++) {
        mem_free(c->statements[i].text);
        c->statements[i] = (struct postgres_statement){0};
    }
    c->statement_count = 0;
}

bool postgres_wire_statement(struct postgres_conn *c, const char *sql,
                             const struct postgres_args *args, unsigned *ret_number,
                             bool *ret_known)
{
    const size_t slots = sizeof c->statements / sizeof *c->statements;
    uint64_t types = bytes_hash(bytes_of(args->types, args->n * sizeof *args->types), 1);
    uint64_t hash = bytes_hash(bytes_str(sql), types) | 1;
    if (c->statement_count == POSTGRES_STATEMENTS_MAX) forget_all(c);
    size_t at = hash % slots;
    struct postgres_statement *s = &c->statements[at];
    while (s->hash && (s->hash != hash || strcmp(s->text, sql) != 0)) {
        at = (at + 1) % slots;
        s = &c->statements[at];
    }
    *ret_known = s->hash != 0;
    if (!*ret_known) {
        char *text = mem_copy_str(sql);
        if (!text) return false;
        *s = (struct postgres_statement){hash, text, ++c->statement_next};
        c->statement_count++;
    }
    *ret_number = s->number;
    return true;
}

/* A slot may not become empty in the middle of a chain: it keeps its text under a number that will
 * not be asked for again, and is prepared anew as another. */
void postgres_wire_forget(struct postgres_conn *c, unsigned number)
{
    for (size_t i = 0; i < sizeof c->statements / sizeof *c->statements; i++) {
        struct postgres_statement *s = &c->statements[i];
        if (s->hash && s->number == number) s->hash = UINT64_MAX - 1; /* even: matches no hash */
    }
}

/* --- words ------------------------------------------------------------------------------------ */

char *postgres_wire_translate(const char *sql)
{
    static const struct {
        const char *ours, *theirs;
    } words[] = {
        {" INTEGER PRIMARY KEY AUTOINCREMENT",
         " BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
        {" BLOB", " BYTEA"},
    };
    struct buf b;
    buf_init(&b, SCRIPT_BYTES_MAX);
    while (*sql) {
        size_t i = 0;
        while (i < 2 && strncmp(sql, words[i].ours, strlen(words[i].ours)) != 0) i++;
        buf_add_str(&b, i < 2 ? words[i].theirs : (const char[]){*sql, 0});
        sql += i < 2 ? strlen(words[i].ours) : 1;
    }
    struct bytes all = buf_bytes(&b);
    char *text = b.err ? NULL : mem_copy(all.p, all.n);
    buf_done(&b);
    return text;
}
