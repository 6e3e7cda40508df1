/* libmosquitto by dlopen() (see mosquitto_library.h). */
#include "net/mosquitto_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static struct mosquitto_library mosquitto;
static bool loaded;

/* A function of the library; the copy through memcpy is what POSIX asks of dlsym(). */
static bool find(void *library, const char *name, void *ret)
{
    void *symbol = dlsym(library, name);
    memcpy(ret, &symbol, sizeof symbol);
    return symbol != NULL;
}

static void load(void)
{
    struct mosquitto_library *m = &mosquitto;
    int (*init)(void);
    const struct {
        const char *name;
        void *place;
    } functions[] = {
        {"mosquitto_new", &m->create},
        {"mosquitto_destroy", &m->destroy},
        {"mosquitto_connect", &m->connect},
        {"mosquitto_disconnect", &m->disconnect},
        {"mosquitto_username_pw_set", &m->login},
        {"mosquitto_int_option", &m->int_option},
        {"mosquitto_threaded_set", &m->threaded_set},
        {"mosquitto_subscribe", &m->subscribe},
        {"mosquitto_loop_read", &m->read},
        {"mosquitto_loop_write", &m->write},
        {"mosquitto_loop_misc", &m->misc},
        {"mosquitto_want_write", &m->want_write},
        {"mosquitto_socket", &m->socket},
        {"mosquitto_connect_callback_set", &m->on_connect},
        {"mosquitto_message_callback_set", &m->on_message},
        {"mosquitto_strerror", &m->error},
        {"mosquitto_connack_string", &m->refusal},
    };
    void *library = dlopen("libmosquitto.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library || !find(library, "mosquitto_lib_init", &init)) return;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!find(library, functions[i].name, functions[i].place)) return;
    loaded = init() == MOSQ_ERR_SUCCESS;
}

const struct mosquitto_library *mosquitto_library_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded ? &mosquitto : NULL;
}
