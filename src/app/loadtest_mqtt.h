#pragma once
/* app/loadtest_mqtt.h -- devices that speak MQTT 5: a connection each, readings at QoS 1, one under
 * way; the PUBACK is the answer. A connection that is lost answers with status 0 and is made again
 * by the next reading.
 * Threads: main.   Memory: a connection is owned by its device until loadtest_mqtt_free(). */
#include "app/loadtest.h"

/* Finds the address of --mqtt, or of the server's host at 1883. */
enum err loadtest_mqtt_open(struct loadtest *t) MUST_CHECK;
/* d->call.request is the payload; d->call.done() is told. */
void loadtest_mqtt_send(struct loadtest_device *d);
void loadtest_mqtt_sweep(struct loadtest *t);     /* fails what has waited too long */
void loadtest_mqtt_free(struct loadtest_mqtt *m); /* NULL is fine */
