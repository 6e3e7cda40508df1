#pragma once
/* app/boot_mqtt.h -- the part of the start order that is MQTT: the server's own port, and the
 * subscriber on somebody else's broker.
 * Threads: the main thread.   Memory: struct boot owns what is opened. */
#include "app/boot.h"

/* Event loops, of HTTP and MQTT each. */
unsigned boot_mqtt_loops(const struct settings *s);
/* Behind everything that a message needs. */
enum err boot_mqtt_open(struct boot *b, struct why *why) MUST_CHECK;
/* Before the executors and the pipeline end, after the housekeeper has. */
void boot_mqtt_stop(struct boot *b);
void boot_mqtt_free(struct boot *b);
