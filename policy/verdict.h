/* One word for how a run ended, from the raw facts, by a fixed precedence. */
#ifndef POLICY_VERDICT_H
#define POLICY_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

/* In the order of precedence: the first that fits is the verdict. */
enum verdict {
	VERDICT_INTERNAL_ERROR,
	VERDICT_SETUP_ERROR,
	VERDICT_POLICY_VIOLATION,
	VERDICT_OOM,
	VERDICT_CPU,
	VERDICT_WALL,
	VERDICT_OUTPUT,
	VERDICT_DISK,
	VERDICT_SIGNAL,
	VERDICT_EXIT,
	VERDICT_OK,
};

struct verdict_facts {
	bool ours_failed; /* a fault of the node */
	bool not_started; /* nothing ran */
	bool stopped;     /* a person asked */
	bool over_cpu, over_wall, over_output, over_disk;
	uint64_t oom_kills;
	int signal; /* that ended the program; 0: none */
	int status; /* exit status, when there was no signal */
};

enum verdict verdict_of(const struct verdict_facts *);
const char *verdict_name(enum verdict);

/* The exit status of the command: design of `cella run`. */
int verdict_exit_status(enum verdict, const struct verdict_facts *);

#endif
