/* Machines, a disk and a clock for tests of sessions: they do what the test
 * says, and write down what they were asked for. */
#ifndef TESTS_UNIT_SESSION_FAKE_H
#define TESTS_UNIT_SESSION_FAKE_H

#include "runtime/session.h"
#include "runtime/session_tell.h"

#define MS UINT64_C(1000000)

struct journal;

struct fake {
	struct sessions *all;
	struct journal *journal; /* NULL: what is kept is only counted */
	uint64_t now, cycles, timer;
	char did[1024];    /* "load give go_on..." since it was looked at */
	struct session *s; /* whose machine was asked last */
	char directory[64];
	bool full; /* the disk */
	unsigned inputs, done, accepted, epochs, sessions, taints, ends;
	bool given_query;
	struct rollup_metadata metadata; /* given last */
	char payload[64];
};

/* Who asked, and what he was told. */
struct told {
	struct session_call call;
	unsigned times;
	enum grpc_status status;
	char text[SESSION_TEXT];
	uint64_t input_index;
	unsigned completion;
	size_t reports;
	char exception[64];
	char report[64];
	bool has_epoch;
	struct session_epoch epoch; /* borrowed parts */
};

void fake_open(struct fake *);
void fake_close(struct fake *);

/* With no session yet, after a kill. */
void fake_reopen(struct fake *);

/* Killed, and begun again from the journal; the state on the disk is version's.
 */
void fake_restart(struct fake *, unsigned version);

/* What was done since, and it is forgotten. */
void fake_expect(struct fake *, const char *did);

/* From nobody yet. */
void fake_told(struct told *, const char *rpc);
void fake_expect_told(const struct told *, enum grpc_status, const char *text);

/* A good request, machine, state and yield: to be changed. */
void fake_request(struct session_start *, struct session_cycles *,
    struct session_deadlines *);
void fake_machine(struct machine_config *);
void fake_parts(struct session_parts *, unsigned version);
struct session_yield fake_manual(unsigned reason);

/* A session of that id that waits for inputs, in epoch 0. */
struct session *fake_start(struct fake *, const char *id);

/* An input of these bytes, at its place; the machine gets it when it can. */
void fake_advance(struct fake *, struct told *, const char *id, uint64_t epoch,
    uint64_t index, const char *payload);

/* The machine puts out, and is let go on. */
void fake_put(struct fake *, unsigned reason, const char *payload, size_t len);

/* It accepts, and its state is version's from then on. */
void fake_accept(struct fake *, unsigned vouchers, unsigned notices,
    unsigned version);

/* It ends as that reason says, and the state is version's. */
void fake_skip(struct fake *, unsigned reason, unsigned version);

#endif
