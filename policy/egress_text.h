/* Networks and ports as people write them. */
#ifndef POLICY_EGRESS_TEXT_H
#define POLICY_EGRESS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/egress.h"

/*
 * "203.0.113.0/24", "2001:db8::/32"; an address alone is a network of one.
 * False for anything else, octal and hexadecimal forms too, and for a network
 * with bits set past its prefix.
 */
bool egress_text_net(const char *, struct egress_net *);

/* "443", "8000-8100". */
bool egress_text_ports(const char *, uint16_t *first, uint16_t *last);

#endif
