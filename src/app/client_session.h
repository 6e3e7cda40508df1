#pragma once
/* app/client_session.h -- a client as the command line asks for it, and the server it speaks to:
 *
 *   --url URL     that server; it takes --token, or --user with --password
 *   else          the server of --data: the running one, or without one a server in this process
 *                 under the directory's lock (app/local_server.h), gone with the session
 *
 * With the server of --data a credential may be given; without one its owner needs none. Whoever
 * gives one but neither --url nor --data, and keeps no data in ./var, means http://127.0.0.1:8080.
 * Threads: main.   Memory: owned until close. */
#include "app/cli.h"
#include "app/http_client.h"
#include "app/local_server.h"

struct client_session {
    struct http_client *client;
    struct local_server *server;              /* NULL: it was running already */
    char key_id[24], user_id[24], org_id[24]; /* of a key to be given back, or "" */
};
/* The exit code; what failed has been said. */
int client_session_open(struct cli *cli, struct client_session *ret);
void client_session_close(struct cli *cli, struct client_session *s);
