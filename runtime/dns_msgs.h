/*
 * What core says to cella-dns: whom to answer, how, and until when.
 *
 *   SERVE  the machine's serial, servers, names, egress   + its socket
 *   FORGET the machine's serial
 *
 * There are no answers.  cella-dns ends when the conversation does.
 */
#ifndef RUNTIME_DNS_MSGS_H
#define RUNTIME_DNS_MSGS_H

#include <stdint.h>

#include "policy/ceiling.h"
#include "policy/egress.h"

struct buf;

enum dns_msgs_type { DNS_MSGS_SERVE = 1, DNS_MSGS_FORGET };

struct dns_msgs_serve {
	struct ceiling_dns dns;
	struct egress egress;
};

void dns_msgs_put_serve(struct buf *, const struct ceiling_dns *,
    const struct egress *);
void dns_msgs_get_serve(struct buf *, struct dns_msgs_serve *);

#endif
