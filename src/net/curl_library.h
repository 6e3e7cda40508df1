#pragma once
/* net/curl_library.h -- libcurl, loaded when the first of us needs it (docs/decisions/0003): a
 * server that calls nobody never pays for it. Types and constants come from its headers, the
 * functions from the library found by name.
 * Threads: curl_library_load() any; what it returns is immutable.   Memory: stays loaded. */
#include <curl/curl.h>

struct curl_library {
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_perform)(CURL *);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    const char *(*easy_strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
};
/* NULL: it is not installed; CURL_LIBRARY_MISSING says what to do. */
const struct curl_library *curl_library_load(void);
#define CURL_LIBRARY_MISSING "libcurl.so.4 is not installed; on Debian: apt-get install libcurl4"
