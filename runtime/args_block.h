/*
 * The args block (guest/start_block.h): the arguments and the environment of a
 * program, as those who become it read them.
 */
#ifndef RUNTIME_ARGS_BLOCK_H
#define RUNTIME_ARGS_BLOCK_H

#include <stddef.h>

struct err;

/* For these strings, sealed: a descriptor. */
int args_block_make(const char *const *argv, size_t nargs,
    const char *const *env, size_t nenv, struct err *);

/* Other arguments, and the environment of a block that there is. */
int args_block_with(int block, const char *const *argv, size_t nargs,
    struct err *);

#endif
