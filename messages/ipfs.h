/*
 * The file that a CID names, out of an archive of its blocks.  Each block is
 * hashed as it is used: what comes out is what the CID says, or nothing.
 */
#ifndef MESSAGES_IPFS_H
#define MESSAGES_IPFS_H

#include <stddef.h>
#include <stdint.h>

struct car_source;
struct cid;
struct err;

/* How much larger than the file its blocks may be, all together. */
#define IPFS_BLOCKS_MAX(file) ((file) + (file) / 8 + (1 << 20))

/*
 * Gives its bytes to emit() in order, which returns -1 to end it; size: how
 * many there were.  ERR_GUEST: a block is missing, malformed or another's, or
 * what comes is no file; ERR_DENIED: it is longer than max.
 */
int ipfs_extract(const struct car_source *, const struct cid *root,
    uint64_t max, int (*emit)(void *arg, const void *, size_t, struct err *),
    void *arg, uint64_t *size, struct err *);

#endif
