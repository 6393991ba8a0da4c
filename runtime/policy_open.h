/* The admin's policy file, with privilege: whose it must be, and no more. */
#ifndef RUNTIME_POLICY_OPEN_H
#define RUNTIME_POLICY_OPEN_H

struct err;

/*
 * Opens it: a regular file of root's or the caller's that nobody else can
 * write, not through a symbolic link.
 */
int policy_open(const char *path, struct err *);

#endif
