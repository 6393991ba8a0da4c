/*
 * What cella-init finds when it starts, at fixed descriptors.  Two sealed
 * files: the args block, written by core, which only the program's own values
 * go into; and the filter block, written by the launcher.  Little endian; this
 * header is freestanding, since init has no C library.
 */
#ifndef GUEST_START_BLOCK_H
#define GUEST_START_BLOCK_H

#include <stdint.h>

/* The descriptors of init; 0, 1 and 2 are the program's, 3 and 4 its channel.
 */
enum {
	START_FD_CHANNEL_IN = 3,
	START_FD_CHANNEL_OUT = 4,
	START_FD_ARGS = 5,
	START_FD_FILTER = 6,
	START_FD_LANDLOCK = 7, /* closed if the host has no Landlock */
	START_FD_STATUS = 8,   /* a pipe, to the launcher */
	START_FD_EXE = 9,      /* init itself, used once by the launcher */
	START_FD_COUNT
};

#define START_STRINGS_MAX 2048
#define START_BYTES_MAX (2 << 20)
#define START_MAGIC 0x314c4543U /* "CEL1" */

/*
 * The args block: this head, then nargs + nenv strings, each with its NUL.
 * The first argument is also the path that is executed.
 */
struct start_args {
	uint32_t magic;
	uint32_t nargs, nenv;
	uint32_t bytes; /* of the strings, together */
};

/* The filter block: this head, then len instructions of 8 bytes. */
struct start_filter {
	uint32_t magic;
	uint32_t len;
	uint32_t landlock_flags; /* for landlock_restrict_self(2) */
	uint32_t channel;        /* 1: descriptors 3 and 4 stay open */
};

#ifdef LEAVE_OUT /* base/control.h: its number stands above the flag */
#define START_CHANNEL(f) (((f)->channel & 1) != 0)
#define START_CONTROL(f, item) ((f)->channel >> 8 != (item))
#define START_LEFT_OUT ((uint32_t)control_left_out << 8)
#else
#define START_CHANNEL(f) ((f)->channel != 0)
#define START_CONTROL(f, item) 1
#define START_LEFT_OUT 0
#endif

/* What init says on the status pipe, once before each turn. */
enum start_word {
	START_RUNNING = 1, /* the program runs */
	START_EXITED,      /* value: exit status */
	START_SIGNALED,    /* value: signal */
	START_NO_EXEC,     /* value: errno of execve */
	START_NO_START,    /* value: errno; step: where */
};

struct start_status {
	uint32_t word, value, step;
};

#endif
