/*
 * From a decided program to a machine with its descriptors: references are
 * resolved and verified, archives become images, volumes are made, and the
 * arguments and the environment are written into the args block.
 */
#ifndef RUNTIME_ASSEMBLE_H
#define RUNTIME_ASSEMBLE_H

#include <stdbool.h>

#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/machine.h"

struct aleph_program;
struct err;
struct launcher_link;
struct store;
struct value;

#define ASSEMBLE_ARGS_MAX 256

/* What the command line adds. */
struct assemble_extra {
	bool shell;   /* in the place of the program */
	bool prompts; /* it does, for somebody who types */
	size_t nargs, nenv;
	const char *arg[ASSEMBLE_ARGS_MAX];
	const char *env[ASSEMBLE_ARGS_MAX]; /* NAME=value */
};

struct assembly {
	struct machine machine;
	int source[MACHINE_MOUNTS_MAX];
	int args;
	int export_volume; /* -1: the message has no export */
	size_t nvolumes;   /* serials of the launcher's */
	uint32_t volume[MACHINE_MOUNTS_MAX];
	struct launcher_link *link;
	char tmp[64];       /* of the store, "" if none */
	char tools[64];     /* the same, for rollup-init */
	struct value *refs; /* as resolved */
	struct store *store;
};

struct assemble_input {
	const struct aleph_program *program;
	const struct decision *decision;
	const struct ceiling *ceiling;
	const struct assemble_extra *extra;
	struct store *store;
	struct launcher_link *link;
	uint32_t tenant;
	bool verbose; /* says on standard error what takes long */
};

/* On failure nothing is left behind. */
int assemble(const struct assemble_input *, struct assembly *, struct err *);
void assemble_fini(struct assembly *);

#endif
