/*
 * The channel of a machine with a state, for programs inside it
 * (docs/channel.md).  Needs nothing but a C library, so that an application can
 * take these two files and rollup_fork's as they are.
 *
 * Each function returns 0, or -1 with errno: EBADE, EOPNOTSUPP and ENOBUFS as
 * the node says, EPIPE if it is gone, EPROTO if it makes no sense.
 */
#ifndef GUEST_ROLLUP_IO_H
#define GUEST_ROLLUP_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROLLUP_IO_IN 3
#define ROLLUP_IO_OUT 4
#define ROLLUP_IO_ADDRESS 20

enum rollup_io_type { ROLLUP_IO_ADVANCE, ROLLUP_IO_INSPECT };

/* What the machine is given. */
struct rollup_io_request {
	enum rollup_io_type type;
	unsigned char sender[ROLLUP_IO_ADDRESS]; /* this and the next: of an
						  * input */
	uint64_t block_number, timestamp, epoch_index, input_index;
	unsigned char *payload; /* freed, or used again, by the next */
	size_t len;
};

/* Whether descriptors 3 and 4 are a channel. */
bool rollup_io_is_here(void);

/*
 * Ends what was given before and waits for what comes next, which a copy of the
 * process handles where the machine's message wants that (rollup_fork.h): it
 * returns in the copy.  In two steps for those who have other things to do
 * meanwhile: the second is due when descriptor 3 can be read; no copy then.
 */
int rollup_io_finish(bool accept, struct rollup_io_request *next);
int rollup_io_finish_begin(bool accept);
int rollup_io_finish_end(struct rollup_io_request *next);
void rollup_io_request_fini(struct rollup_io_request *);

/* index: of the output, for its kind and input; may be NULL. */
int rollup_io_voucher(const unsigned char address[ROLLUP_IO_ADDRESS],
    const void *payload, size_t len, uint64_t *index);
int rollup_io_notice(const void *payload, size_t len, uint64_t *index);
int rollup_io_report(const void *payload, size_t len);

/* All is undone; the machine ends soon. */
int rollup_io_exception(const void *payload, size_t len);

#endif
