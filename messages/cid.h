/*
 * Content identifiers (the CID specification of multiformats): a hash, and how
 * to read what it is of.  Those that can be checked here are of SHA-256.
 */
#ifndef MESSAGES_CID_H
#define MESSAGES_CID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sha256.h"

/* Numbers of the multicodec table. */
enum cid_codec { CID_RAW = 0x55, CID_DAG_PB = 0x70 };

struct cid {
	enum cid_codec codec;
	unsigned char digest[SHA256_LEN];
};

/* "Qm...", version 0, or "b...", version 1 in base32. */
bool cid_parse(const char *text, struct cid *);

/*
 * A binary one of either version, at the start of these bytes: its length; 0
 * if there is none, or not one of these.
 */
size_t cid_read(const void *, size_t len, struct cid *);

bool cid_equal(const struct cid *, const struct cid *);

#endif
