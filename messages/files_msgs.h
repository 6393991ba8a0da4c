/*
 * What core, or a command, and cella-files say to each other.  That one has the
 * states of machines, and reads and makes the directories that clients of
 * sessions name: one request at a time, for as long as the disk takes.
 *
 *   core                                files
 *   MAKE + dir, message, config (, layer) ->
 *                                   <-  MADE hash
 *   OPEN u64 session, u64 number, u8 is new, str path ->
 *                                   <-  OPENED u8 has content, u32 n, config,
 *                                       parts + message, tree, content
 *   WEIGH u64 session (+ layer)     ->
 *                                   <-  WEIGHED parts
 *   PEEK u64 session + layer        ->
 *                                   <-  PEEKED parts
 *   APPLY u64 session, u64 number   ->
 *                                   <-  APPLIED parts
 *   DISCARD u64 session             ->
 *                                   <-  DISCARDED parts
 *   STORE u64 session, str path + content (, layer) ->
 *                                   <-  STORED
 *   CLOSE u64 session, u8 for good  ->
 *                                   <-  CLOSED
 *
 * PEEK is what WEIGH would say, and nothing is left of it: of a machine that
 * goes on, whose layer holds all that it ever changed.
 *
 * Each may be answered with FAILED instead: launch_msgs_put_error().
 * ERR_GUEST and ERR_QUOTA are then the machine's fault, if it was weighed.
 *
 * MAKE fills a directory that is there, with an empty tree in it: the state is
 * what the layer holds, or nothing.  OPEN copies a machine directory (is new),
 * or goes on with the state that is there, which is after the input of that
 * number.  WEIGHED: what the layer makes of the state is on the disk, beside
 * it; from then on only APPLY and DISCARD come.  APPLY makes it the state after
 * the input of that number, if it is not that yet.  parts: u32 n, then u64
 * address, u32 log2 and 32 bytes each.  Content is that of the ranges: for each
 * u64 length and bytes, in a file of its own.
 */
#ifndef MESSAGES_FILES_MSGS_H
#define MESSAGES_FILES_MSGS_H

enum files_type {
	FILES_MAKE = 1,
	FILES_MADE,
	FILES_OPEN,
	FILES_OPENED,
	FILES_WEIGH,
	FILES_WEIGHED,
	FILES_APPLY,
	FILES_APPLIED,
	FILES_DISCARD,
	FILES_DISCARDED,
	FILES_STORE,
	FILES_STORED,
	FILES_CLOSE,
	FILES_CLOSED,
	FILES_PEEK,
	FILES_PEEKED,
	FILES_FAILED,
};

#define FILES_PATH_MAX 4096

#endif
