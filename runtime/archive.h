/*
 * A directory of the operator's as one file: a tar.gz (POSIX ustar with pax
 * headers, by libarchive) that is the same twice: entries in the order of
 * their names, no owner, no time, modes 0755 and 0644.
 */
#ifndef RUNTIME_ARCHIVE_H
#define RUNTIME_ARCHIVE_H

struct err;

/*
 * Regular files, directories and symbolic links; anything else is refused by
 * name.  out is written from its position on.
 */
int archive_directory(int dir, int out, struct err *);

#endif
