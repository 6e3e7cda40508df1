/* See notify_world.h. */
#include "notify_world.h"

#include "store/catalog_notifications.h"
#include "store/catalog_webhooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { POLL_US = 2000, POLLS = 5000 };

static void keep(struct notify_world *n, const char *to, const char *delivery, struct bytes body,
                 struct notify_answer *ret)
{
    pthread_mutex_lock(&n->mutex);
    if (n->count < NOTIFY_WORLD_SENDS) {
        struct notify_send_seen *s = &n->sends[n->count];
        snprintf(s->to, sizeof s->to, "%s", to);
        snprintf(s->delivery, sizeof s->delivery, "%s", delivery);
        snprintf(s->body, sizeof s->body, "%.*s", (int)body.n, body.p);
    }
    n->count++;
    *ret = n->next;
    while (strcmp(n->block_on, to) == 0 && !n->cut) {
        pthread_mutex_unlock(&n->mutex);
        usleep(POLL_US);
        pthread_mutex_lock(&n->mutex);
    }
    if (n->cut) *ret = (struct notify_answer){.verdict = NOTIFY_TRY_AGAIN, .why = "cut"};
    pthread_mutex_unlock(&n->mutex);
}

static void send_http(void *ctx, const struct notify_http *request, struct notify_answer *ret)
{
    const char *delivery = "";
    for (const char *const *h = request->headers; *h; h++)
        if (strncmp(*h, "X-SensorVision-Delivery: ", 25) == 0) delivery = *h + 25;
    keep(ctx, request->url, delivery, request->body, ret);
}

static void send_mail(void *ctx, const struct notify_letter *letter, struct notify_answer *ret)
{
    char to[300];
    snprintf(to, sizeof to, "%.*s", (int)letter->to.n, letter->to.p);
    keep(ctx, to, "", letter->message, ret);
}

static void cut(void *ctx)
{
    struct notify_world *n = ctx;
    pthread_mutex_lock(&n->mutex);
    n->cut = true;
    pthread_mutex_unlock(&n->mutex);
}

void notify_world_open(struct notify_world *n, struct service_world *w)
{
    *n = (struct notify_world){.w = w, .next = {.verdict = NOTIFY_DELIVERED, .status = 200}};
    struct auth_tokens who = service_world_register(w, "notified");
    n->org = who.org;
    n->user = who.user;
    n->outbox = (struct notify_outbox){
        .log_lines = NOTIFY_LOG_LINES,
        .clock = &w->clock.clock,
        .rnd = rnd_system(),
        .site = {.webhook_url = "",
                 .webhook_secret = "",
                 .alertmanager_url = "",
                 .mail_from = "a@example.org",
                 .public_url = "",
                 .attempts = 3,
                 .retry_ns = 10 * NS_PER_S,
                 .timeout_ns = NS_PER_S},
    };
    n->hook = notify_outbox_hook(&n->outbox);
    n->transport = (struct notify_transport){n, send_http, send_mail, cut};
    pthread_mutex_init(&n->mutex, NULL);
}

void notify_world_close(struct notify_world *n)
{
    pthread_mutex_destroy(&n->mutex);
}

struct alert notify_world_alert(struct notify_world *n, enum alert_severity severity)
{
    return (struct alert){
        .org = n->org,
        .uuid = uuid_random(rnd_system()),
        .rule_uuid = uuid_random(rnd_system()),
        .rule_name = BYTES("Too hot"),
        .device = 1,
        .device_external_id = BYTES("pump-1"),
        .device_name = BYTES("Pump \"1\""),
        .variable = BYTES("temperature"),
        .message = BYTES("temperature of pump-1 is 99, above 80"),
        .severity = severity,
        .triggered_value = 99,
        .raised_ns = clock_wall_ns(&n->w->clock.clock),
    };
}

enum err notify_world_tell(struct notify_world *n, const struct alert *a, enum alert_change change,
                           bool commit)
{
    struct sql_tx *tx;
    assert_int_equal(sql_begin(n->w->db, SQL_WRITE, &tx), ERR_OK);
    enum err e = n->hook.in_tx(n->hook.ctx, tx, a, change);
    if (e || !commit) {
        sql_rollback(tx);
        return e;
    }
    assert_int_equal(sql_commit(tx), ERR_OK);
    n->hook.committed(n->hook.ctx, a, change);
    return ERR_OK;
}

int64_t notify_world_webhook(struct notify_world *n, const char *url, enum alert_severity min,
                             unsigned changes)
{
    struct sql_tx *tx;
    struct webhook w = {.org = n->org,
                        .url = bytes_str(url),
                        .secret = BYTES("whsec_test"),
                        .changes = changes,
                        .min_severity = min,
                        .enabled = true};
    assert_int_equal(sql_begin(n->w->db, SQL_WRITE, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_webhooks_insert(tx, &w)), ERR_OK);
    return w.id;
}

size_t notify_world_rows(struct notify_world *n, struct notification **ret)
{
    const struct notification_filter filter = {.channel = -1, .state = -1};
    const struct catalog_page page = {.size = CATALOG_PAGE_MAX};
    struct catalog_listing listing;
    struct sql_tx *tx;
    assert_int_equal(sql_begin(n->w->db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_end(tx, catalog_notifications_list(tx, n->org, &filter, &page,
                                                            &n->w->arena, ret, &listing, NULL)),
                     ERR_OK);
    return listing.count;
}

int notify_world_count(struct notify_world *n)
{
    pthread_mutex_lock(&n->mutex);
    int count = n->count;
    pthread_mutex_unlock(&n->mutex);
    return count;
}

void notify_world_wait(struct notify_world *n, int sends)
{
    for (int i = 0; notify_world_count(n) < sends; i++) {
        if (i == POLLS) fail_msg("%d of %d sends", notify_world_count(n), sends);
        usleep(POLL_US);
    }
}

void notify_world_settled(struct notify_world *n)
{
    for (int i = 0;; i++) {
        const struct notification_filter filter = {.channel = -1, .state = -1};
        struct notification_counts counts;
        struct sql_tx *tx;
        assert_int_equal(sql_begin(n->w->db, SQL_READ, &tx), ERR_OK);
        assert_int_equal(sql_end(tx, catalog_notifications_count(tx, n->org, &filter, &counts)),
                         ERR_OK);
        if (!counts.pending) return;
        if (i == POLLS) fail_msg("%d are pending", (int)counts.pending);
        usleep(POLL_US);
    }
}
