/*
 * An OCI image layout (OCI Image Specification 1.1, image-layout.md,
 * image-index.md, manifest.md): which layers an image has.  Every blob is
 * named by its SHA-256 and is held to it; the directory is somebody else's
 * and only ever read.
 */
#ifndef RUNTIME_OCI_LAYOUT_H
#define RUNTIME_OCI_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"

struct err;
struct value;

#define OCI_LAYERS_MAX 256

struct oci_image {
	char manifest[SHA256_HEX];
	char config[SHA256_HEX];
	size_t nlayers;
	struct {
		char digest[SHA256_HEX];
		int64_t size;
	} layer[OCI_LAYERS_MAX]; /* the lowest first */
};

/*
 * The descriptor in an index that fits: the one that ref names
 * (org.opencontainers.image.ref.name), or the only one for linux and this
 * architecture.  ref may be NULL.  NULL: the sentence lists the choices.
 */
const struct value *oci_layout_choose(const struct value *index,
    const char *ref, struct err *);

/* Fills all but image->manifest from a manifest. */
int oci_layout_manifest(const struct value *manifest, struct oci_image *,
    struct err *);

/* Both, over a directory. */
int oci_layout_read(int dir, const char *ref, struct oci_image *, struct err *);

/* A blob of it, not yet hashed: the reader does that on its own copy. */
int oci_layout_blob(int dir, const char *digest, struct err *);

#endif
