/* The batch pipeline: when a batch closes, what its bounds are, what a failure does to whom. */
#include "ingest/batch.h"
#include "memory_store.h"
#include "sys/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { TICKETS = 64 };

struct fixture {
    struct telemetry *store;
    struct batch_pipeline *batch;
    struct lock lock;
    struct cond cond;
    int done;
    struct entry {
        struct batch_ticket ticket;
        struct fixture *fixture;
        struct record record[512];
        struct point point[512];
        int order;
        enum err result;
        bool finished;
    } entries[TICKETS];
};

static void on_done(struct batch_ticket *t, enum err e, const struct why *why)
{
    (void)why;
    struct entry *entry = (struct entry *)(void *)t;
    struct fixture *f = entry->fixture;
    lock_take(&f->lock);
    entry->result = e;
    entry->finished = true;
    entry->order = f->done++;
    cond_broadcast(&f->cond);
    lock_release(&f->lock);
}

static struct batch_opts default_opts(void)
{
    return (struct batch_opts){
        .batch_records = 100,
        .timeout_ns = 3600 * NS_PER_S,
        .slots = 5,
        .queue_capacity = 1000,
        .clock = clock_real(),
    };
}

static struct fixture *start(const struct batch_opts *opts)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    lock_init(&f.lock, LOCK_RANK_HUB);
    cond_init(&f.cond);
    f.store = memory_store_new();
    assert_int_equal(batch_new(&f.batch, opts, f.store, NULL), ERR_OK);
    return &f;
}

static void stop(struct fixture *f)
{
    batch_free(f->batch);
    f->store->ops->close(f->store);
}

/* Ticket i with n records of one point each. */
static enum err submit(struct fixture *f, int i, size_t n, bool waits)
{
    struct entry *e = &f->entries[i];
    e->fixture = f;
    for (size_t k = 0; k < n && k < 512; k++) {
        e->point[k] = (struct point){i, (double)k};
        e->record[k] = (struct record){1, 1, (int64_t)k, (uint32_t)k, 1};
    }
    e->ticket.set = (struct record_set){e->record, n, e->point, n};
    e->ticket.waits = waits;
    e->ticket.done = on_done;
    return batch_submit(f->batch, &e->ticket);
}

static void wait_done(struct fixture *f, int n)
{
    lock_take(&f->lock);
    while (f->done < n) cond_wait(&f->cond, &f->lock);
    lock_release(&f->lock);
}

static void lone_reading_is_written_at_once_without_the_timer(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts(); /* the timer is an hour */
    struct fixture *f = start(&opts);
    assert_int_equal(submit(f, 0, 1, true), ERR_OK);
    wait_done(f, 1);
    assert_int_equal(f->entries[0].result, ERR_OK);
    stop(f);
}

static void all_that_arrives_during_a_commit_joins_the_next(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    memory_store_hold(f->store);
    assert_int_equal(submit(f, 0, 1, true), ERR_OK);
    memory_store_wait_held(f->store);
    for (int i = 1; i < 20; i++) assert_int_equal(submit(f, i, 1, true), ERR_OK);
    memory_store_release(f->store);
    wait_done(f, 20);
    assert_int_equal(memory_store_writes(f->store), 2);
    assert_int_equal(memory_store_last_group(f->store), 19);
    stop(f);
}

static void one_group_takes_at_most_slots_batches(void **state)
{
    (void)state;
    struct batch_opts opts = default_opts();
    opts.batch_records = 10;
    opts.slots = 2;
    struct fixture *f = start(&opts);
    memory_store_hold(f->store);
    assert_int_equal(submit(f, 0, 1, true), ERR_OK);
    memory_store_wait_held(f->store);
    for (int i = 1; i <= 5; i++) assert_int_equal(submit(f, i, 10, true), ERR_OK);
    memory_store_release(f->store);
    wait_done(f, 6);
    assert_int_equal(memory_store_writes(f->store), 4); /* 1, then 2 + 2 + 1 batches */
    stop(f);
}

static void request_larger_than_a_batch_is_one_batch_and_not_split(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    assert_int_equal(submit(f, 0, 512, true), ERR_OK);
    wait_done(f, 1);
    assert_int_equal(memory_store_last_records(f->store), 512);
    stop(f);
}

static void full_queue_refuses_and_takes_nothing_of_the_request(void **state)
{
    (void)state;
    struct batch_opts opts = default_opts();
    opts.queue_capacity = 10;
    struct fixture *f = start(&opts);
    memory_store_hold(f->store);
    assert_int_equal(submit(f, 0, 6, true), ERR_OK);
    memory_store_wait_held(f->store);
    assert_int_equal(submit(f, 1, 5, true), ERR_FULL);
    assert_int_equal(submit(f, 2, 4, true), ERR_OK);
    memory_store_release(f->store);
    wait_done(f, 2);
    assert_false(f->entries[1].finished);
    struct batch_stats stats;
    batch_flush(f->batch);
    batch_read_stats(f->batch, &stats);
    assert_int_equal(stats.refused_full, 1);
    assert_int_equal(stats.records_written, 10);
    stop(f);
}

static void waiting_points_are_bounded_as_records_are(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    memory_store_hold(f->store);
    assert_int_equal(submit(f, 0, 1, true), ERR_OK);
    memory_store_wait_held(f->store);
    f->entries[1] = f->entries[0];
    f->entries[1].ticket.set.point_count = BATCH_POINTS_MAX; /* only counted: it is refused */
    assert_int_equal(batch_submit(f->batch, &f->entries[1].ticket), ERR_FULL);
    memory_store_release(f->store);
    wait_done(f, 1);
    stop(f);
}

static void request_the_queue_never_holds_is_too_large(void **state)
{
    (void)state;
    struct batch_opts opts = default_opts();
    opts.queue_capacity = 10;
    struct fixture *f = start(&opts);
    assert_int_equal(submit(f, 0, 11, true), ERR_TOOLARGE);
    stop(f);
}

static void nobody_waiting_means_the_batch_waits_until_full(void **state)
{
    (void)state;
    struct batch_opts opts = default_opts();
    opts.batch_records = 3;
    struct fixture *f = start(&opts);
    assert_int_equal(submit(f, 0, 1, false), ERR_OK);
    assert_int_equal(submit(f, 1, 1, false), ERR_OK);
    assert_int_equal(memory_store_writes(f->store), 0);
    assert_int_equal(submit(f, 2, 1, false), ERR_OK);
    wait_done(f, 3);
    assert_int_equal(memory_store_writes(f->store), 1);
    stop(f);
}

static void nobody_waiting_means_the_batch_closes_by_the_timer(void **state)
{
    (void)state;
    struct clock_fake clock;
    clock_fake_init(&clock, 0);
    struct batch_opts opts = default_opts();
    opts.clock = &clock.clock;
    opts.timeout_ns = NS_PER_MS; /* of the fake clock, which has to be moved */
    struct fixture *f = start(&opts);
    assert_int_equal(submit(f, 0, 1, false), ERR_OK);
    assert_false(f->entries[0].finished);
    clock_fake_advance(&clock, 2 * NS_PER_MS);
    wait_done(f, 1);
    assert_int_equal(f->entries[0].result, ERR_OK);
    stop(f);
}

static void flush_writes_what_nobody_waits_for(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    assert_int_equal(submit(f, 0, 1, false), ERR_OK);
    batch_flush(f->batch);
    assert_true(f->entries[0].finished);
    stop(f);
}

static void failed_group_is_tried_again_one_by_one(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    memory_store_fail_groups(f->store, ERR_IO);
    memory_store_hold(f->store);
    assert_int_equal(submit(f, 0, 1, true), ERR_OK);
    memory_store_wait_held(f->store);
    for (int i = 1; i < 5; i++) assert_int_equal(submit(f, i, 1, true), ERR_OK);
    memory_store_release(f->store);
    wait_done(f, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(f->entries[i].result, ERR_OK);
    stop(f);
}

static void failed_write_is_told_to_its_sender(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    memory_store_fail(f->store, 1, ERR_NOSPACE);
    assert_int_equal(submit(f, 0, 1, true), ERR_OK);
    wait_done(f, 1);
    assert_int_equal(f->entries[0].result, ERR_NOSPACE);
    assert_int_equal(submit(f, 1, 1, true), ERR_OK);
    wait_done(f, 2);
    assert_int_equal(f->entries[1].result, ERR_OK);
    stop(f);
}

static void answers_come_in_order_of_submission(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    for (int i = 0; i < TICKETS; i++) assert_int_equal(submit(f, i, 1, true), ERR_OK);
    wait_done(f, TICKETS);
    for (int i = 0; i < TICKETS; i++) assert_int_equal(f->entries[i].order, i);
    stop(f);
}

enum { CROWD = 10000 };

struct crowd_member {
    struct batch_ticket ticket;
    struct fixture *fixture;
    int order;
};

static void on_member_done(struct batch_ticket *t, enum err e, const struct why *why)
{
    (void)why;
    struct crowd_member *m = (struct crowd_member *)(void *)t;
    lock_take(&m->fixture->lock);
    m->order = e ? -1 : m->fixture->done;
    m->fixture->done++;
    cond_broadcast(&m->fixture->cond);
    lock_release(&m->fixture->lock);
}

/* More waiting requests than one group holds, because every place of the ring is taken. */
static void crowd_larger_than_a_group_is_written_in_groups(void **state)
{
    (void)state;
    static struct crowd_member members[CROWD];
    struct batch_opts opts = default_opts();
    opts.each_request_alone = true;
    opts.queue_capacity = CROWD;
    struct fixture *f = start(&opts);
    struct point point = {1, 1};
    struct record record = {1, 1, 1, 0, 1};
    memory_store_hold(f->store);
    for (int i = 0; i < CROWD; i++) {
        members[i].fixture = f;
        members[i].ticket = (struct batch_ticket){
            .set = {&record, 1, &point, 1}, .waits = true, .done = on_member_done};
        assert_int_equal(batch_submit(f->batch, &members[i].ticket), ERR_OK);
        if (i == 0) memory_store_wait_held(f->store);
    }
    memory_store_release(f->store);
    wait_done(f, CROWD);
    for (int i = 0; i < CROWD; i++) assert_int_equal(members[i].order, i);
    stop(f);
}

static void capacity_made_smaller_than_what_waits_refuses(void **state)
{
    (void)state;
    struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    memory_store_hold(f->store);
    assert_int_equal(submit(f, 0, 20, true), ERR_OK);
    memory_store_wait_held(f->store);
    opts.queue_capacity = 10;
    batch_configure(f->batch, &opts);
    assert_int_equal(submit(f, 1, 1, true), ERR_FULL);
    memory_store_release(f->store);
    wait_done(f, 1);
    stop(f);
}

static void async_off_makes_each_request_its_own_batch(void **state)
{
    (void)state;
    struct batch_opts opts = default_opts();
    opts.each_request_alone = true;
    opts.slots = 1;
    struct fixture *f = start(&opts);
    memory_store_hold(f->store);
    for (int i = 0; i < 4; i++) assert_int_equal(submit(f, i, 1, true), ERR_OK);
    memory_store_release(f->store);
    wait_done(f, 4);
    assert_int_equal(memory_store_writes(f->store), 4);
    stop(f);
}

static void closing_writes_everything_queued(void **state)
{
    (void)state;
    const struct batch_opts opts = default_opts();
    struct fixture *f = start(&opts);
    for (int i = 0; i < 10; i++) assert_int_equal(submit(f, i, 1, false), ERR_OK);
    batch_free(f->batch);
    assert_int_equal(f->done, 10);
    f->store->ops->close(f->store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lone_reading_is_written_at_once_without_the_timer),
        cmocka_unit_test(all_that_arrives_during_a_commit_joins_the_next),
        cmocka_unit_test(one_group_takes_at_most_slots_batches),
        cmocka_unit_test(request_larger_than_a_batch_is_one_batch_and_not_split),
        cmocka_unit_test(full_queue_refuses_and_takes_nothing_of_the_request),
        cmocka_unit_test(waiting_points_are_bounded_as_records_are),
        cmocka_unit_test(request_the_queue_never_holds_is_too_large),
        cmocka_unit_test(nobody_waiting_means_the_batch_waits_until_full),
        cmocka_unit_test(nobody_waiting_means_the_batch_closes_by_the_timer),
        cmocka_unit_test(flush_writes_what_nobody_waits_for),
        cmocka_unit_test(failed_group_is_tried_again_one_by_one),
        cmocka_unit_test(failed_write_is_told_to_its_sender),
        cmocka_unit_test(answers_come_in_order_of_submission),
        cmocka_unit_test(crowd_larger_than_a_group_is_written_in_groups),
        cmocka_unit_test(capacity_made_smaller_than_what_waits_refuses),
        cmocka_unit_test(async_off_makes_each_request_its_own_batch),
        cmocka_unit_test(closing_writes_everything_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
