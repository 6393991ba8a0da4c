/*
 * Core's conversation with the launcher when there are many machines: nothing
 * waits, and whoever asked is called with the answer.  launcher_link.h is the
 * same for a command that runs one.
 */
#ifndef RUNTIME_CORE_LAUNCHER_H
#define RUNTIME_CORE_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/frame_link.h"
#include "messages/launch_msgs.h"

struct ceiling;
struct core_launcher;
struct err;

#define CORE_LAUNCHER_BUCKETS 256

/* Who is told of a machine's end; lives in its owner. */
struct core_machine {
	struct core_machine *next;
	uint32_t serial;
	void (*ended)(void *arg, const struct launch_exited *);
	void *arg;
};

/*
 * f is the answer, whose descriptors the callee may take; NULL: why it could
 * not be done.
 */
typedef void core_launcher_fn(void *arg, struct frame *f,
    const struct err *why);

struct core_launcher_question;

struct core_launcher {
	struct frame_link link;
	uint32_t serial;                              /* the last */
	struct core_launcher_question *first, **last; /* in order of asking */
	struct core_machine *machine[CORE_LAUNCHER_BUCKETS];
	bool ready;
	struct launch_host host;
	void (*on_ready)(void *arg);
	void (*on_gone)(void *arg, const struct err *);
	void *arg;
};

/* Says the ceiling; sock is taken over. */
int core_launcher_open(struct core_launcher *, struct loop *, int sock,
    const struct ceiling *, uint32_t spares, void (*on_ready)(void *),
    void (*on_gone)(void *, const struct err *), void *arg, struct err *);
void core_launcher_close(struct core_launcher *);

uint32_t core_launcher_next_serial(struct core_launcher *);

/* LAUNCH_VOLUME, LAUNCH_CREATE, LAUNCH_CONNECT or LAUNCH_STATE; descriptors are
 * borrowed. */
void core_launcher_ask(struct core_launcher *, enum launch_type,
    uint32_t serial, const struct buf *, const int *fds, size_t nfds,
    core_launcher_fn *, void *arg);

void core_launcher_kill(struct core_launcher *, uint32_t serial,
    enum launch_cause);

/* Before its CREATE is asked.  It is forgotten before ended() is called. */
void core_launcher_follow(struct core_launcher *, struct core_machine *,
    uint32_t serial, void (*ended)(void *, const struct launch_exited *),
    void *arg);
void core_launcher_unfollow(struct core_launcher *, struct core_machine *);

#endif
