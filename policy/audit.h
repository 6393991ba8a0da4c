/*
 * The chain of the audit log (docs/audit.md).  A record is one JSON object on
 * one line; its line carries a number, a hash over everything up to here, and
 * a MAC under a key that is another for each record:
 *
 *   hash(n) = SHA-256(u64 n || hash(n-1) || u64 length || record)
 *   mac(n)  = HMAC-SHA-256(key(n), hash(n))
 *   key(n+1) = HMAC-SHA-256(key(n), "next")
 *
 * with big-endian numbers, and zeros for hash(0).  Who takes the key of record
 * n cannot find the ones before it (forward security, as journald's sealing
 * has it): what is older than the theft cannot be rewritten unnoticed.  Pure.
 */
#ifndef POLICY_AUDIT_H
#define POLICY_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct buf;

/* Where the chain stands: what the next record needs. */
struct audit_chain {
	uint64_t seq; /* of the next record; the first is 1 */
	unsigned char prev[SHA256_LEN];
	unsigned char key[SHA256_LEN];
};

/* One line, as it was read; record is borrowed and not terminated. */
struct audit_line {
	uint64_t seq;
	unsigned char hash[SHA256_LEN], mac[SHA256_LEN];
	const char *record;
	size_t len;
};

/* In the order in which they are looked for. */
enum audit_fault {
	AUDIT_GOOD,
	AUDIT_MISSING, /* the line's number is greater: some are gone */
	AUDIT_AGAIN,   /* the line's number was there before */
	AUDIT_CHANGED, /* the hash is not that of the record and those before */
	AUDIT_FORGED,  /* the MAC is not that of the hash under this key */
	AUDIT_FAULTS,
};

/* A sentence's end: "was changed". */
const char *audit_fault_name(enum audit_fault);

/* The key of the next record. */
void audit_ratchet(unsigned char key[SHA256_LEN]);

/* Adds the record's line, with its newline, and moves the chain on. */
void audit_append(struct audit_chain *, const char *record, size_t len,
    struct buf *line);

/* A line without its newline.  False: it is no line of this format. */
bool audit_parse(const char *, size_t len, struct audit_line *);

/*
 * Whether the line is the next of the chain, which moves on if it is good.
 * The key is looked at only if with_key.
 */
enum audit_fault audit_check(struct audit_chain *, const struct audit_line *,
    bool with_key);

#endif
