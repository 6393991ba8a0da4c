/*
 * Nodes of files in IPFS: links and data in protocol buffers (the DAG-PB
 * specification of IPLD), and the data's own kind (the UnixFS specification).
 */
#ifndef MESSAGES_DAG_PB_H
#define MESSAGES_DAG_PB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/cid.h"

struct err;

struct dag_pb {
	const unsigned char *data; /* of the file, in front of its links' */
	size_t len;
	bool has_size;
	uint64_t size; /* of the file below, if it says */
	struct cid *link;
	size_t nlinks;
};

/*
 * Borrows the block.  ERR_GUEST: malformed, or no file's: a directory, a
 * symbolic link, a part of either.  dag_pb_fini() in any case.
 */
int dag_pb_read(const void *block, size_t len, struct dag_pb *, struct err *);
void dag_pb_fini(struct dag_pb *);

#endif
