/*
 * The result record: what was asked, what was enforced, what happened.  One
 * schema for every way to run a machine: docs/result.schema.json.
 */
#ifndef RUNTIME_RECORD_H
#define RUNTIME_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/verdict.h"

struct aleph_program;
struct err;
struct function_reply;
struct instance;
struct launch_host;
struct value;

/* Each may be NULL as long as the run did not come so far. */
struct record {
	const struct aleph_program *program;
	const struct ceiling *ceiling;
	const struct decision *decision;
	const struct launch_host *host;
	const struct instance *instance;
	const struct function_reply *reply;
	const struct value *refs;     /* list, as resolved */
	const struct value *export;   /* object */
	const struct err *error;      /* why nothing ran, or what broke */
	const struct value *problems; /* list: all that is wrong */
	bool internal;                /* the error is ours */
	bool with_output;             /* kept streams go into it */
	bool shell;                   /* in the program's place */
	uint64_t started_real_ns;
};

/* The verdict, and the facts it came from. */
enum verdict record_verdict(const struct record *, struct verdict_facts *);

/* The caller frees. */
struct value *record_build(const struct record *);

#endif
