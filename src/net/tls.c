/* TLS by OpenSSL over memory BIOs (see tls.h). */
#include "net/tls.h"

#include "base/mem.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { READ_BYTES = 16 * 1024 };

struct tls_context {
    SSL_CTX *ctx;
};
struct tls {
    SSL *ssl;
    BIO *in, *out; /* the SSL's */
};

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_get_error());
    return text ? text : "unknown reason";
}

static enum err load(SSL_CTX *ctx, const char *cert, const char *key, struct why *why)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return why_say(why, ERR_INVALID, "mqtt.tls.cert: cannot use %s: %s", cert, reason());
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return why_say(why, ERR_INVALID, "mqtt.tls.key: cannot use %s: %s", key, reason());
    if (SSL_CTX_check_private_key(ctx) != 1)
        return why_say(why, ERR_INVALID, "mqtt.tls.key: %s is not the key of %s", key, cert);
    return ERR_OK;
}

enum err tls_context_open(struct tls_context **ret, const char *cert, const char *key,
                          struct why *why)
{
    struct tls_context *t = mem_zalloc(sizeof *t);
    if (!t) return ERR_NOMEM;
    t->ctx = SSL_CTX_new(TLS_server_method());
    enum err e = t->ctx ? load(t->ctx, cert, key, why) : ERR_NOMEM;
    if (e) {
        tls_context_free(t);
        return e;
    }
    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS); /* an idle filter holds no record */
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    *ret = t;
    return ERR_OK;
}

void tls_context_free(struct tls_context *t)
{
    if (!t) return;
    SSL_CTX_free(t->ctx);
    mem_free(t);
}

struct tls *tls_new(struct tls_context *context)
{
    struct tls *t = mem_zalloc(sizeof *t);
    if (!t) return NULL;
    t->ssl = SSL_new(context->ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->in || !t->out) {
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_free(t->ssl);
        mem_free(t);
        return NULL;
    }
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_accept_state(t->ssl);
    return t;
}

void tls_free(struct tls *t)
{
    if (!t) return;
    SSL_free(t->ssl);
    mem_free(t);
}

static enum err read_error(struct tls *t, int result)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return ERR_OK; /* all that was there is taken */
    case SSL_ERROR_ZERO_RETURN:
        return ERR_END;
    default:
        return ERR_INVALID;
    }
}

enum err tls_take(struct tls *t, struct bytes from_socket, struct buf *ret_said)
{
    ERR_clear_error();
    if (BIO_write(t->in, from_socket.p, (int)from_socket.n) != (int)from_socket.n) return ERR_NOMEM;
    for (;;) {
        char *room = buf_reserve(ret_said, READ_BYTES);
        if (!room) return ret_said->err;
        int n = SSL_read(t->ssl, room, READ_BYTES);
        if (n <= 0) return read_error(t, n);
        buf_advance(ret_said, (size_t)n);
    }
}

enum err tls_say(struct tls *t, struct bytes said)
{
    ERR_clear_error();
    if (!SSL_is_init_finished(t->ssl)) return ERR_MORE;
    size_t written = 0;
    if (!said.n) return ERR_OK;
    return SSL_write_ex(t->ssl, said.p, said.n, &written) == 1 ? ERR_OK : ERR_INVALID;
}

void tls_bye(struct tls *t)
{
    ERR_clear_error();
    if (SSL_is_init_finished(t->ssl)) (void)!SSL_shutdown(t->ssl);
}

bool tls_has_output(const struct tls *t)
{
    return BIO_pending(t->out) > 0;
}

void tls_take_output(struct tls *t, struct buf *to_socket)
{
    size_t waiting = (size_t)BIO_pending(t->out);
    char *room = waiting ? buf_reserve(to_socket, waiting) : NULL;
    if (!room) return;
    int n = BIO_read(t->out, room, (int)waiting);
    if (n > 0) buf_advance(to_socket, (size_t)n);
}
