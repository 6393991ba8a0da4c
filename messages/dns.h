/*
 * As much of DNS as a resolver for machines needs (RFC 1035, sections 4.1 and
 * 4.2.1): one question for the addresses of a name, and the addresses that
 * come back, through aliases.  Names are of letters, digits, "-" and "_";
 * everything else is refused.  Pure.
 */
#ifndef MESSAGES_DNS_H
#define MESSAGES_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_SIZE 254   /* as text, with the final NUL */
#define DNS_MESSAGE_MAX 512 /* over UDP, without extensions */
#define DNS_ADDRESSES_MAX 28

#define DNS_A 1     /* RFC 1035, 3.4.1 */
#define DNS_AAAA 28 /* RFC 3596 */

enum dns_code {
	DNS_NO_ERROR = 0,
	DNS_FORMAT_ERROR = 1,
	DNS_SERVER_FAILURE = 2,
	DNS_NO_NAME = 3,
	DNS_NOT_IMPLEMENTED = 4,
	DNS_REFUSED = 5,
};

struct dns_query {
	uint16_t id, type;
	bool recursion;
	char name[DNS_NAME_SIZE]; /* lower case, no dot at the end */
	/* The question as it came: an answer repeats it, its case too. */
	size_t question_len;
	uint8_t question[DNS_NAME_SIZE + 6];
};

struct dns_addresses {
	uint8_t code;   /* enum dns_code, or one that has no name here */
	uint32_t ttl;   /* seconds, the least of all */
	uint8_t family; /* 4 or 6 */
	size_t n;
	uint8_t addr[DNS_ADDRESSES_MAX][16];
};

/*
 * A question from a machine.  DNS_NO_ERROR: it is in the struct, of whatever
 * type.  Another code: what to answer it with, by dns_write_reply().  -1: not
 * even an answer is due.
 */
int dns_read_query(struct dns_query *, const uint8_t *, size_t);

/* Into out, DNS_MESSAGE_MAX bytes; returns the length.  a may be NULL. */
size_t dns_write_reply(uint8_t *out, const struct dns_query *,
    enum dns_code code, const struct dns_addresses *a);

/* The question that a resolver is asked: q's name and type, under that id. */
size_t dns_write_question(uint8_t *out, const struct dns_query *, uint16_t id);

/*
 * What came back.  False if it is no answer to that question: wait on.  Of
 * addresses that do not fit the first are kept.
 */
bool dns_read_reply(struct dns_addresses *, const struct dns_query *,
    uint16_t id, const uint8_t *, size_t);

#endif
