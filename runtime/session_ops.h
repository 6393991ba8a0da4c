/*
 * What sessions (session.h) want done: by machines, and by the disk.
 *
 * What machines do takes time, and is told later, or at once from within
 * (session_tell.h).  One thing is asked of a machine at a time, but it may be
 * stopped at any.
 *
 *   load       -> opened, then ready                  or failed
 *   give       -> yielded..., each answered by go_on, and a last one; or died
 *   weigh      -> weighed: what the input made of its state is known, and can
 *                 still be given up
 *   apply      -> ready: it is its state now, and the machine waits for more
 *   discard    -> ready: nothing is left of it, and the machine waits for more
 *   store      -> stored
 *   stop       -> stopped
 *
 * What is kept is on the disk when the function returns; a -1 with an error
 * means that it is not, and then nothing has happened.
 */
#ifndef RUNTIME_SESSION_OPS_H
#define RUNTIME_SESSION_OPS_H

#include "runtime/session.h"

struct err;

enum session_request { SESSION_ADVANCE, SESSION_INSPECT };

struct session_given {
	enum session_request request;
	struct rollup_metadata metadata; /* of SESSION_ADVANCE */
	const void *payload;
	size_t len;
};

struct session_ops {
	uint64_t (*now)(void *owner); /* monotonic, in nanoseconds */
	/* Another takes the place of the one before; UINT64_MAX: none. */
	void (*set_timer)(void *owner, struct session *, uint64_t at);
	/* What the machine has used since it was loaded. */
	uint64_t (*cycles)(void *owner, struct session *);

	/* directory: "": that of a session that was kept. */
	void (*load)(void *owner, struct session *, const char *directory);
	void (
	    *give)(void *owner, struct session *, const struct session_given *);
	void (*go_on)(void *owner, struct session *);
	void (*weigh)(void *owner, struct session *);
	void (*apply)(void *owner, struct session *);
	void (*discard)(void *owner, struct session *);
	void (*store)(void *owner, struct session *, const char *directory);
	void (*stop)(void *owner, struct session *);

	int (*keep_session)(void *owner, struct session *, struct err *);
	int (*keep_input)(void *owner, struct session *,
	    const struct session_given *, struct err *);
	/* The first that waits is done.  content: of all ranges, if it was
	 * accepted, else NULL. */
	int (*keep_done)(void *owner, struct session *,
	    const struct session_done *,
	    const struct buf content[MACHINE_RANGES], struct err *);
	int (*keep_epoch)(void *owner, struct session *, struct err *);
	void (*keep_taint)(void *owner, struct session *,
	    const struct session_taint *);
	int (*keep_end)(void *owner, struct session *, struct err *);

	/* It is no more: what the owner has of it goes. */
	void (*forget)(void *owner, struct session *);
};

/* The owner's own, of a session. */
void session_ops_set(struct session *, void *machine);
void *session_ops_get(const struct session *);

#endif
