/* What people say of the pilot (see pilot_feedback.h). */
#include "service/pilot_feedback.h"

#include "service/event_service.h"
#include "service/event_types.h"

#include <stdio.h>

static void check(const struct feedback *f, struct refusal *refusal)
{
    if (f->rating < 1 || f->rating > 10)
        refusal_field(refusal, "rating", "must be a whole number from 1 to 10");
    if (!f->message.n && !f->title.n) refusal_field(refusal, "message", "or a title is required");
    if (f->metadata.n > PILOT_FEEDBACK_METADATA)
        refusal_field(refusal, "metadata", "may have 4096 bytes at most");
}

static enum err give_in(struct sql_tx *tx, const struct actor *actor, struct feedback *f,
                        struct refusal *refusal)
{
    int64_t day_ns = f->created_ns - f->created_ns % NS_PER_DAY, used = 0;
    char id[24];
    enum err e = catalog_feedback_count(tx, f->org, day_ns, &used);
    if (e) return e;
    if (used >= PILOT_FEEDBACK_A_DAY) {
        refusal->limit = "feedback-per-day";
        refusal->max = refusal->used = PILOT_FEEDBACK_A_DAY;
        refusal->retry_ns = day_ns + NS_PER_DAY - f->created_ns;
        return why_say(&refusal->why, ERR_RATE,
                       "your organisation has said a lot today; tomorrow there is room again");
    }
    e = catalog_feedback_insert(tx, f);
    if (e) return e;
    int n = snprintf(id, sizeof id, "%lld", (long long)f->id);
    const struct event_note note = {.type = EVENT_FEEDBACK_GIVEN,
                                    .entity_type = "FEEDBACK",
                                    .entity_id = bytes_of(id, (size_t)n),
                                    .title = "Feedback given",
                                    .description = f->title};
    return event_service_append(tx, f->created_ns, actor, &note);
}

enum err pilot_feedback_give(struct sql_db *db, int64_t now_ns, const struct actor *actor,
                             struct feedback *f, struct refusal *refusal)
{
    struct sql_tx *tx;
    f->org = actor->org;
    f->user = actor->user;
    f->created_ns = now_ns;
    check(f, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, give_in(tx, actor, f, refusal));
}

enum err pilot_feedback_summarize(struct sql_db *db, int64_t since_ns, struct arena *arena,
                                  struct pilot_feedback_summary *ret)
{
    struct sql_tx *tx;
    int64_t sum = 0;
    *ret = (struct pilot_feedback_summary){.n = 0};
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (!e) e = sql_end(tx, catalog_feedback_list(tx, since_ns, arena, &ret->all, &ret->n));
    if (e || !ret->n) return e;
    for (size_t i = 0; i < ret->n; i++) {
        int64_t rating = ret->all[i].rating;
        ret->by_rating[rating]++;
        ret->promoters += rating >= 9;
        ret->detractors += rating <= 6;
        sum += rating;
    }
    ret->average = (double)sum / (double)ret->n;
    ret->net_promoter_score = 100.0 * (double)(ret->promoters - ret->detractors) / (double)ret->n;
    return ERR_OK;
}
