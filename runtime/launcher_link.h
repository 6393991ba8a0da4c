/* Core's end of the conversation in messages/launch_msgs.h. */
#ifndef RUNTIME_LAUNCHER_LINK_H
#define RUNTIME_LAUNCHER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/frame.h"
#include "messages/launch_msgs.h"

struct ceiling;
struct err;
struct machine;

#define LAUNCHER_LINK_EARLY_MAX 8

struct launcher_link {
	int sock; /* borrowed */
	/* Ends that came while an answer was waited for. */
	size_t nearly;
	struct launch_exited early[LAUNCHER_LINK_EARLY_MAX];
	uint32_t serial;
	bool ready;
	struct launch_host host; /* once it is ready */
};

/* Says the ceiling, once; does not wait for the answer. */
int launcher_link_open(struct launcher_link *, int sock, const struct ceiling *,
    uint32_t spares, struct err *);

/* Waits until the launcher is ready: host holds what it found.  Idempotent. */
int launcher_link_wait_ready(struct launcher_link *, struct err *);

/*
 * A volume that outlives its machine: a descriptor, or -1.  It is there until
 * it is freed by the serial, or the conversation ends.
 */
int launcher_link_volume(struct launcher_link *, uint32_t tenant,
    uint64_t bytes, uint64_t inodes, uint32_t *serial, struct err *);
void launcher_link_free_volume(struct launcher_link *, uint32_t serial);

/* What comes with a machine (launch_msgs.h): -1 where it has none. */
struct launcher_link_given {
	int resolver, meter, upper;
};

/* Of a frame CREATED, whose first descriptor is the pidfd; taken out of it.
 * False: it does not bring what it should. */
bool launcher_link_take_given(struct frame *, const struct machine *,
    struct launcher_link_given *);

/*
 * Starts a machine; its serial goes to serial and init's pidfd is the result.
 * A refusal of the launcher comes back as its own sentence.
 */
int launcher_link_create(struct launcher_link *, uint32_t tenant,
    const struct machine *, const int *fds, size_t nfds, uint32_t *serial,
    struct launch_created *, struct launcher_link_given *, struct err *);

int launcher_link_connect(struct launcher_link *, uint32_t serial,
    uint16_t port, struct err *);
int launcher_link_kill(struct launcher_link *, uint32_t serial,
    enum launch_cause, struct err *);

/* True if the end of a machine is here already: nothing more may be read. */
bool launcher_link_has_exited(const struct launcher_link *);

/* The end of a machine, once it is here or the socket is readable. */
int launcher_link_exited(struct launcher_link *, struct launch_exited *,
    struct err *);

#endif
