#pragma once
/* app/service_manager.h -- tells systemd (Type=notify) what the server is doing: one datagram to
 * the socket named by NOTIFY_SOCKET; without it nothing happens.   Threads: main. */
void service_manager_notify(const char *state); /* "READY=1", "STOPPING=1" */
