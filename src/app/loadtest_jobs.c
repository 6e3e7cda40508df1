/* Workers that share a list of requests (see loadtest_jobs.h). */
#include "app/loadtest_jobs.h"

#include "base/mem.h"

#include <cjson/cJSON.h>

enum { WIDTH_MAX = 16, TRIES = 60 };

struct crowd;
struct worker {
    struct crowd *crowd;
    struct loadtest_link *link;
    struct loadtest_call call;
    struct loadtest_due again;
    size_t job;
    unsigned tries;
};
struct crowd {
    struct loadtest *t;
    const struct loadtest_jobs *jobs;
    struct worker workers[WIDTH_MAX];
    size_t next, done;
    unsigned working;
    enum err err;
};

/* "detail" or "message" of a problem, else the status. */
static void explain(struct loadtest *t, const struct loadtest_reply *reply)
{
    cJSON *root = cJSON_ParseWithLength(reply->body.p ? reply->body.p : "", reply->body.n);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "detail"));
    const cJSON *errors = cJSON_GetObjectItemCaseSensitive(root, "errors");
    const cJSON *first = errors ? errors->child : NULL;
    const char *field = cJSON_GetStringValue(first);
    if (!reply->status)
        (void)why_say(&t->why, ERR_IO, "%s: %s", t->net.host, reply->why);
    else if (field)
        (void)why_say(&t->why, ERR_INVALID, "the server refuses: %s: %s", first->string, field);
    else
        (void)why_say(&t->why, ERR_INVALID, "the server answers %d: %s", reply->status,
                      text ? text : "it does not say why");
    cJSON_Delete(root);
}

static void work(struct worker *w)
{
    struct crowd *c = w->crowd;
    bool stop = c->t->interrupts && !c->jobs->steadfast;
    if (stop && !c->err) c->err = why_say(&c->t->why, ERR_CLOSED, "interrupted");
    if (c->err || c->next == c->jobs->count) {
        c->working--;
        return;
    }
    w->job = c->next++;
    w->tries = 0;
    c->jobs->write(c->t, w->job, &w->call);
    loadtest_link_send(w->link, &w->call);
}

static void on_again(struct loadtest_due *due)
{
    struct worker *w = (struct worker *)(void *)((char *)due - offsetof(struct worker, again));
    loadtest_link_send(w->link, &w->call);
}

static bool may_try_again(struct worker *w, const struct loadtest_reply *reply)
{
    bool passing = reply->status == 0 || reply->status == 429 || reply->status == 503;
    bool stop = w->crowd->t->interrupts && !w->crowd->jobs->steadfast;
    if (!passing || stop || ++w->tries == (reply->status ? TRIES : 3)) return false;
    int64_t wait_ns = reply->retry_after_s > 0 ? reply->retry_after_s * NS_PER_S : NS_PER_S / 5;
    loadtest_schedule_set(&w->crowd->t->schedule, &w->again, loadtest_now_ns() + wait_ns);
    return true;
}

static void on_reply(struct loadtest_call *call, const struct loadtest_reply *reply)
{
    struct worker *w = (struct worker *)(void *)((char *)call - offsetof(struct worker, call));
    struct crowd *c = w->crowd;
    if (reply->status < 200 || reply->status > 299) {
        if (may_try_again(w, reply)) return;
        if (!c->err) {
            c->err = ERR_INVALID;
            explain(c->t, reply);
        }
    } else if (c->jobs->take) {
        enum err e = c->jobs->take(c->t, w->job, reply);
        if (!c->err) c->err = e;
    }
    cli_progress_show(&c->t->progress, ++c->done);
    work(w);
}

static void begin(struct crowd *c, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        struct worker *w = &c->workers[i];
        w->crowd = c;
        w->link = loadtest_link_new(&c->t->net);
        w->again.run = on_again;
        loadtest_call_init(&w->call, on_reply);
        if (!w->link && !c->err) c->err = why_say(&c->t->why, ERR_NOMEM, "out of memory");
    }
    if (c->err) return;
    c->working = width;
    for (unsigned i = 0; i < width; i++) work(&c->workers[i]);
}

enum err loadtest_jobs_run(struct loadtest *t, const struct loadtest_jobs *jobs)
{
    struct crowd *c = mem_zalloc(sizeof *c);
    if (!c) return why_say(&t->why, ERR_NOMEM, "out of memory");
    unsigned width = jobs->width < WIDTH_MAX ? jobs->width : WIDTH_MAX;
    c->t = t;
    c->jobs = jobs;
    if (jobs->noun) cli_progress_start(&t->progress, t->cli, jobs->noun, jobs->count);
    begin(c, width);
    while (c->working) uv_run(&t->loop, UV_RUN_ONCE);
    if (jobs->noun) cli_progress_end(&t->progress);
    for (unsigned i = 0; i < width; i++) {
        loadtest_link_free(c->workers[i].link);
        loadtest_call_done(&c->workers[i].call);
    }
    enum err e = c->err;
    mem_free(c);
    return e;
}

/* --- one ---------------------------- */

struct one {
    struct loadtest *t;
    struct loadtest_call call;
    bool done;
    enum err err;
    cJSON *json;
};

static void on_one(struct loadtest_call *call, const struct loadtest_reply *reply)
{
    struct one *o = (struct one *)(void *)((char *)call - offsetof(struct one, call));
    o->done = true;
    if (reply->status >= 200 && reply->status <= 299) {
        o->json = cJSON_ParseWithLength(reply->body.p ? reply->body.p : "", reply->body.n);
        return;
    }
    o->err = ERR_INVALID;
    explain(o->t, reply);
}

enum err loadtest_jobs_one(struct loadtest *t, const char *method, const char *path,
                           const char *credential, struct bytes body, struct cJSON **ret_json)
{
    struct one o = {.t = t};
    struct loadtest_link *link = loadtest_link_new(&t->net);
    if (!link) return why_say(&t->why, ERR_NOMEM, "out of memory");
    loadtest_call_init(&o.call, on_one);
    loadtest_call_write(&o.call, &t->net, method, path, credential, body);
    loadtest_link_send(link, &o.call);
    while (!o.done) uv_run(&t->loop, UV_RUN_ONCE);
    loadtest_link_free(link);
    loadtest_call_done(&o.call);
    if (o.err || !ret_json)
        cJSON_Delete(o.json);
    else
        *ret_json = o.json;
    return o.err;
}
