/* The command line of `cella run`. */
#ifndef RUNTIME_RUN_OPTIONS_H
#define RUNTIME_RUN_OPTIONS_H

#include <stdbool.h>

#include "policy/decide.h"
#include "runtime/assemble.h"

struct run_options {
	const char *message, *input, *request, *policy, *store, *result;
	const char *export;
	bool json, verbose;
	int dialect;
	struct decide_wish wish;
	struct assemble_extra extra;
};

/* 0, or -1 after the reason was printed.  Strings are borrowed from argv. */
int run_options_parse(struct run_options *, int argc, char **argv);

#endif
