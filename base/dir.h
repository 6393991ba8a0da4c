/* The names in a directory, by descriptor. */
#ifndef BASE_DIR_H
#define BASE_DIR_H

struct err;

/*
 * Calls fn for each name but "." and "..", in the kernel's order, until it
 * returns other than 0; returns that, or -1 if the directory cannot be read.
 */
int dir_each(int dir, int (*fn)(int dir, const char *name, void *arg),
    void *arg, struct err *);

/* A name and everything below it, as far as it can be; follows no link. */
void dir_remove(int dir, const char *name);

#endif
