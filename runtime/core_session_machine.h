/*
 * One machine of a session, from its start to its end: its channel
 * (docs/channel.md), its CPU time, the layer over its state, and what it writes
 * beside its work.  Whoever asked for it may let it go at any time; it frees
 * itself once nothing of it is left.
 */
#ifndef RUNTIME_CORE_SESSION_MACHINE_H
#define RUNTIME_CORE_SESSION_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/channel.h"

struct core;
struct core_assembly;
struct core_session_machine;
struct err;
struct launch_exited;

/* None of them after core_session_machine_leave(). */
struct core_session_machine_fns {
	/* Something came over its channel; borrowed. */
	void (*heard)(void *arg, const struct channel_frame *);
	/* Every task of it is dead. */
	void (*ended)(void *arg, const struct launch_exited *);
	/* It did not start. */
	void (*failed)(void *arg, const struct err *);
};

struct core_session_machine_want {
	struct core *core;
	struct core_assembly *assembly; /* used while it lives */
	const char *hash, *run;         /* for logs */
	int tree;                       /* of its state; borrowed */
	uint32_t max;                   /* bytes of a frame's payload */
	size_t backlog; /* bytes of an input that it may not read */
	const struct core_session_machine_fns *fns;
	void *arg;
};

struct core_session_machine *core_session_machine_start(
    const struct core_session_machine_want *);

/* One frame: head and payload are one. */
void core_session_machine_say(struct core_session_machine *, uint32_t kind,
    const void *head, size_t nhead, const void *payload, size_t len);

/* It ends, and ended() is called once it has. */
void core_session_machine_kill(struct core_session_machine *);

/* The same, and nobody wants to hear of it any more. */
void core_session_machine_leave(struct core_session_machine *);

/* What the launcher said when it was started; zero: nothing yet. */
const struct launch_created *core_session_machine_created(
    const struct core_session_machine *);

/* CPU time since it was started, in nanoseconds. */
uint64_t core_session_machine_cycles(struct core_session_machine *);

/* It has used half of the time that it may live, or of CPU time. */
bool core_session_machine_is_worn(struct core_session_machine *);

/*
 * The state as it is now takes the place of the one that it has, with an empty
 * layer: e is NULL then, else it goes on without one.  Not called after
 * core_session_machine_leave().
 */
void core_session_machine_replace(struct core_session_machine *,
    void (*replaced)(void *arg, const struct err *e));

/* The layer over its state, or -1; borrowed. */
int core_session_machine_layer(const struct core_session_machine *);

/* At the end of core: whatever is left of any of them. */
void core_session_machine_fini(struct core *);

#endif
