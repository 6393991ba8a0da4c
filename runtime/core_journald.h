/*
 * Lines of functions for the host's journal too, where a service manager has
 * connected the node to it: structured, so that journalctl finds them by
 * function and run.
 *
 *   journalctl CELLA_FUNCTION=HASH      journalctl CELLA_RUN=3-12
 *
 * Few at a time: the journal bounds what one unit may say, and what a function
 * says must not cost a line of the node's own.  The files of core_logs.h have
 * the rest.
 */
#ifndef RUNTIME_CORE_JOURNALD_H
#define RUNTIME_CORE_JOURNALD_H

#include <stdint.h>

#define CORE_JOURNALD_RATE 100 /* lines a second, of all functions */

struct core_journald {
	int sock;        /* a connected datagram socket; -1: no journal */
	uint64_t second; /* CLOCK_MONOTONIC */
	unsigned in_second;
	uint64_t left_out; /* lines, that were not told yet */
};

/*
 * Waits for nobody, and nothing fails because of it.  text: one line, in which
 * nothing is left that a terminal would obey.  The format is systemd's "Native
 * Journal Protocol".
 */
void core_journald_line(struct core_journald *, const char *hash,
    const char *run, const char *stream, const char *text);

#endif
