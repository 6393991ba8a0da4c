/*
 * The system calls that the filter refused, as the kernel's audit log tells
 * them: filters are loaded with SECCOMP_FILTER_FLAG_LOG, and a root that
 * starts a run may listen (AUDIT_NLGRP_READLOG) without an audit daemon.  The
 * log is the whole host's: records are taken by the machine's id.  It may lose
 * records; nothing is decided by it.
 */
#ifndef RUNTIME_DENIALS_H
#define RUNTIME_DENIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/syscalls.h"

struct filter_model;
struct value;

struct denials {
	uint64_t count[SYSCALLS_NR_MAX];
	uint64_t total; /* of other numbers and architectures too */
};

/* While there is privilege: a socket, or -1 if the host does not let us. */
int denials_open(void);

/* Takes what has arrived; uid: the machine's id on the host. */
void denials_drain(int fd, uint32_t uid, struct denials *);

/*
 * One record as the kernel writes it.  False if it is none of seccomp's for
 * that id.  Pure.
 */
bool denials_parse(const char *text, size_t len, uint32_t uid, uint32_t *arch,
    int *nr);

/* A list of {call, nr, count, answer}; answers are the model's. */
struct value *denials_list(const struct denials *, const struct filter_model *);

/* One line for each call that was refused by more than "not there". */
void denials_print(const struct denials *, const struct filter_model *,
    const char *tier);

#endif
