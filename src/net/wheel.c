/* A hashed wheel with lazy moves (see wheel.h; Varghese and Lauck, 1987, scheme 6). */
#include "net/wheel.h"

#include <stddef.h>

void wheel_init(struct wheel *w, int64_t now_ns)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++) w->slots[i].next = w->slots[i].prev = &w->slots[i];
    w->turned = now_ns / WHEEL_SLOT_NS;
    w->count = 0;
}

void wheel_entry_init(struct wheel_entry *e)
{
    *e = (struct wheel_entry){.deadline_ns = WHEEL_NEVER};
}

static void link_entry(struct wheel *w, struct wheel_entry *e)
{
    int64_t at = e->deadline_ns / WHEEL_SLOT_NS + 1; /* the first visit after the deadline */
    if (at <= w->turned) at = w->turned + 1;
    if (at > w->turned + WHEEL_SLOTS - 1)
        at = w->turned + WHEEL_SLOTS - 1; /* looked at again then */
    struct wheel_entry *head = &w->slots[at % WHEEL_SLOTS];
    e->slot_at = at;
    e->next = head;
    e->prev = head->prev;
    head->prev->next = e;
    head->prev = e;
    w->count++;
}

void wheel_remove(struct wheel *w, struct wheel_entry *e)
{
    if (!e->next) return;
    e->prev->next = e->next;
    e->next->prev = e->prev;
    e->next = e->prev = NULL;
    w->count--;
}

void wheel_set(struct wheel *w, struct wheel_entry *e, int64_t deadline_ns)
{
    e->deadline_ns = deadline_ns;
    if (deadline_ns == WHEEL_NEVER) return; /* falls off when its slot comes by */
    if (e->next && e->slot_at <= deadline_ns / WHEEL_SLOT_NS + 1) return;
    wheel_remove(w, e);
    link_entry(w, e);
}

static void visit(struct wheel *w, struct wheel_entry *head, int64_t now_ns,
                  void (*expired)(struct wheel_entry *e))
{
    /* Moved to a list of its own: what `expired` links may land in this slot again. */
    struct wheel_entry due = {.next = &due, .prev = &due};
    if (head->next == head) return;
    due.next = head->next;
    due.prev = head->prev;
    due.next->prev = due.prev->next = &due;
    head->next = head->prev = head;
    while (due.next != &due) {
        struct wheel_entry *e = due.next;
        wheel_remove(w, e);
        if (e->deadline_ns <= now_ns)
            expired(e);
        else if (e->deadline_ns != WHEEL_NEVER)
            link_entry(w, e);
    }
}

void wheel_advance(struct wheel *w, int64_t now_ns, void (*expired)(struct wheel_entry *e))
{
    int64_t now = now_ns / WHEEL_SLOT_NS;
    if (now - w->turned > WHEEL_SLOTS) w->turned = now - WHEEL_SLOTS; /* one whole turn is all */
    while (w->turned < now) {
        w->turned++;
        visit(w, &w->slots[w->turned % WHEEL_SLOTS], now_ns, expired);
    }
}
