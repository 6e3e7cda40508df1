#pragma once
/* app/client_session.h -- a client of a running server as the command line asks for it: --url, and
 * --token or --user with --password.   Threads: main.   Memory: the caller closes the client. */
#include "app/cli.h"
#include "app/http_client.h"

/* The exit code; what failed has been said. */
int client_session_open(struct cli *cli, struct http_client **ret);
/* GET or POST without a sink that must answer 2xx; else ERR_INVALID and the server's sentence. */
enum err client_session_post(struct http_client *c, const char *path, struct bytes json,
                             struct http_answer *ret, struct why *why) MUST_CHECK;
