#pragma once
/* app/boot_nodes.h -- what other servers on the same database tell, and where it goes here; what is
 * done by the one that leads, and idle on the others (store/nodes.h). Without others: nothing.
 *
 *   boot_nodes_open ── rules, synthetic variables and notifier idle, unless it leads ── start …
 *   boot_nodes_listen ── all parts stand ──> news ── boot_nodes_mute ── parts are taken down
 *
 * Threads: the main thread; news come on the node's own.   Memory: the boot's. */
#include "api/app.h"

struct boot;
/* After all parts were made, before any of them starts. */
enum err boot_nodes_open(struct boot *b) MUST_CHECK;
void boot_nodes_listen(struct boot *b); /* before the ports are open */
/* Before any part is taken down: another server takes the lead over, if there is one. */
void boot_nodes_mute(struct boot *b);
/* What is durable goes to whoever watches: sockets, rules, synthetic variables; fits struct
 * batch_tap. */
void boot_nodes_show(void *boot, const struct record_set *set);
/* How a login ended here, to the others; fits auth_service_opts. */
void boot_nodes_tell_attempt(void *boot, struct bytes news);
