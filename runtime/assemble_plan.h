/*
 * What a machine has mounted, from its message and the decision alone: where
 * each thing stands and what may be done there.  assemble.h finds what stands
 * there.  Pure.
 */
#ifndef RUNTIME_ASSEMBLE_PLAN_H
#define RUNTIME_ASSEMBLE_PLAN_H

#include <stddef.h>

#include "policy/machine.h"

struct aleph_program;
struct decision;
struct err;

enum assemble_what {
	ASSEMBLE_ROOT,
	ASSEMBLE_CODE_ITEM,
	ASSEMBLE_VOLUME,
	ASSEMBLE_TOOLS_ITEM, /* of machines that sessions drive */
	ASSEMBLE_STATE,      /* the same; whoever has the session has it */
	ASSEMBLE_DATA,
	ASSEMBLE_EXPORT, /* with data unpacked into it, if that stands there */
};

struct assemble_item {
	enum assemble_what what;
	size_t volume; /* of the message's */
	size_t place;  /* among the machine's mounts, by target */
	struct machine_mount mount;
};

struct assemble_plan {
	size_t n;
	struct assemble_item item[MACHINE_MOUNTS_MAX];
};

/* In the order in which their sources are found: as the message has them. */
int assemble_plan(struct assemble_plan *, const struct aleph_program *,
    const struct decision *, struct err *);

/* The same as a machine's mounts, of which the rest is not touched.  Two of
 * them may stand at one target: machine_check(). */
void assemble_plan_mounts(const struct assemble_plan *, struct machine *);

#endif
