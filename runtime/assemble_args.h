/* What a machine's program is started with, for assemble.h. */
#ifndef RUNTIME_ASSEMBLE_ARGS_H
#define RUNTIME_ASSEMBLE_ARGS_H

struct assemble_input;
struct err;

/* Where a machine has its code, and the tools of the node. */
#define ASSEMBLE_CODE "/opt/code"
#define ASSEMBLE_TOOLS "/opt/cella"

/* Arguments and environment as an args block: a descriptor, or -1. */
int assemble_args(const struct assemble_input *, struct err *);

#endif
