/* What the load test makes before it runs, and takes away afterwards: organisations with their
 * users, devices and a dashboard. It is made through the public API, as people would, so the limits
 * of the installation hold for it, too. */
#include "app/ask.h"
#include "app/loadtest_jobs.h"
#include "base/mem.h"
#include "codec/json_write.h"

enum { WIDTH = 4, WIDGETS = 4, LATEST_DEVICES = 200 };

static void begin_body(struct buf *b)
{
    buf_init(b, 1 << 20);
    json_write_open(b, '{');
}

static void end_body(struct loadtest *t, struct loadtest_call *c, struct buf *b, const char *path,
                     const char *credential)
{
    json_write_close(b, '}');
    loadtest_call_write(c, &t->net, "POST", path, credential, buf_bytes(b));
    buf_done(b);
}

static enum err parse(struct loadtest *t, const struct loadtest_reply *reply, cJSON **ret)
{
    *ret = cJSON_ParseWithLength(reply->body.p ? reply->body.p : "", reply->body.n);
    return *ret ? ERR_OK : why_say(&t->why, ERR_INVALID, "the server's answer is not JSON");
}

static void write_person(const struct loadtest *t, struct buf *b, const char *username)
{
    char email[80];
    snprintf(email, sizeof email, "%s@loadtest.example.org", username);
    json_write_member_text(b, "username", username);
    json_write_member_text(b, "email", email);
    json_write_member_text(b, "password", t->password);
    json_write_member_text(b, "firstName", "Load");
    json_write_member_text(b, "lastName", "Test");
}

/* --- organisations ---------------------------- */

static void write_org(struct loadtest *t, size_t i, struct loadtest_call *c)
{
    struct loadtest_org *org = &t->orgs[i];
    struct buf b;
    begin_body(&b);
    write_person(t, &b, org->users ? t->users[org->first_user].name : org->name);
    json_write_member_text(&b, "organizationName", org->name);
    end_body(t, c, &b, "/api/v1/auth/register", NULL);
}

static enum err take_org(struct loadtest *t, size_t i, const struct loadtest_reply *reply)
{
    struct loadtest_org *org = &t->orgs[i];
    cJSON *json;
    enum err e = parse(t, reply, &json);
    if (e) return e;
    snprintf(org->id, sizeof org->id, "%lld", (long long)ask_integer(json, "organizationId"));
    int n = snprintf(org->credential, sizeof org->credential, "Authorization: Bearer %s",
                     ask_text(json, "accessToken"));
    if (n < 30 || (size_t)n >= sizeof org->credential)
        e = why_say(&t->why, ERR_INVALID, "the server's answer has no accessToken");
    t->orgs_made++;
    cJSON_Delete(json);
    return e;
}

/* --- users: all but the first of each organisation ---------------------------- */

static void write_user(struct loadtest *t, size_t i, struct loadtest_call *c)
{
    struct loadtest_user *u = &t->users[i];
    struct buf b;
    begin_body(&b);
    if (u->org->first_user == i) { /* there already: a look at who it is */
        loadtest_call_write(c, &t->net, "GET", "/api/v1/auth/me", u->org->credential,
                            bytes_str(NULL));
        buf_done(&b);
        return;
    }
    write_person(t, &b, u->name);
    json_write_key(&b, "roles");
    json_write_open(&b, '[');
    json_write_string(&b, BYTES("ROLE_USER"));
    json_write_close(&b, ']');
    end_body(t, c, &b, "/api/v1/users", u->org->credential);
}

/* --- devices ---------------------------- */

static void write_device(struct loadtest *t, size_t i, struct loadtest_call *c)
{
    struct loadtest_device *d = &t->devices[i];
    struct buf b;
    begin_body(&b);
    json_write_member_text(&b, "externalId", d->id);
    json_write_member_text(&b, "name", "Load test");
    json_write_member_text(&b, "location", "Nowhere");
    end_body(t, c, &b, "/api/v1/devices", d->org->credential);
}

static enum err take_device(struct loadtest *t, size_t i, const struct loadtest_reply *reply)
{
    struct loadtest_device *d = &t->devices[i];
    cJSON *json;
    enum err e = parse(t, reply, &json);
    if (e) return e;
    snprintf(d->credential, sizeof d->credential, "X-API-Key: %s", ask_text(json, "apiToken"));
    cJSON_Delete(json);
    return ERR_OK;
}

/* --- a dashboard for each organisation ---------------------------- */

static void write_dashboard(struct loadtest *t, size_t i, struct loadtest_call *c)
{
    struct buf b;
    begin_body(&b);
    json_write_member_text(&b, "name", "Load test");
    json_write_member_bool(&b, "isDefault", true);
    end_body(t, c, &b, "/api/v1/dashboards", t->orgs[i].credential);
}

static enum err take_dashboard(struct loadtest *t, size_t i, const struct loadtest_reply *reply)
{
    cJSON *json;
    enum err e = parse(t, reply, &json);
    if (e) return e;
    snprintf(t->orgs[i].dashboard, sizeof t->orgs[i].dashboard, "%lld",
             (long long)ask_integer(json, "id"));
    cJSON_Delete(json);
    return ERR_OK;
}

/* A line of an hour, hourly means of a day, a newest value, a table. */
static void write_widget(struct loadtest *t, size_t i, struct loadtest_call *c)
{
    static const struct {
        const char *name, *type, *aggregation;
        int64_t minutes;
    } widgets[WIDGETS] = {{"Last hour", "LINE_CHART", "NONE", 60},
                          {"Day", "BAR_CHART", "AVG", 1440},
                          {"Now", "GAUGE", "NONE", 60},
                          {"All values", "TABLE", "NONE", 60}};
    const struct loadtest_org *org = &t->orgs[i / WIDGETS];
    size_t w = i % WIDGETS, device = org->first_device + (org->devices ? w % org->devices : 0);
    char path[80];
    struct buf b;
    begin_body(&b);
    json_write_member_text(&b, "name", widgets[w].name);
    json_write_member_text(&b, "type", widgets[w].type);
    json_write_member_text(&b, "aggregation", widgets[w].aggregation);
    json_write_member_i64(&b, "timeRangeMinutes", widgets[w].minutes);
    if (org->devices) json_write_member_text(&b, "deviceId", t->devices[device].id);
    json_write_member_text(&b, "variableName", loadtest_variables[w % t->opts.variables]);
    snprintf(path, sizeof path, "/api/v1/dashboards/%s/widgets", org->dashboard);
    end_body(t, c, &b, path, org->credential);
}

/* --- all of it ---------------------------- */

static void make_secret(struct loadtest *t)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    for (size_t i = 0; i < 6; i++) t->tag[i] = letters[rnd_below(rnd_system(), 24)];
    for (size_t i = 0; i < 24; i++)
        t->password[i] = letters[rnd_below(rnd_system(), sizeof letters - 1)];
}

static void name_people(struct loadtest *t, struct loadtest_org *org)
{
    for (size_t i = org->first_user; i < org->first_user + org->users; i++) {
        struct loadtest_user *u = &t->users[i];
        u->t = t;
        u->org = org;
        snprintf(u->name, sizeof u->name, "loadtest-%s-u%zu", t->tag, i + 1);
        rnd_seed(&u->rnd, t->opts.seed * 1000003 + i);
    }
    buf_init(&org->all_path, 1 << 20);
    buf_add_str(&org->all_path, "/api/v1/data/latest?deviceIds=");
    for (size_t i = org->first_device; i < org->first_device + org->devices; i++) {
        struct loadtest_device *d = &t->devices[i];
        d->t = t;
        d->org = org;
        snprintf(d->id, sizeof d->id, "load-%05zu", i + 1);
        rnd_seed(&d->rnd, t->opts.seed * 1000003 + 500000 + i);
        for (size_t v = 0; v < LOADTEST_VARIABLES_MAX; v++)
            d->hundredths[v] = (int64_t)(2000 + rnd_below(&d->rnd, 1000));
        /* As the old front end asks; a URL has its bound, and so has a page. */
        if (i - org->first_device < LATEST_DEVICES)
            buf_printf(&org->all_path, "%s%s", i == org->first_device ? "" : ",", d->id);
    }
    (void)buf_cstr(&org->all_path);
}

static enum err lay_out(struct loadtest *t)
{
    const struct loadtest_opts *o = &t->opts;
    t->orgs = mem_array(o->orgs, sizeof *t->orgs);
    t->users = mem_array(o->users, sizeof *t->users);
    t->devices = mem_array(o->devices, sizeof *t->devices);
    if (!t->orgs || !t->users || !t->devices) return why_say(&t->why, ERR_NOMEM, "out of memory");
    make_secret(t);
    for (size_t i = 0; i < o->orgs; i++) {
        struct loadtest_org *org = &t->orgs[i];
        snprintf(org->name, sizeof org->name, "loadtest-%s-%zu", t->tag, i + 1);
        org->first_user = o->users * i / o->orgs;
        org->users = o->users * (i + 1) / o->orgs - org->first_user;
        org->first_device = o->devices * i / o->orgs;
        org->devices = o->devices * (i + 1) / o->orgs - org->first_device;
        name_people(t, org);
    }
    return ERR_OK;
}

enum err loadtest_setup_make(struct loadtest *t)
{
    const struct loadtest_opts *o = &t->opts;
    const struct loadtest_jobs steps[] = {
        {"organisations", o->orgs, 1, write_org, take_org, false},
        {"users", o->users, WIDTH, write_user, NULL, false},
        {"devices", o->devices, WIDTH, write_device, take_device, false},
        {"dashboards", o->orgs, WIDTH, write_dashboard, take_dashboard, false},
        {"widgets", o->orgs * WIDGETS, WIDTH, write_widget, NULL, false},
    };
    enum err e = lay_out(t);
    if (!e)
        cli_say(t->cli, "making %zu organisations (loadtest-%s-1 …) with %zu users, %zu devices",
                o->orgs, t->tag, o->users, o->devices);
    for (size_t i = 0; !e && i < sizeof steps / sizeof steps[0]; i++)
        e = loadtest_jobs_run(t, &steps[i]);
    return e;
}

static void write_end(struct loadtest *t, size_t i, struct loadtest_call *c)
{
    char path[80];
    snprintf(path, sizeof path, "/api/v1/organizations/%s", t->orgs[i].id);
    loadtest_call_write(c, &t->net, "DELETE", path, t->admin, bytes_str(NULL));
}

enum err loadtest_setup_clean(struct loadtest *t)
{
    const struct loadtest_jobs ends = {NULL, t->orgs_made, 1, write_end, NULL, true};
    return loadtest_jobs_run(t, &ends);
}
