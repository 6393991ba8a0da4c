/*
 * What callers want of sessions, as front has read it and core gets it
 * (front_msgs.h).  A payload of an input or of a query is a file beside it, as
 * is a reply, whose bytes are the message of gRPC.
 *
 *   front                               core
 *   SESSION what, ... (+ payload)   ->
 *                                   <-  SESSION_DONE u8 status, text (+ reply)
 *   SESSION_LEFT                    ->
 *
 * LEFT: nobody waits for that answer any more.
 */
#ifndef MESSAGES_SESSION_MSGS_H
#define MESSAGES_SESSION_MSGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/rollup.h"

struct buf;

enum session_msgs_what {
	SESSION_MSGS_START,
	SESSION_MSGS_END,
	SESSION_MSGS_ADVANCE,
	SESSION_MSGS_STATUS_ALL,
	SESSION_MSGS_STATUS,
	SESSION_MSGS_EPOCH,
	SESSION_MSGS_INSPECT,
	SESSION_MSGS_FINISH,
	SESSION_MSGS_CHECK_IN,
	SESSION_MSGS_WHATS,
};

#define SESSION_MSGS_ID 1024 /* with the NUL */
#define SESSION_MSGS_PATH 4096
#define SESSION_MSGS_CYCLES 4
#define SESSION_MSGS_DEADLINES 8

/* Fields that a call does not have are zero. */
struct session_msgs {
	uint8_t what; /* enum session_msgs_what */
	char peer[96];
	char id[SESSION_MSGS_ID];
	char directory[SESSION_MSGS_PATH]; /* START, FINISH */
	uint64_t epoch;
	uint64_t number; /* ADVANCE: of the input; FINISH: so many */
	bool has_cycles, has_deadlines;
	uint64_t cycles[SESSION_MSGS_CYCLES];
	uint64_t deadlines[SESSION_MSGS_DEADLINES];
	bool has_metadata, has_sender;
	uint32_t sender_len;
	struct rollup_metadata metadata;
};

void session_msgs_put(struct buf *, const struct session_msgs *);

/* buf_ok() says whether it was one. */
void session_msgs_get(struct buf *, struct session_msgs *);

#endif
