/* The admin's policy file: what it says. */
#ifndef RUNTIME_POLICY_FILE_H
#define RUNTIME_POLICY_FILE_H

struct ceiling;
struct err;
struct problems;
struct value;

/* fd -1: the built-in ceiling. */
int policy_file_read(int fd, const char *path, struct ceiling *,
    struct problems *, struct err *);

/* The same of a file, with its document, which the caller frees; or NULL. */
int policy_file_parse(int fd, const char *path, struct ceiling *,
    struct value **root, struct problems *, struct err *);

#endif
