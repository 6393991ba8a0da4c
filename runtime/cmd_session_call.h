/* The verbs of `cella session` that ask a node. */
#ifndef RUNTIME_CMD_SESSION_CALL_H
#define RUNTIME_CMD_SESSION_CALL_H

#include <stdbool.h>
#include <stdint.h>

struct node_session;

/* What was typed; a number that was not is UINT64_MAX. */
struct cmd_session_call {
	const char *grpc, *id;
	const char *const *arg; /* behind verb and id */
	int nargs;
	int *file; /* those of them that are files, opened as who asked */
	const char *sender, *store;
	uint64_t epoch, index, block, time;
	uint64_t max_cycles, cycles_increment; /* of inputs, and of queries */
	uint64_t deadline_ms, increment_ms, checkin_ms;
	bool json, wait;
	struct node_session *client;
};

/* NULL: there is no such verb. */
struct cmd_session_verb {
	const char *name;
	int least, most; /* arguments; the first is the id; most -1: any */
	bool files;      /* those behind the id; none: standard input */
	int (*run)(struct cmd_session_call *); /* the exit status */
};
const struct cmd_session_verb *cmd_session_call_find(const char *name);

#endif
