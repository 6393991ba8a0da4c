/* The admin's policy file: what it says. */
#ifndef RUNTIME_POLICY_FILE_H
#define RUNTIME_POLICY_FILE_H

struct ceiling;
struct err;
struct problems;

/* fd -1: the built-in ceiling. */
int policy_file_read(int fd, const char *path, struct ceiling *,
    struct problems *, struct err *);

#endif
