/*
 * A directory tree as a manifest (docs/state.md): names and bytes are read, no
 * link is followed, nothing is changed.
 */
#ifndef RUNTIME_STATE_SCAN_H
#define RUNTIME_STATE_SCAN_H

#include <stdbool.h>

#include "messages/manifest.h"

struct err;

#define STATE_SCAN_DEPTH 256 /* directories in directories */

/*
 * All that dir has, into an empty manifest.  ERR_GUEST: something that has no
 * place in one, and where; it is not the host's fault.
 */
int state_scan(int dir, struct manifest *, struct err *);

/* What an overlay keeps beside names of its upper layer, mounted with
 * userxattr. */
#define STATE_SCAN_OVERLAY "user.overlay."

/*
 * Whether a path of such a length and mode, one name more, or an open file or
 * directory with such attributes, has a place in a manifest; layer: it is of an
 * overlay's.
 */
struct stat;
int state_scan_count(const struct manifest *, const char *path, struct err *);
int state_scan_check(const char *path, const struct stat *, struct err *);
int state_scan_attributes(int fd, const char *path, bool layer, struct err *);

/*
 * One name of a directory, and not what is below it, as the record of that
 * path, which is borrowed.
 */
int state_scan_name(int dir, const char *name, const char *path,
    struct manifest_record *, struct err *);

/*
 * -1, and what a person is told of a path, whose bytes are a stranger's: why,
 * what the kernel said, or what e says already.
 */
int state_scan_refuse(const char *path, const char *why, struct err *);
int state_scan_fails(const char *path, struct err *);
int state_scan_in(const char *path, struct err *);

#endif
