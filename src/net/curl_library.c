/* libcurl by dlopen() (see curl_library.h). */
#include "net/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static struct curl_library curl;
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
    CURLcode (*global_init)(long);
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    loaded = library && find(library, "curl_global_init", &global_init) &&
             find(library, "curl_easy_init", &curl.easy_init) &&
             find(library, "curl_easy_cleanup", &curl.easy_cleanup) &&
             find(library, "curl_easy_setopt", &curl.easy_setopt) &&
             find(library, "curl_easy_perform", &curl.easy_perform) &&
             find(library, "curl_easy_getinfo", &curl.easy_getinfo) &&
             find(library, "curl_easy_strerror", &curl.easy_strerror) &&
             find(library, "curl_slist_append", &curl.slist_append) &&
             find(library, "curl_slist_free_all", &curl.slist_free_all) &&
             global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const struct curl_library *curl_library_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded ? &curl : NULL;
}
