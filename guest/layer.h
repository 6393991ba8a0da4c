/*
 * Layers of container images, applied to a directory: the OCI Image
 * Specification 1.1, layer.md ("Applying Changesets").  A file system as one
 * tar is the first and only layer.
 *
 * An image is an operator's choice, and is still read as a stranger's work:
 * every name is resolved with the directory as its root (openat2(2),
 * RESOLVE_IN_ROOT), so that links of lower layers lead where they lead inside
 * a machine and nowhere else.  Owners, times and extended attributes (file
 * capabilities among them) are dropped, modes become 0755 or 0644, setuid,
 * setgid and sticky bits are cleared, devices, pipes and sockets left out.
 */
#ifndef GUEST_LAYER_H
#define GUEST_LAYER_H

#include <stdint.h>

struct err;

struct layer_report {
	uint64_t files, removed; /* made; removed by whiteouts */
	uint64_t special;        /* devices, pipes, sockets left out */
	uint64_t setid;          /* files whose bits were cleared */
	uint64_t foreign;        /* entries with extended attributes */
};

/*
 * Reads a tar, plain or compressed by gzip, bzip2, xz or zstd, from in to its
 * end.  ERR_INVALID: which entry, and why; the directory is half made then.
 */
int layer_apply(int root, int in, struct layer_report *, struct err *);

#endif
