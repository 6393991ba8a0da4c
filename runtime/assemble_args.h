/* What a machine's program is started with, for assemble.h. */
#ifndef RUNTIME_ASSEMBLE_ARGS_H
#define RUNTIME_ASSEMBLE_ARGS_H

#include <stdbool.h>

struct aleph_program;
struct assemble_input;
struct err;

/* Where a machine has its code, and the tools of the node. */
#define ASSEMBLE_CODE "/opt/code"
#define ASSEMBLE_TOOLS "/opt/cella"

/*
 * Whether the memory of a machine that sessions drive lasts from one input to
 * the next: as its message says (variables.CELLA_MEMORY: reset or kept), else
 * that of a rollup's does.
 */
bool assemble_args_are_kept(const struct aleph_program *);

/* Whether each input is to be handled by a copy of the process that waits
 * (variables.CELLA_REUSE: fresh, which is the default, or zygote). */
bool assemble_args_are_zygote(const struct aleph_program *);

/* For records: what of one input the next one finds.  fresh: nothing; zygote: a
 * machine that was copied for it; kept: its memory. */
const char *assemble_args_reuse(const struct aleph_program *);

/* Arguments and environment as an args block: a descriptor, or -1. */
int assemble_args(const struct assemble_input *, struct err *);

#endif
