/* "cella image import": the verb of cmd_image that starts machines. */
#ifndef RUNTIME_CMD_IMAGE_IMPORT_H
#define RUNTIME_CMD_IMAGE_IMPORT_H

#include "base/sha256.h"

struct err;
struct store;

struct cmd_image_import {
	const char *name, *source, *ref;
	const char *policy; /* the admin's file; NULL: the built-in ceiling */
};

/*
 * Gives up privilege for good on the way.  The store belongs to the caller.
 */
int cmd_image_import(const struct cmd_image_import *, struct store *,
    char digest[SHA256_HEX], struct err *);

#endif
