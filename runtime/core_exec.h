/*
 * One more program in a machine that runs, for the operator: the launcher
 * starts it under the machine's own policy, front has its standard streams, and
 * the audit log has that it was asked for before it is.
 */
#ifndef RUNTIME_CORE_EXEC_H
#define RUNTIME_CORE_EXEC_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct core_exec;
struct err;
struct frame;

#define CORE_EXECS_MAX 16 /* in all machines; in one: SLOT_JOINS_MAX */

/* FRONT_EXEC, of core. */
int core_exec_hear(void *core, struct frame *, struct err *);

/* FRONT_LEFT: the program is ended.  False: it is of none. */
bool core_exec_left(struct core *, uint32_t serial);

/* Front is gone, or everything ends. */
void core_exec_front_gone(struct core *);

#endif
