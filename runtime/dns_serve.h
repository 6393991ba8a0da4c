/*
 * The resolver of machines with a way out.  A question is read and written
 * anew for a server that the admin named, each from a port and under an id
 * that nobody can foresee; of its answer only addresses that the machine may
 * reach go back, in a message of our own.
 */
#ifndef RUNTIME_DNS_SERVE_H
#define RUNTIME_DNS_SERVE_H

#include <stdbool.h>

struct ceiling_dns;
struct dns_addresses;
struct egress;
struct err;

/* Serves until core closes the conversation: 0, or -1 and why. */
int dns_serve(int core, struct err *);

/* True if the names hold this one. */
bool dns_serve_may_ask(const struct ceiling_dns *, const char *name);

/* Leaves out what may not be reached. */
void dns_serve_filter(struct dns_addresses *, const struct egress *);

#endif
