/* What limits refused, and what other limits would have refused. */
#include "api/app.h"
#include "api/handlers_pilot.h"
#include "api/pilot_json.h"
#include "api/series.h"
#include "codec/csv.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"
#include "pilot/dry_run.h"
#include "pilot/ledger.h"
#include "service/pilot_plans.h"
#include "store/catalog_refusals.h"

/* --- the ledger --------------------------------------------------------------------------------*/

static void write_json(struct buf *b, const struct refused *r)
{
    json_write_open(b, '{');
    json_write_member_str(b, "limit", r->name);
    json_write_member_str(b, "who", r->who);
    json_write_member_str(b, "way", r->way);
    json_write_member_i64(b, "requests", r->requests);
    json_write_member_i64(b, "amount", r->amount);
    json_write_member_time(b, "firstAt", r->first_ns);
    json_write_member_time(b, "lastAt", r->last_ns);
    json_write_close(b, '}');
}

static void write_csv(struct buf *b, const struct refused *r)
{
    char text[TIMESTAMP_TEXT_MAX];
    const struct bytes names[] = {r->name, r->who, r->way};
    for (size_t i = 0; i < 3; i++) {
        csv_write_field(b, names[i]);
        buf_add_char(b, ',');
    }
    buf_printf(b, "%lld,%lld,", (long long)r->requests, (long long)r->amount);
    buf_add(b, text, timestamp_format(r->first_ns, text));
    buf_add_char(b, ',');
    buf_add(b, text, timestamp_format(r->last_ns, text));
    buf_add_str(b, "\r\n");
}

static void answer_csv(struct api_call *c, const struct refused *rows, size_t n)
{
    buf_add_str(c->body, "limit,who,way,requests,amount,firstAt,lastAt\r\n");
    for (size_t i = 0; i < n; i++) write_csv(c->body, &rows[i]);
    http_add_header(c->exchange, "Content-Disposition",
                    BYTES("attachment; filename=\"refusals.csv\""));
    api_answer(c, 200, "text/csv; charset=utf-8");
}

static void answer_json(struct api_call *c, const struct refused *rows, size_t n)
{
    pilot_json_open(c);
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) write_json(c->body, &rows[i]);
    json_write_close(c->body, ']');
    pilot_json_close(c, 200);
}

void pilot_refusals_api_list(struct api_call *c)
{
    struct series_range range;
    struct refused *rows = NULL;
    size_t n = 0;
    struct sql_tx *tx;
    struct bytes format = api_query(c, "format");
    bool csv = bytes_is(format, "csv");
    if (format.n && !csv && !bytes_is(format, "json")) {
        api_problem(c, 400, "format may be json or csv.");
        return;
    }
    if (!series_read_range(c, &range)) return;
    int64_t to_ns = range.to_said ? range.to_ns : INT64_MAX;
    enum err e = sql_begin(c->app->db, SQL_READ, &tx);
    if (!e)
        e = sql_end(
            tx, catalog_refusals_list(tx, c->who.org, range.from_ns, to_ns, c->arena, &rows, &n));
    if (e)
        api_fail(c, e, NULL);
    else if (csv)
        answer_csv(c, rows, n);
    else
        answer_json(c, rows, n);
}

#define RATE_MAX 1e9 /* as the keys */

/* --- dry run -----------------------------------------------------------------------------------*/

static void write_day(struct buf *b, const struct dry_run_day *d)
{
    json_write_open(b, '{');
    json_write_member_time(b, "day", d->day * NS_PER_DAY);
    json_write_member_i64(b, "used", d->used);
    json_write_member_i64(b, "refused", d->refused);
    if (d->reached_hour)
        json_write_member_time(b, "reachedAt", d->reached_hour * NS_PER_HOUR);
    else
        json_write_member_null(b, "reachedAt");
    json_write_close(b, '}');
}

static void write_line(struct buf *b, const struct dry_run_line *l)
{
    json_write_open(b, '{');
    json_write_member_text(b, "limit", l->limit);
    json_write_member_i64(b, "max", l->max);
    json_write_member_i64(b, "used", l->used);
    json_write_member_i64(b, "wouldRefuse", l->refused);
    if (l->what == LIMITS) json_write_member_i64(b, "busiestMinute", l->busiest_minute);
    if ((int)l->what >= LIMIT_DAILY_FIRST) {
        json_write_key(b, "days");
        json_write_open(b, '[');
        for (size_t i = 0; i < l->day_count; i++) write_day(b, &l->days[i]);
        json_write_close(b, ']');
    }
    json_write_close(b, '}');
}

static void answer_dry_run(struct api_call *c, int64_t days, const struct dry_run_line *lines,
                           size_t n)
{
    pilot_json_open(c);
    json_write_open(c->body, '{');
    json_write_member_i64(c->body, "days", days);
    json_write_key(c->body, "limits");
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) write_line(c->body, &lines[i]);
    json_write_close(c->body, ']');
    json_write_close(c->body, '}');
    pilot_json_close(c, 200);
}

static int64_t read_days(struct api_fields *f)
{
    double days = DRY_RUN_DAYS;
    if (!api_field_number(f, "days", &days)) return DRY_RUN_DAYS;
    if (days >= 1 && days <= DRY_RUN_DAYS_MAX && days == (double)(int64_t)days)
        return (int64_t)days;
    api_field_error(f, "days", "must be a whole number from 1 to 90");
    return 0;
}

static int64_t read_rate(struct api_fields *f, const char *name)
{
    double v = 0;
    if (!api_field_number(f, name, &v)) return 0;
    if (v >= 1 && v <= RATE_MAX && v == (double)(int64_t)v) return (int64_t)v;
    api_field_error(f, name, "must be a whole number from 1 to 1000000000");
    return 0;
}

/* A bucket holds a minute's requests and the burst. */
static void read_rates(struct api_fields *f, int64_t ret[RATE_KINDS])
{
    static const char *const names[RATE_KINDS] = {"requestsPerMinute", "readsPerMinute",
                                                  "telemetryPerMinute"};
    for (int i = 0; i < RATE_KINDS; i++) ret[i] = read_rate(f, names[i]);
    int64_t burst = read_rate(f, "burst");
    if (burst && !ret[RATE_REQUESTS]) api_field_error(f, "burst", "goes with requestsPerMinute");
    ret[RATE_REQUESTS] += burst;
}

void pilot_refusals_api_dry_run(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct pilot_limits_change limits;
    struct dry_run_plan plan;
    struct dry_run_line lines[DRY_RUN_LINES];
    size_t n = 0;
    struct sql_tx *tx;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    int64_t days = read_days(&f);
    pilot_plans_api_read_limits(&f, &limits);
    memcpy(plan.max, limits.max, sizeof plan.max);
    read_rates(&f, plan.rate);
    if (!api_fields_close(&f)) return;
    int64_t now_ns = clock_wall_ns(c->app->clock);
    enum err e = sql_begin(c->app->db, SQL_READ, &tx);
    if (!e) e = sql_end(tx, dry_run(tx, c->who.org, &plan, now_ns, days, c->arena, lines, &n));
    if (e)
        api_fail(c, e, NULL);
    else
        answer_dry_run(c, days, lines, n);
}
