/*
 * One run of a function, from the trigger to the end of its machine.  Front
 * has the ends of what the function reads and writes; core keeps its standard
 * error, and the facts of its end.
 */
#ifndef RUNTIME_CORE_RUN_H
#define RUNTIME_CORE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/launch_msgs.h"

struct core;
struct core_run;
struct core_warm_function;
struct err;
struct front_left;
struct value;

/* A run's name: the number of this core's life, and of the run in it. */
#define CORE_RUN_ID 32

/* For front: ADMITTED or REFUSED goes to it under the serial. */
struct core_run_trigger {
	uint32_t serial;
	const char *hash;
	const char *kind; /* "http", or that of the job */
	uint64_t job;     /* 0: a caller waits */
	const char *key;  /* name of the one he showed; NULL or "": none */
	bool next;        /* a connection that served before will do */
};
/* Before anything of it is begun: recorded, and told. */
void core_run_refuse(struct core *, const struct core_run_trigger *,
    const struct err *why);
void core_run_start(struct core *, const struct core_run_trigger *);

/* One for many calls, that nobody waits for (core_warm.h).  -1: there is no
 * room, and nothing was begun. */
int core_run_start_warm(struct core *, const struct core_run_trigger *,
    struct core_warm_function *, struct err *);

/* Nobody needs it any more, or it did what it may not. */
void core_run_end(struct core_run *, enum launch_cause);

/* Front needs it no longer, and says what it saw of it. */
void core_run_left(struct core *, uint32_t serial, const struct front_left *);

/* The operator wants it to end.  ERR_NOT_FOUND: there is no such run. */
int core_run_stop(struct core *, const char *id, struct err *);

/* Its owner took the function back: what runs of it ends. */
void core_run_forget(struct core *, const char *hash);

/* Front is gone, and whoever called through it. */
void core_run_front_gone(struct core *);

/* Nobody answers the resolvers of machines that have one: they are ended. */
void core_run_dns_gone(struct core *);

/* What runs now: a list for people and programs; the caller frees. */
struct value *core_run_list(const struct core *);

/* At the end of everything. */
void core_run_fini(struct core *);

#endif
