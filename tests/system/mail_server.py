"""A real mail server for tests (aiosmtpd): prints a JSON line for "ready" and for each mail it takes.

    mail_server.py [--cert FILE --key FILE] [--login USER:PASSWORD]

What a recipient is called decides: refused@… is refused for ever (550), busy@… is asked to come back
(451) twice for each message, everything else is taken.
"""
import argparse
import asyncio
import base64
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Keep:
    def __init__(self):
        self.seen = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        key = mail["Message-ID"]
        self.seen[key] = self.seen.get(key, 0) + 1
        if envelope.rcpt_tos[0].startswith("busy@") and self.seen[key] <= 2:
            return "451 4.7.1 come back later"
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "attempts": self.seen[key],
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "names": [name.lower() for name, _ in mail.items()],
            "text": mail.get_content().replace("\r\n", "\n"), "login": session.auth_data, "tls": session.ssl is not None,
            "raw": base64.b64encode(envelope.content).decode(),
        }), flush=True)
        return "250 taken"


def main():
    options = argparse.ArgumentParser()
    for name in ("--cert", "--key", "--login"):
        options.add_argument(name)
    given = options.parse_args()
    more = {}
    if given.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given.cert, given.key)
        more.update(tls_context=context)
    if given.login:
        user, password = given.login.encode().split(b":")

        def check(server, session, envelope, mechanism, data):
            good = isinstance(data, LoginPassword) and (data.login, data.password) == (user, password)
            return AuthResult(success=good, handled=good, auth_data=user.decode() if good else None)
        more.update(authenticator=check, auth_required=True, auth_require_tls=bool(given.cert))
    asyncio.run(serve(more))


async def serve(more):
    keep = Keep()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keep, **more), "127.0.0.1", 0)
    print(json.dumps({"ready": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # until whoever started us goes
    server.close()


main()
