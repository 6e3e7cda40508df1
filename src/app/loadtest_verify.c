/* Sent = stored: every series is read back by the export route, and must hold exactly what was
 * acknowledged, by count and by a sum over each point's time and value. */
#include "app/loadtest_jobs.h"
#include "codec/csv.h"
#include "codec/number.h"
#include "codec/timestamp.h"

struct found {
    struct loadtest_tally tallies[LOADTEST_VARIABLES_MAX];
    size_t columns[LOADTEST_VARIABLES_MAX + 8]; /* of the CSV: which variable, or none */
    size_t column_count;
};
enum { NO_VARIABLE = LOADTEST_VARIABLES_MAX };

static void write_export(struct loadtest *t, size_t i, struct loadtest_call *c)
{
    struct loadtest_device *d = &t->devices[i];
    struct loadtest_org *org = d->org;
    const char *credential = org->credential;
    char path[160];
    /* In turns with all users of the organisation: each has a rate limit of its own. */
    const struct loadtest_user *u =
        org->users ? &t->users[org->first_user + org->next_reader++ % org->users] : NULL;
    if (u && u->credential) credential = u->credential;
    snprintf(path, sizeof path, "/api/v1/export/csv/%s?from=1970-01-01T00:00:00Z", d->id);
    loadtest_call_write(c, &t->net, "GET", path, credential, bytes_str(NULL));
}

static size_t variable_of(const struct loadtest *t, struct bytes name)
{
    for (size_t v = 0; v < t->opts.variables; v++)
        if (bytes_is(name, loadtest_variables[v])) return v;
    return NO_VARIABLE;
}

static enum err take_header(struct loadtest *t, struct found *f, const struct bytes *fields,
                            size_t n)
{
    f->column_count = n;
    if (n > sizeof f->columns / sizeof f->columns[0] || n < 2 || !bytes_is(fields[1], "timestamp"))
        return ERR_INVALID;
    for (size_t i = 2; i < n; i++) f->columns[i] = variable_of(t, fields[i]);
    return ERR_OK;
}

static enum err take_row(struct found *f, const struct bytes *fields, size_t n)
{
    int64_t ts;
    enum err e = n == f->column_count ? ERR_OK : ERR_INVALID;
    if (!e) e = timestamp_parse(fields[1], &ts, NULL);
    for (size_t i = 2; !e && i < n; i++) {
        double value;
        if (!fields[i].n || f->columns[i] == NO_VARIABLE) continue;
        e = number_parse(fields[i], &value);
        if (!e) loadtest_tally_add(&f->tallies[f->columns[i]], ts, value);
    }
    return e;
}

static enum err read_csv(struct loadtest *t, struct bytes text, struct found *f)
{
    struct csv_reader reader;
    const struct bytes *fields;
    size_t used, n;
    enum err e = ERR_OK;
    csv_init(&reader, NULL);
    while (!e) {
        e = csv_read(&reader, text, true, &used, &fields, &n, &t->why);
        if (e) break;
        text = bytes_of(text.p + used, text.n - used);
        e = f->column_count ? take_row(f, fields, n) : take_header(t, f, fields, n);
    }
    csv_done(&reader);
    return e == ERR_END ? ERR_OK : e;
}

static void judge(struct loadtest *t, const struct loadtest_device *d, size_t v,
                  const struct loadtest_tally *found)
{
    struct loadtest_verdict *verdict = &t->verdict;
    const struct loadtest_tally *sent = &d->stored[v];
    if (sent->points || found->points) verdict->series++;
    verdict->points += found->points;
    if (found->points == sent->points && found->sum == sent->sum) return;
    bool first = !verdict->missing && !verdict->surplus && !verdict->altered;
    if (first)
        snprintf(verdict->first, sizeof verdict->first,
                 "%s of %s in %s: %llu points acknowledged, %llu stored", loadtest_variables[v],
                 d->id, d->org->name, (unsigned long long)sent->points,
                 (unsigned long long)found->points);
    if (found->points < sent->points)
        verdict->missing++;
    else if (found->points > sent->points)
        verdict->surplus++;
    else
        verdict->altered++;
}

static enum err take_export(struct loadtest *t, size_t i, const struct loadtest_reply *reply)
{
    struct found f = {.column_count = 0};
    enum err e = read_csv(t, reply->body, &f);
    if (e) return why_say(&t->why, e, "what the export answers cannot be read");
    for (size_t v = 0; v < t->opts.variables; v++) judge(t, &t->devices[i], v, &f.tallies[v]);
    return ERR_OK;
}

enum err loadtest_verify_all(struct loadtest *t)
{
    const struct loadtest_jobs jobs = {"devices read back", t->opts.devices, 4,
                                       write_export,        take_export,     true};
    enum err e = loadtest_jobs_run(t, &jobs);
    t->verdict.done = !e;
    return e;
}
