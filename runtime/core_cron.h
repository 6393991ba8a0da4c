/*
 * Functions with on.cron (crontab.h): each slot that is due becomes a job.
 * The function is called with POST / and a JSON body, as {"type": "cron",
 * "cron": expression, "slot": time}.
 */
#ifndef RUNTIME_CORE_CRON_H
#define RUNTIME_CORE_CRON_H

#include <stdint.h>

#include "base/loop.h"
#include "runtime/crontab.h"

struct core;
struct err;
struct prepare_program;
struct value;

struct core_cron {
	struct core *core;
	struct crontab table;
	struct loop_timer tick;
};

/* With what is published already. */
int core_cron_open(struct core_cron *, struct core *, struct err *);
void core_cron_close(struct core_cron *);

/* One was published, at that time. */
void core_cron_add(struct core_cron *, const struct prepare_program *,
    uint64_t published_ns);

/* Its owner took it back. */
void core_cron_remove(struct core_cron *, const char *hash);

/* Each with its next five slots; the caller frees. */
struct value *core_cron_list(const struct core_cron *);

#endif
