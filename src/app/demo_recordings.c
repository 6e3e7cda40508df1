/* The two recordings of examples/data/, sent as the demo's devices with POST /data/bulk. They are
 * years old, so their times are moved by the same amount for every record: the last one is now. */
#include "api/app.h"
#include "app/demo_parts.h"
#include "app/import_read.h"
#include "codec/json_write.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RECORDS_AT_ONCE = 1000 };

static const struct recording {
    const char *file, *device, *name, *location;
    struct import_opts opts;
} recordings[] = {
    {"household-power.csv",
     "household-meter",
     "Household meter (recording)",
     "A house in France",
     {.device = "household-meter",
      .time_column = "DateTime",
      .columns =
          "Global_active_power=kw_consumption,Global_reactive_power=kvar_consumption,Voltage="
          "voltage,Global_intensity=current,Sub_metering_1=kitchen_wh,Sub_metering_2="
          "laundry_wh,Sub_metering_3=heating_wh"}},
    {"machine-temperature.csv",
     "machine-temperature",
     "Machine temperature (recording)",
     "A factory",
     {.device = "machine-temperature", .columns = "value=temperature"}},
};

/* Beside the data directory's working directory, in the source tree the binary was built in, or
 * where
 * `make install` puts them. */
static bool find_file(const struct demo *d, const char *name, char *ret, size_t n)
{
    char exe[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[length > 0 ? length : 0] = 0;
    char *slash = strrchr(exe, '/');
    if (slash) *slash = 0;
    const char *const roots[] = {d->opts.data_dir, "examples/data", "../../examples/data",
                                 "../share/sensorvision/examples"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        bool beside_binary = i >= 2;
        if (!roots[i]) continue;
        int length_wanted = snprintf(ret, n, "%s%s%s/%s", beside_binary ? exe : "",
                                     beside_binary ? "/" : "", roots[i], name);
        if (length_wanted < 0 || (size_t)length_wanted >= n) continue;
        if (access(ret, R_OK) == 0) return true;
    }
    return false;
}

struct sender {
    struct demo *d;
    struct http_client *client;
    struct why *why;
    int64_t shift_ns, last_ns;
    struct buf body;
    int records;
};

static enum err find_last(void *ctx, const struct import_record *r)
{
    struct sender *s = ctx;
    if (r->timed && r->ts_ns > s->last_ns) s->last_ns = r->ts_ns;
    return ERR_OK;
}

static enum err send_records(struct sender *s)
{
    if (!s->records) return ERR_OK;
    buf_add_char(&s->body, ']');
    int status = 0;
    const char *body = buf_cstr(&s->body);
    if (s->body.err) return s->body.err;
    enum err e = demo_send(s->client, "POST", "/api/v1/data/bulk", body, &status, NULL, s->why);
    buf_clear(&s->body);
    s->records = 0;
    if (!e && !demo_wait(s->d, 0)) e = ERR_CLOSED;
    return e;
}

static enum err add_record(void *ctx, const struct import_record *r)
{
    struct sender *s = ctx;
    struct buf *b = &s->body;
    buf_add_char(b, s->records ? ',' : '[');
    json_write_open(b, '{');
    json_write_member_str(b, "deviceId", r->device);
    json_write_member_time(b, "timestamp", r->ts_ns + s->shift_ns);
    json_write_key(b, "variables");
    json_write_open(b, '{');
    for (size_t i = 0; i < r->n; i++) {
        json_write_key_bytes(b, r->names[i]);
        json_write_number(b, r->values[i]);
    }
    json_write_close(b, '}');
    json_write_close(b, '}');
    return ++s->records == RECORDS_AT_ONCE ? send_records(s) : ERR_OK;
}

static enum err import_one(struct demo *d, struct http_client *c, const struct recording *r,
                           struct why *why)
{
    char path[PATH_MAX], token[64];
    bool made;
    if (!find_file(d, r->file, path, sizeof path))
        return why_say(why, ERR_NOTFOUND, "%s is not in examples/data", r->file);
    enum err e = demo_make_device(c, r->device, r->name, r->location, token, &made, why);
    if (e || !made) return e; /* it is there from an earlier start */
    struct sender s = {.d = d, .client = c, .why = why, .last_ns = INT64_MIN};
    struct import_seen seen = {0};
    buf_init(&s.body, 16 << 20);
    e = import_csv_read(path, &r->opts, find_last, &s, &seen, why);
    s.shift_ns = clock_wall_ns(d->opts.app->clock) - s.last_ns;
    if (!e) e = import_csv_read(path, &r->opts, add_record, &s, &seen, why);
    if (!e) e = send_records(&s);
    buf_done(&s.body);
    return e == ERR_CLOSED ? ERR_OK : e;
}

enum err demo_import_recordings(struct demo *d, struct http_client *c, struct why *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < sizeof recordings / sizeof *recordings && !e; i++)
        e = import_one(d, c, &recordings[i], why);
    return e;
}
