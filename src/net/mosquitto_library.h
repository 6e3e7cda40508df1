#pragma once
/* net/mosquitto_library.h -- libmosquitto, loaded when a broker is named (docs/decisions/0003 says
 * why libraries that few need are found at run time). Types and constants come from its header.
 * Threads: load any; what it returns is immutable.   Memory: stays loaded. */
#include <mosquitto.h>

struct mosquitto_library {
    struct mosquitto *(*create)(const char *id, bool clean_session, void *ctx);
    void (*destroy)(struct mosquitto *);
    int (*connect)(struct mosquitto *, const char *host, int port, int keepalive);
    int (*disconnect)(struct mosquitto *);
    int (*login)(struct mosquitto *, const char *user, const char *password);
    int (*int_option)(struct mosquitto *, enum mosq_opt_t option, int value);
    int (*threaded_set)(struct mosquitto *, bool threaded);
    int (*subscribe)(struct mosquitto *, int *mid, const char *filter, int qos);
    int (*read)(struct mosquitto *, int max_packets);
    int (*write)(struct mosquitto *, int max_packets);
    int (*misc)(struct mosquitto *);
    bool (*want_write)(struct mosquitto *);
    int (*socket)(struct mosquitto *);
    void (*on_connect)(struct mosquitto *, void (*)(struct mosquitto *, void *, int));
    void (*on_message)(struct mosquitto *,
                       void (*)(struct mosquitto *, void *, const struct mosquitto_message *));
    const char *(*error)(int code);
    const char *(*refusal)(int code); /* of a CONNACK */
};
/* NULL: it is not installed; MOSQUITTO_LIBRARY_MISSING says what to do. */
const struct mosquitto_library *mosquitto_library_load(void);
#define MOSQUITTO_LIBRARY_MISSING                                                                  \
    "mqtt.broker.url needs libmosquitto.so.1; on Debian: apt-get install libmosquitto1"
