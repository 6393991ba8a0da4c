/*
 * What the node has not, from the servers that its policy names: the STORE
 * message of a reference, and the file that it names, by cella-fetch; a
 * preparer looks at both before they are kept (messages/prepare_msgs.h, TAKE).
 * Whoever wants what another waits for waits with him.
 */
#ifndef RUNTIME_CORE_FETCH_H
#define RUNTIME_CORE_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "messages/frame_link.h"

struct ceiling_fetch;
struct core;
struct core_fetch_sent;
struct core_fetch_wanted;
struct err;

struct core_fetch {
	struct core *core;
	const struct ceiling_fetch *rules;
	struct frame_link link;
	bool open;
	uint32_t serial;
	struct core_fetch_wanted *first;
	struct core_fetch_sent *sent;
};

void core_fetch_init(struct core_fetch *, struct core *);
void core_fetch_close(struct core_fetch *);

/* Another process; what the one before had begun fails. */
int core_fetch_attach(struct core_fetch *, int sock, struct err *);

/* Somebody may have it, and nobody was asked in vain a moment ago. */
bool core_fetch_can(const struct core_fetch *, const char *hash);

/* fn is called once, later: why is NULL if it is here now. */
void core_fetch_want(struct core_fetch *, const char *hash,
    void (*fn)(void *arg, const struct err *why), void *arg);

/* The result of a call, to where its caller wants it; fn is called once, later:
 * why is NULL if it was taken.  The policy allows the address. */
void core_fetch_post(struct core_fetch *, const char *url, const char *id,
    unsigned status, const struct buf *result,
    void (*fn)(void *arg, const struct err *why), void *arg);

#endif
