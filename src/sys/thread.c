/* Starting threads (see thread.h). */
#include "sys/thread.h"

#include <signal.h>

enum err thread_start(pthread_t *ret, void *(*run)(void *), void *arg, const char *name,
                      size_t stack_bytes)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return ERR_NOMEM;
    int failed = pthread_attr_setstacksize(&attributes, stack_bytes ? stack_bytes : 256 * 1024);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    if (!failed) failed = pthread_create(&thread, &attributes, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed) return err_from_errno(failed);
    pthread_setname_np(thread, name);
    *ret = thread;
    return ERR_OK;
}

enum err thread_start_detached(void *(*run)(void *), void *arg, const char *name,
                               size_t stack_bytes)
{
    pthread_t thread;
    enum err e = thread_start(&thread, run, arg, name, stack_bytes);
    if (!e) pthread_detach(thread);
    return e;
}
