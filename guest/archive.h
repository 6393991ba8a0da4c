/*
 * A directory as one archive, by libarchive, that is the same twice: entries
 * in the order of their names, no owner, no time, modes 0755 and 0644.
 */
#ifndef GUEST_ARCHIVE_H
#define GUEST_ARCHIVE_H

#include <stdbool.h>

struct err;

enum archive_form { ARCHIVE_TAR_GZIP, ARCHIVE_ZIP };

/*
 * Regular files, directories and symbolic links.  Anything else, and a file
 * with other names elsewhere, is refused by name; or, with skip, left out
 * with a line on standard error, and so is a link that leaves the directory.
 * out is written from its position on.
 */
int archive_directory(int dir, int out, enum archive_form, bool skip,
    struct err *);

#endif
