/*
 * Images that others built: a root file system as a tar, or an OCI layout.
 * Its layers are applied in one strict machine each, and what they made is
 * packed by another (unpack.h); the manifest is read here, with no privilege.
 */
#ifndef RUNTIME_IMAGE_IMPORT_H
#define RUNTIME_IMAGE_IMPORT_H

#include "base/sha256.h"

struct err;
struct unpack_input;

struct image_import {
	const char *name;   /* the reference it is bound to: image.<name> */
	const char *source; /* for sentences */
	int fd;             /* a tar, or the directory of a layout */
	const char *ref;    /* which image of a layout; NULL: the only one */
};

/* [a-z0-9][a-z0-9._-]*, 64 bytes at most. */
int image_import_check_name(const char *, struct err *);

/* Keeps it in the store; digest is the erofs image's. */
int image_import(const struct image_import *, const struct unpack_input *,
    char digest[SHA256_HEX], struct err *);

#endif
