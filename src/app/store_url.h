#pragma once
/* app/store_url.h -- what store.url names: a directory of this machine, or a PostgreSQL database.
 *
 *   ""                                   embedded in the data directory
 *   embedded:DIR                         embedded in DIR
 *   postgres://… postgresql://…          as libpq reads it
 *   jdbc:postgresql://HOST:PORT/DB?…     the Java platform's: user, password, sslmode and its
 *                                        files, ssl, currentSchema are kept; what tunes the driver
 *                                        is dropped
 *
 * No message repeats the address: it may hold a password.   Threads: any. */
#include "base/bytes.h"
#include "base/err.h"

enum store_url_kind { STORE_URL_EMBEDDED, STORE_URL_POSTGRES };

struct store_url {
    enum store_url_kind kind;
    char text[2048]; /* the directory ("" = the data directory), or libpq's form */
};
enum err store_url_parse(struct store_url *ret, struct bytes url, struct why *why) MUST_CHECK;
