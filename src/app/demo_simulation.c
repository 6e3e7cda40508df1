/* Simulated machines: five pumps whose temperature, pressure, flow and vibration drift together,
 * one of them a little worn. Each sends one record a second with POST /data/bulk. */
#include "api/app.h"
#include "app/demo_parts.h"
#include "base/log.h"
#include "codec/json_write.h"

#include <math.h>
#include <stdio.h>

enum { PUMPS = 5 };

struct pump {
    double load; /* 0 to 1, wanders */
    double temperature;
};

/* Divided, not multiplied by a step: 93.1 is nearest to 931 / 10, but not to 931 * 0.1. */
static double round_to(double v, double per_unit)
{
    return round(v * per_unit) / per_unit;
}

static void move(struct pump *p, struct rnd *rnd, double worn)
{
    p->load += (rnd_unit(rnd) - 0.5) * 0.08;
    p->load = fmin(1, fmax(0.2, p->load));
    double target = 35 + 30 * p->load + worn * 12;
    p->temperature += (target - p->temperature) * 0.05 + (rnd_unit(rnd) - 0.5) * 0.2;
}

static void write_pump(struct buf *b, int i, const struct pump *p, struct rnd *rnd, double worn)
{
    char id[24];
    snprintf(id, sizeof id, "pump-%d", i + 1);
    json_write_open(b, '{');
    json_write_member_text(b, "deviceId", id);
    json_write_key(b, "variables");
    json_write_open(b, '{');
    json_write_member_number(b, "temperature", round_to(p->temperature, 100));
    json_write_member_number(b, "pressure", round_to(2 + 4 * p->load + rnd_unit(rnd) * 0.05, 100));
    json_write_member_number(b, "flow", round_to(120 * p->load + rnd_unit(rnd), 10));
    json_write_member_number(b, "vibration",
                             round_to(0.4 + worn + rnd_unit(rnd) * (0.1 + worn), 1000));
    json_write_close(b, '}');
    json_write_key(b, "metadata");
    json_write_open(b, '{');
    json_write_member_text(b, "location", "Hall A");
    json_write_member_text(b, "sensor_type", "pump");
    json_write_close(b, '}');
    json_write_close(b, '}');
}

static enum err send_all(struct demo *d, struct pump *pumps, struct why *why)
{
    struct rnd *rnd = d->opts.app->rnd;
    struct buf body;
    buf_init(&body, 1 << 16);
    json_write_open(&body, '[');
    for (int i = 0; i < PUMPS; i++) {
        double worn = i == PUMPS - 1 ? 0.6 : 0;
        move(&pumps[i], rnd, worn);
        write_pump(&body, i, &pumps[i], rnd, worn);
    }
    json_write_close(&body, ']');
    int status;
    enum err e =
        demo_send(d->client, "POST", "/api/v1/data/bulk", buf_cstr(&body), &status, NULL, why);
    buf_done(&body);
    return e;
}

void demo_simulate(struct demo *d)
{
    struct pump pumps[PUMPS];
    bool failing = false;
    for (int i = 0; i < PUMPS; i++) pumps[i] = (struct pump){0.5, 45};
    if (http_client_set_header(d->client, "Authorization", "") ||
        http_client_set_header(d->client, "X-API-Key", d->login.token))
        return;
    do {
        struct why why = {""};
        bool failed = send_all(d, pumps, &why) != ERR_OK;
        if (failed && !failing) LOG(LOG_WARN, "demo_send_failed", LOG_S("why", why.text));
        failing = failed;
    } while (demo_wait(d, NS_PER_S));
}
