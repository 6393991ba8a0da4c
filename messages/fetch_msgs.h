/*
 * What core and cella-fetch say to each other.
 *
 *   core                                cella-fetch
 *   GET u8 what, hash, u64 max + file ->
 *                                     <-  DONE u64 bytes, server
 *                                     <-  FAILED (front_msgs_put_refused())
 *   POST url, call id, u32 status + file ->
 *                                     <-  DONE 0, "", or FAILED
 *   FEED u64 since                  ->
 *                                     <-  FED u8 whether it is there, why not
 *                                     <-  HEARD u64 all + file, under serials
 * from 1 on TAKEN                             ->
 *
 * FEED: follow the policy's feed of messages, from those of that time on (ns of
 * CLOCK_REALTIME; 0: from now on).  Each message is a file, not above
 * FETCH_MESSAGE_MAX, and answered by TAKEN with its serial; all that had come
 * by the time that it tells is in those before it; no more than FETCH_HEARD_MAX
 * are on their way.
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
	FETCH_FEED,
	FETCH_FED,
	FETCH_HEARD,
	FETCH_TAKEN,
};

#define FETCH_HEARD_MAX 16
#define FETCH_MESSAGE_MAX (1 << 20)
#define FETCH_WHY_MAX 512 /* of FED, with a NUL */

enum fetch_what {
	FETCH_MESSAGE, /* a page of messages, with that one */
	FETCH_FILE,
	FETCH_WHATS,
};

#define FETCH_URL_MAX 1025 /* of a callback, with a NUL */

#endif
