/* The admin's policy file: whose it must be, and reading it. */
#ifndef RUNTIME_POLICY_FILE_H
#define RUNTIME_POLICY_FILE_H

struct ceiling;
struct err;
struct problems;

/*
 * Opens it: a regular file of root's or the caller's that nobody else can
 * write, not through a symbolic link.
 */
int policy_file_open(const char *path, struct err *);

/* fd -1: the built-in ceiling. */
int policy_file_read(int fd, const char *path, struct ceiling *,
    struct problems *, struct err *);

#endif
