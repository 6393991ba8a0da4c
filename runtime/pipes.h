/* The pipes between us and a machine. */
#ifndef RUNTIME_PIPES_H
#define RUNTIME_PIPES_H

#include <stdbool.h>

struct err;

/* Our end does not block; the machine's does, as programs expect. */
int pipes_make(int *reads, int *writes, bool ours_reads, struct err *);

/* What is at its end from the start: a descriptor, or -1. */
int pipes_nothing(struct err *);

#endif
