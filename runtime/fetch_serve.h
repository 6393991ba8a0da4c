/*
 * Gets what core asks for from the servers that the policy names
 * (messages/fetch_msgs.h), by libcurl: over HTTP and HTTPS and nothing else,
 * no redirects, within bounds, again where that may help, and on from where it
 * broke off.
 */
#ifndef RUNTIME_FETCH_SERVE_H
#define RUNTIME_FETCH_SERVE_H

struct ceiling_fetch;
struct err;

/* Until core is gone. */
int fetch_serve(int core, const struct ceiling_fetch *, struct err *);

#endif
