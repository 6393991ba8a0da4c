/*
 * Archives that strangers packed, by libarchive, into a directory: files,
 * directories and symbolic links that stay inside; a device, a hard link, a
 * setuid bit, a name that leaves the directory or comes twice is refused, and
 * so is what is above the caps.
 */
#ifndef GUEST_EXTRACT_H
#define GUEST_EXTRACT_H

#include <stdbool.h>

struct err;

/*
 * A zip, or else a tar that may be compressed by gzip, from a file that can be
 * read at any place.  On failure the directory is half made.
 */
int extract_archive(int root, int file, bool zip, struct err *);

#endif
