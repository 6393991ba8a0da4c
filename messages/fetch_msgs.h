/*
 * What core and cella-fetch say to each other.
 *
 *   core                                cella-fetch
 *   GET u8 what, hash, u64 max + file ->
 *                                     <-  DONE u64 bytes, server
 *                                     <-  FAILED (front_msgs_put_refused())
 *   POST url, call id, u32 status + file ->
 *                                     <-  DONE 0, "", or FAILED
 *
 * The file is core's, and empty; what is written to it is a stranger's, and
 * whoever reads it next proves that it is what the hash says.
 */
#ifndef MESSAGES_FETCH_MSGS_H
#define MESSAGES_FETCH_MSGS_H

enum fetch_type {
	FETCH_GET = 1,
	FETCH_DONE,
	FETCH_FAILED,
	FETCH_POST,
};

enum fetch_what {
	FETCH_MESSAGE, /* a page of messages, with that one */
	FETCH_FILE,
	FETCH_WHATS,
};

#define FETCH_URL_MAX 1025 /* of a callback, with a NUL */

#endif
