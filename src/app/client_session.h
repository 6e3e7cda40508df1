#pragma once
/* app/client_session.h -- a client of a running server as the command line asks for it: --url, and
 * --token or --user with --password.   Threads: main.   Memory: the caller closes the client. */
#include "app/cli.h"
#include "app/http_client.h"

/* Without a credential on the command line it is the server of --data that is asked, through its
 * control socket: its owner needs no password. The exit code; what failed has been said. */
struct client_session {
    struct http_client *client;
    char key_id[24], user_id[24], org_id[24]; /* of a key to be given back, or "" */
};
int client_session_open(struct cli *cli, struct client_session *ret);
void client_session_close(struct cli *cli, struct client_session *s);
