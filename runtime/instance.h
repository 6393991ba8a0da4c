/*
 * One machine from start to end, as core sees it: its standard streams, its
 * channel, its limits on output, and the facts of its end.  Every read is
 * bounded and none waits for the machine.
 */
#ifndef RUNTIME_INSTANCE_H
#define RUNTIME_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "messages/launch_msgs.h"
#include "policy/machine.h"
#include "runtime/denials.h"

struct ceiling_dns;
struct err;
struct launcher_link;

/* Where a stream goes: at most limit bytes of it, the rest is counted. */
struct instance_sink {
	int fd;    /* written as it comes; -1: kept */
	bool keep; /* in kept, beside fd */
	struct buf kept;
	uint64_t limit, total, dropped;
};

struct instance;

/*
 * What a machine with a channel is talked to by.  received: bytes from the
 * machine, -1 ends it.  Writes go through instance_send().
 */
struct instance_channel {
	int (*received)(struct instance *, void *arg, const char *, size_t,
	    struct err *);
	void *arg;
};

/* Who answers the machine's resolver, and how. */
struct instance_dns {
	int sock; /* to cella-dns */
	const struct ceiling_dns *names;
};

struct instance {
	/* Set by the caller. */
	const struct machine *machine;
	uint32_t tenant;
	int args;          /* args block, sealed */
	const int *source; /* one for each mount; -1 where it has none */
	int input;         /* a file to feed; -1: nothing */
	int direct_out;    /* a file that is standard output itself; -1 */
	struct instance_sink out, err;
	const struct instance_channel *channel; /* NULL: the machine has none */
	const struct instance_dns *dns; /* NULL: the machine has no resolver */
	int signals; /* signalfd whose signals stop the machine; -1 */
	int audit;   /* denials.h; -1: nobody listens */
	/* Called on every turn of the loop; -1 ends the machine.  May be NULL.
	 */
	int (*turn)(struct instance *, void *arg, struct err *);
	void *turn_arg;
	int extra; /* one more descriptor to wait for; -1 */
	short extra_events;

	/* Filled in. */
	struct launch_created created;
	struct launch_exited exited;
	uint64_t bytes_in;
	struct denials denials;
	int stopped_by; /* the signal; 0 */
	bool ran;       /* else nothing was started: setup-error */
	bool served;    /* it was ended because its work was done */
	int upper; /* of its state (launch_msgs.h), open until the fini; -1 */

	/* Its own. */
	struct launcher_link *link;
	uint32_t serial;
	int pidfd;
	int resolver; /* until somebody serves it */
	int pipe_in, pipe_out, pipe_err, channel_in, channel_out;
	struct buf pending_in, pending_channel;
	bool input_over, ended, close_channel;
};

/* Runs it to its end.  0: exited holds the facts.  -1: see ran. */
int instance_run(struct instance *, struct launcher_link *, struct err *);

/* To the machine's channel; sent when there is room. */
void instance_send(struct instance *, const void *, size_t);

/* Closes the channel once everything is sent. */
void instance_end_channel(struct instance *);

/* The work is done: ends a machine that would run on. */
void instance_served(struct instance *);

void instance_fini(struct instance *);

#define INSTANCE_NEW                                                     \
	{                                                                \
		.args = -1, .input = -1, .direct_out = -1,               \
		.out = { .fd = -1 }, .err = { .fd = -1 }, .signals = -1, \
		.audit = -1, .extra = -1, .pidfd = -1, .resolver = -1,   \
		.pipe_in = -1, .pipe_out = -1, .pipe_err = -1,           \
		.channel_in = -1, .channel_out = -1, .upper = -1         \
	}

#endif
