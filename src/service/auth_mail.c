/* Letters of the auth family (see auth_mail.h). Without a public address they carry the token
 * itself, to be typed into the page. */
#include "service/auth_mail.h"

#include "service/auth_state.h"

struct bytes auth_mail_link(struct auth_service *s, const char *path, struct bytes token,
                            struct arena *a)
{
    struct bytes base = s->opts.public_url;
    while (base.n && base.p[base.n - 1] == '/') base.n--;
    if (!base.n) return bytes_of(NULL, 0);
    return bytes_str(
        arena_printf(a, "%.*s%s%.*s", (int)base.n, base.p, path, (int)token.n, token.p));
}

static enum err send(struct auth_service *s, struct sql_tx *tx, int64_t org, const char *kind,
                     struct bytes to, const char *subject, const char *text)
{
    if (!subject || !text) return ERR_NOMEM;
    return s->opts.send_mail(s->opts.send_mail_ctx, tx, org, kind, to, bytes_str(subject),
                             bytes_str(text));
}

enum err auth_mail_invitation(struct auth_service *s, struct sql_tx *tx, const struct invitation *i,
                              const struct organization *o, struct bytes url, struct bytes token,
                              struct arena *a, bool *ret_sent)
{
    *ret_sent = s->opts.send_mail != NULL;
    if (!*ret_sent) return ERR_OK;
    struct bytes way = url.p ? url : token;
    const char *subject = arena_printf(a, "Invitation to %.*s", (int)o->name.n, o->name.p);
    const char *text = arena_printf(
        a,
        "You are invited to join %.*s on SensorVision.\n\n"
        "To choose a user name and a password, %s:\n\n    %.*s\n\n"
        "This works once, within 7 days. If you do not know why you got this, do nothing.\n",
        (int)o->name.n, o->name.p, url.p ? "open" : "use this token", (int)way.n, way.p);
    return send(s, tx, i->org, AUTH_MAIL_INVITATION, i->email, subject, text);
}

enum err auth_mail_reset(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                         struct bytes token, struct arena *a)
{
    if (!s->opts.send_mail) return ERR_OK;
    struct bytes url = auth_mail_link(s, "/reset-password?token=", token, a);
    struct bytes way = url.p ? url : token;
    const char *text = arena_printf(
        a,
        "Somebody asked for a new password of the user %.*s.\n\n"
        "To choose one, %s:\n\n    %.*s\n\n"
        "This works once, within an hour. If it was not you, do nothing: the old one stays.\n",
        (int)u->username.n, u->username.p, url.p ? "open" : "use this token", (int)way.n, way.p);
    return send(s, tx, u->org, AUTH_MAIL_RESET, u->email, "A new password for SensorVision", text);
}

void auth_mail_committed(struct auth_service *s)
{
    if (s->opts.mail_committed) s->opts.mail_committed(s->opts.send_mail_ctx);
}
