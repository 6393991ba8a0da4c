/*
 * Machines that serve many calls: of binary and asgi functions that the policy
 * keeps warm, until nobody has called them for a while, and of those with
 * on.persistent, which are kept running.  A call gets a connection of its own
 * to the server; one that takes longer than its function may ends the machine,
 * and with it whoever else was being served.
 */
#ifndef RUNTIME_CORE_WARM_H
#define RUNTIME_CORE_WARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct core_run;
struct core_run_trigger;
struct core_warm_function;
struct err;
struct front_left;
struct launch_exited;
struct prepare_program;

struct core_warm {
	struct core *core;
	struct core_warm_function *first;
};

/* With what is published already. */
int core_warm_open(struct core_warm *, struct core *, struct err *);
void core_warm_close(struct core_warm *);

/* One was published: it is started if it is to be kept running. */
void core_warm_published(struct core_warm *, const struct prepare_program *);

/* Its owner took it back. */
void core_warm_forget(struct core_warm *, const char *hash);

/* What it is made of has changed: calls from now on get a machine anew. */
void core_warm_refresh(struct core_warm *);

/* True: the call is one of these, and taken. */
bool core_warm_takes(struct core_warm *, const struct core_run_trigger *);

/*
 * Front needs that call no longer.  connection: the one it went over, if others
 * may follow; taken over if there is use for it.  False: it is none of these.
 */
bool core_warm_left(struct core_warm *, uint32_t serial,
    const struct front_left *, int *connection);
void core_warm_front_gone(struct core_warm *);

/* Nothing is started again; who is being served is served to the end. */
void core_warm_drain(struct core_warm *);

/* ---- for core_run*.c ---- */

/* It is the one of its function from now on. */
void core_warm_began(struct core_run *);

/* Its server listens. */
void core_warm_serves(struct core_run *);

/* Its machine has ended; later, or without it: nothing of the run is left. */
void core_warm_ended(struct core_run *, const struct launch_exited *);
void core_warm_over(struct core_run *);

#endif
