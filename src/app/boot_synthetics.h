#pragma once
/* app/boot_synthetics.h -- the synthetic variables' part of the start order: their engine with a
 * tap of its own, the way of its results into the batch pipeline, the service.
 *
 *   batch ── durable ──> tap ──> rules/synthetics.h ── results ──> batch
 *
 * Threads: the main thread.   Memory: struct boot_synthetics owns its parts. */
#include "api/app.h"
#include "rules/synthetics.h"
#include "service/synthetic_service.h"

struct boot_synthetics {
    struct app *app;
    struct synthetics *engine;
    struct synthetic_service service;
    struct tap *tap;
    bool started;
};

/* Before the batch pipeline. */
enum err boot_synthetics_open(struct boot_synthetics *b, struct app *app,
                              struct why *why) MUST_CHECK;
/* Readings are computed from here on: the pipeline takes results. */
void boot_synthetics_start(struct boot_synthetics *b);
/* Another server was asked to compute a device again, and this one leads. */
void boot_synthetics_heard(struct boot_synthetics *b, struct bytes text);
/* While the pipeline still writes, and nothing else gives it work: computes and writes what is
 * owed. */
void boot_synthetics_finish(struct boot_synthetics *b);
/* After the pipeline. */
void boot_synthetics_close(struct boot_synthetics *b);
