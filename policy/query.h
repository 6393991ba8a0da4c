/*
 * One question to a policy: may a machine make this call, or this connection?
 * The answer names what decides, and what else would be in the way if that did
 * not hold.  Pure; a call is answered by the compiled filter, in emulation.
 */
#ifndef POLICY_QUERY_H
#define POLICY_QUERY_H

#include <stdbool.h>

struct decision;
struct err;

#define QUERY_TEXT 256

struct query_answer {
	bool allowed;
	char verdict[32];      /* "allow", "EPERM", "kill", "no route"... */
	const char *layer;     /* "seccomp", "network namespace"... */
	char rule[QUERY_TEXT]; /* what of it decides */
	const char *second;    /* what else would be in the way */
};

/* "socket(38, 5, 0)": a call with up to six numbers, those that are not named
 * are 0.  ERR_INVALID: it is none; ERR_NOT_FOUND: nobody knows the call. */
int query_call(const struct decision *, const char *text, struct query_answer *,
    struct err *);

/* "192.0.2.1:443", "[2001:db8::1]:53/udp".  ERR_INVALID. */
int query_net(const struct decision *, const char *text, struct query_answer *,
    struct err *);

#endif
