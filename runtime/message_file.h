/* The bytes of a message as somebody gave them to us: a program, or why not. */
#ifndef RUNTIME_MESSAGE_FILE_H
#define RUNTIME_MESSAGE_FILE_H

#include <stddef.h>

struct aleph_item;
struct aleph_program;
struct err;
struct problems;

/*
 * name: of the file or the hash, for people and for its ending; dialect: or
 * -1.  A signature that is bad or that nobody can check is refused.
 */
int message_file_read(struct aleph_program *, const char *name,
    const char *data, size_t len, int dialect, struct problems *, struct err *);

/*
 * The same; 1: it is one of the other messages that a node reads, and borrows
 * from the program, which is none.
 */
int message_file_read_any(struct aleph_program *, struct aleph_item *,
    const char *name, const char *data, size_t len, struct problems *,
    struct err *);

#endif
