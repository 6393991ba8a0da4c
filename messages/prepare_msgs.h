/*
 * What core and cella-prepare say to each other.  A preparer reads messages
 * and hashes and unpacks what they refer to, one job at a time and for as long
 * as it takes, so that core never waits for a disk.
 *
 *   core                                preparer
 *   READ + message                  ->
 *                                   <-  READ_DONE program, or FAILED
 *   APPLY digest                    ->
 *                                   <-  APPLIED, or FAILED
 *   TAKE u8 what, hash + file       ->
 *                                   <-  TAKEN digest, need, or FAILED
 *   ASSEMBLE u32 tenant, item hash  ->
 *                                   <-  ASSEMBLED terms, machine + descriptors,
 *                                       or FAILED
 *   EVENT u8 feed + message, subscriptions ->
 *                                   <-  EVENT_DONE u8 news, id, owner, forgets,
 *                                       u32 n, hashes + message, or FAILED
 *   PACK u32 which                  ->
 *                                   <-  PACKED digest, size, or FAILED
 *   RELEASE u32 which               ->
 *
 * EVENT's second descriptor has a line for each function, "HASH JSON"; the
 * answer names those that subscribed to the message, which comes back as it is
 * to be delivered.  Of a feed's, news says what else it is good for, and
 * forgets are a FORGET's hashes, each with a newline.  READ stores a message
 * that can run here, and binds it to its item hash, before it answers; of a
 * STORE or a FORGET it keeps the bytes, and APPLY, which names their digest,
 * does what they say.  ASSEMBLED's descriptors are the args block, then one for
 * each mount that is not a tmpfs, in order.  What it made is kept until
 * RELEASE, which names the serial of ASSEMBLE; PACK packs its export volume.
 *
 * MISSING in the place of FAILED: the job would go on if the node had what that
 * hash stands for.  TAKE is for what somebody else has sent (enum fetch_what):
 * it is kept if it is what the hash says, and only then; a message that names a
 * file which is not here is not kept, and need is that file's hash.
 *
 * Beside this the preparer has a socket on which it is to core what core is to
 * the launcher (launch_msgs.h): the machines that unpack for it, and the
 * volumes, are core's.
 */
#ifndef MESSAGES_PREPARE_MSGS_H
#define MESSAGES_PREPARE_MSGS_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/item_hash.h"

struct buf;
struct err;
struct machine;

enum prepare_type {
	PREPARE_READ = 1,
	PREPARE_READ_DONE,
	PREPARE_ASSEMBLE,
	PREPARE_ASSEMBLED,
	PREPARE_PACK,
	PREPARE_PACKED,
	PREPARE_RELEASE,
	PREPARE_EVENT,
	PREPARE_EVENT_DONE,
	PREPARE_APPLY,
	PREPARE_APPLIED,
	PREPARE_TAKE,
	PREPARE_TAKEN,
	PREPARE_MISSING, /* as FAILED; in front of it the hash of what is */
	PREPARE_FAILED,  /* front_msgs_put_refused() */
};

#define PREPARE_SENDER_MAX 128
#define PREPARE_CRON_MAX 2304 /* 8 of 256 bytes, and some */
#define PREPARE_SUBSCRIPTIONS_MAX (16 << 10)

/* What a message is. */
enum prepare_kind {
	PREPARE_PROGRAM,
	PREPARE_STORE,
	PREPARE_FORGET,
	PREPARE_KINDS
};

#define PREPARE_FORGETS_MAX (100 * 65 + 1)

/* PREPARE_READ_DONE: what core keeps of a message. */
struct prepare_program {
	uint8_t kind; /* enum prepare_kind */
	char hash[ITEM_HASH_MAX];
	char digest[65]; /* of the bytes, in the store */
	char sender[PREPARE_SENDER_MAX];
	bool unverified;
	bool on_http;
	bool persistent;             /* on.persistent */
	uint8_t interface;           /* enum aleph_interface */
	uint64_t wall_ns;            /* for a call */
	char cron[PREPARE_CRON_MAX]; /* expressions, each with a newline */
	char subscriptions[PREPARE_SUBSCRIPTIONS_MAX]; /* a JSON list; or "" */
	char forgets[PREPARE_FORGETS_MAX]; /* hashes, each with a newline */
};

/* PREPARE_EVENT_DONE: what a feed's message is, beside an event. */
enum prepare_news {
	PREPARE_NEWS_NONE,
	PREPARE_NEWS_OWNER,  /* its owner's word on what is here: publish it */
	PREPARE_NEWS_FORGET, /* the same, if one of the functions is his */
	PREPARE_NEWS_UNVERIFIED, /* nobody vouches for it: it goes nowhere */
	PREPARE_NEWS,
};
#define PREPARE_EVENT_HASHES_MAX 1024

/*
 * PREPARE_ASSEMBLED, in front of the machine; terms follows it: what was asked
 * and decided, for the audit log, as a JSON object.
 */
#define PREPARE_TERMS_MAX (64 << 10)
struct prepare_assembled {
	uint8_t interface; /* enum aleph_interface */
	bool on_http;
	bool reusable;   /* the next launch may take the same descriptors */
	bool has_export; /* PACK is due after a run */
	/* Of a machine that sessions drive. */
	bool kept;   /* its memory lasts */
	bool zygote; /* copies of it handle inputs */
};

void prepare_msgs_put_program(struct buf *, const struct prepare_program *);
void prepare_msgs_get_program(struct buf *, struct prepare_program *);
void prepare_msgs_put_assembled(struct buf *, const struct prepare_assembled *);
void prepare_msgs_get_assembled(struct buf *, struct prepare_assembled *);

#endif
