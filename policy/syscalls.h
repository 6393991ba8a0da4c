/*
 * The names and numbers of Linux's system calls.  The table is ours because
 * libseccomp 2.5.4 does not know the newest ones; the tests check that the two
 * agree wherever both know a name.  A name that is not in the table is an
 * error for whoever asked, never skipped.
 */
#ifndef POLICY_SYSCALLS_H
#define POLICY_SYSCALLS_H

#include <stddef.h>

enum syscalls_arch { SYSCALLS_X86_64, SYSCALLS_AARCH64 };

#if defined(__x86_64__)
#define SYSCALLS_NATIVE SYSCALLS_X86_64
#elif defined(__aarch64__)
#define SYSCALLS_NATIVE SYSCALLS_AARCH64
#else
#error "Cella knows the system calls of x86_64 and aarch64 only"
#endif

#define SYSCALLS_NR_MAX 512  /* every number in the table is below this */
#define SYSCALLS_ABSENT (-1) /* known, but not a call of this architecture */
#define SYSCALLS_UNKNOWN (-2)

/* A number, SYSCALLS_ABSENT or SYSCALLS_UNKNOWN. */
int syscalls_number(enum syscalls_arch, const char *name);

/* NULL if no call of that architecture has the number. */
const char *syscalls_name(enum syscalls_arch, int nr);

/* Row i of the table, in the order of the names; NULL past the end. */
const char *syscalls_at(size_t i);

#endif
