/* A file for a process that may not open it. */
#ifndef RUNTIME_SEALED_FILE_H
#define RUNTIME_SEALED_FILE_H

struct err;

#define SEALED_FILE_MAX (1 << 20)

/* Its bytes as they are now, in memory, which nobody can change. */
int sealed_file(const char *path, int *copy, struct err *);

#endif
