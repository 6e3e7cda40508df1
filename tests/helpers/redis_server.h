#pragma once
/* tests/helpers/redis_server.h -- a real Redis of one test program: its own directory, reached
 * through a socket in it, stopped by its pid.
 * Threads: one.   Memory: the test owns the struct. */
#include "temp_dir.h"

#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
    struct temp_dir dir;
    char socket[160];
    pid_t pid; /* 0: not running */
};
/* False: there is no Redis on this machine (it says so). Aborts when one does not start. */
bool redis_server_start(struct redis_server *s);
void redis_server_kill(struct redis_server *s);  /* as a crash */
void redis_server_again(struct redis_server *s); /* after a kill, on the same socket, empty */
void redis_server_pause(struct redis_server *s); /* takes connections and answers nothing */
void redis_server_resume(struct redis_server *s);
void redis_server_stop(struct redis_server *s);
