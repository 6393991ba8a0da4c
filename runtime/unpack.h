/*
 * Archives and images that strangers made, handled where they can do no harm:
 * in a strict machine of its own, whose root holds the tools and nothing else
 * (the image "tools").  What comes out is the contents of a volume, or an
 * erofs image that this node made.
 *
 * Unpacking and packing are two machines.  The first parses what a stranger
 * wrote and may be his in the end; the kernel mounts the second's image, and
 * that one has only ever seen a directory.
 */
#ifndef RUNTIME_UNPACK_H
#define RUNTIME_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"
#include "messages/aleph.h"

struct err;
struct grant;
struct launcher_link;
struct store;

struct unpack_input {
	struct store *store;
	struct launcher_link *link;
	const struct grant *ceiling;
	uint32_t optional; /* controls that the admin's file calls so */
	uint32_t tenant;
	bool verbose;
};

/* The reference under which the image of the tools is bound. */
#define UNPACK_TOOLS "image.tools"

/*
 * The image made from a blob: from the store if it was made before, else made
 * now and kept.  image gets its digest.
 */
int unpack_image(const struct unpack_input *, const char *digest,
    enum aleph_encoding, char image[SHA256_HEX], struct err *);

/*
 * A new volume with what the blob holds: a descriptor, or -1.  The caller
 * frees it by its serial (launcher_link.h).
 */
int unpack_volume(const struct unpack_input *, const char *digest,
    enum aleph_encoding, uint32_t *serial, struct err *);

/* Unpacks a blob into a volume of the same tenant. */
int unpack_into(const struct unpack_input *, const char *digest,
    enum aleph_encoding, int volume, struct err *);

/*
 * What the blob holds as the first layer over a state that is empty, which
 * tree is: the layer, as the files' id has it (launch_msgs.h); or -1.
 */
int unpack_state(const struct unpack_input *, const char *digest,
    enum aleph_encoding, int tree, struct err *);

/* A new volume for an image that an operator imports: a descriptor, or -1. */
int unpack_new_image(const struct unpack_input *, struct err *);

struct unpack_layer {
	int tar;           /* a file, fed from its position on */
	bool whole;        /* a root file system; else one layer of many */
	const char *label; /* of a progress bar; NULL: none */
	char **said;       /* what was left out, lines; the caller frees */
};

/* Applies a layer to such a volume, by the rules of guest/layer.h. */
int unpack_layer(const struct unpack_input *, const struct unpack_layer *,
    int volume, struct err *);

/* Packs such a volume as erofs. */
int unpack_pack_image(const struct unpack_input *, int volume, int out,
    struct err *);

/*
 * Packs a volume of the same tenant: a deterministic archive of the encoding
 * is written to out, a file.  digest and size are of what was written.
 */
int unpack_pack(const struct unpack_input *, int volume, enum aleph_encoding,
    int out, char digest[SHA256_HEX], uint64_t *size, struct err *);

#endif
