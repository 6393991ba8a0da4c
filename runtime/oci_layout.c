#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/oci_layout.h"

/* Registries take manifests of 4 MiB; an index in an index is rare enough. */
#define DOCUMENT_MAX (4 << 20)
#define INDEX_DEPTH_MAX 4

/* The specification's names, and those that came before it. */
static const char *const index_types[] = {
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
};
static const char *const manifest_types[] = {
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
};
static const char *const layer_types[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar",
};

static bool
is_one_of(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; text != NULL && i < n; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

/* As the specification names what uname(2) calls otherwise (GOARCH). */
static const char *
architecture(void)
{
	static struct utsname u;

	if (uname(&u) == -1)
		return "";
	if (strcmp(u.machine, "x86_64") == 0)
		return "amd64";
	return strcmp(u.machine, "aarch64") == 0 ? "arm64" : u.machine;
}

static bool
is_ours(const struct value *descriptor)
{
	const struct value *p = value_get(descriptor, "platform");
	const char *os = value_get_text(p, "os");
	const char *arch = value_get_text(p, "architecture");

	return p == NULL ||
	    (os != NULL && strcmp(os, "linux") == 0 && arch != NULL &&
		strcmp(arch, architecture()) == 0);
}

static const char *
ref_of(const struct value *descriptor)
{
	return value_get_text(value_get(descriptor, "annotations"),
	    "org.opencontainers.image.ref.name");
}

/* "sha256:<hex>" of a descriptor. */
static int
read_digest(const struct value *descriptor, char digest[SHA256_HEX],
    struct err *e)
{
	const char *text = value_get_text(descriptor, "digest");

	if (text == NULL || strncmp(text, "sha256:", 7) != 0 ||
	    !str_is_sha256(text + 7))
		return err_set(e, ERR_INVALID, "a digest that is not sha256");
	memcpy(digest, text + 7, SHA256_HEX);
	return 0;
}

/* Their names for the sentence: "1.0, 2.0". */
static char *
list_choices(const struct value *list)
{
	char *text = str_dup(""), *more, *safe;
	const char *name;

	for (size_t i = 0; i < list->len && strlen(text) < 200; i++) {
		if (!is_ours(list->item[i]))
			continue;
		name = ref_of(list->item[i]);
		if (name == NULL)
			name = value_get_text(list->item[i], "digest");
		safe = str_printable(name == NULL ? "?" : name,
		    name == NULL ? 1 : strlen(name), 80);
		more = str_printf("%s%s%s", text, *text ? ", " : "", safe);
		free(safe);
		free(text);
		text = more;
	}
	return text;
}

const struct value *
oci_layout_choose(const struct value *index, const char *ref, struct err *e)
{
	const struct value *list = value_get(index, "manifests"), *found = NULL;
	const char *name, *why = NULL;
	char *choices;

	if (list == NULL || list->kind != VALUE_LIST) {
		err_set(e, ERR_INVALID, "manifests: missing or not a list");
		return NULL;
	}
	for (size_t i = 0; i < list->len; i++) {
		name = ref_of(list->item[i]);
		if (!is_ours(list->item[i]) ||
		    (ref != NULL && (name == NULL || strcmp(name, ref) != 0)))
			continue;
		if (found != NULL)
			why = "more than one image fits";
		found = list->item[i];
	}
	if (found == NULL)
		why = ref == NULL ? "no image for linux and this architecture"
				  : "no image of that name";
	if (why == NULL)
		return found;
	choices = list_choices(list);
	err_set(e, ERR_INVALID, "%s (there are: %s)", why,
	    *choices == '\0' ? "none" : choices);
	free(choices);
	return NULL;
}

int
oci_layout_manifest(const struct value *manifest, struct oci_image *image,
    struct err *e)
{
	const struct value *layers = value_get(manifest, "layers"), *l;
	const char *type;

	if (read_digest(value_get(manifest, "config"), image->config, e) == -1)
		return err_in(e, "config");
	if (layers == NULL || layers->kind != VALUE_LIST)
		return err_set(e, ERR_INVALID, "layers: missing or not a list");
	if (layers->len == 0 || layers->len > OCI_LAYERS_MAX)
		return err_set(e, ERR_INVALID, "layers: %zu is outside 1..%d",
		    layers->len, OCI_LAYERS_MAX);
	for (size_t i = 0; i < layers->len; i++) {
		l = layers->item[i];
		type = value_get_text(l, "mediaType");
		if (!is_one_of(type, layer_types, nitems(layer_types)))
			return err_set(e, ERR_INVALID,
			    "layers[%zu]: it is no tar that Cella reads", i);
		if (read_digest(l, image->layer[i].digest, e) == -1)
			return err_in(e, "layers[%zu]", i);
		image->layer[i].size = value_get_int(l, "size", -1);
		if (image->layer[i].size < 0)
			return err_set(e, ERR_INVALID,
			    "layers[%zu].size: missing", i);
	}
	image->nlayers = layers->len;
	return 0;
}

/* ---- the directory ---- */

static int
open_file(int dir, const char *name, struct err *e)
{
	fd_auto int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "%s: missing", name);
	return fd == -1 ? err_sys(e, "%s", name) : fd_take(&fd);
}

int
oci_layout_blob(int dir, const char *digest, struct err *e)
{
	char name[96];

	snprintf(name, sizeof(name), "blobs/sha256/%s", digest);
	return open_file(dir, name, e);
}

/* digest NULL: nothing to hold it to. */
static struct value *
read_document(int fd, const char *digest, struct err *e)
{
	char *data, found[SHA256_HEX];
	struct value *v = NULL;
	size_t len;

	if (fd == -1 || fd_read_all(fd, DOCUMENT_MAX, &data, &len, e) == -1)
		return NULL;
	sha256_of(data, len, found);
	if (digest != NULL && strcmp(found, digest) != 0)
		err_set(e, ERR_INVALID, "it is damaged: its bytes hash to %s",
		    found);
	else
		v = json_parse(data, len, e);
	free(data);
	return v;
}

static struct value *
read_blob(int dir, const char *digest, struct err *e)
{
	fd_auto int fd = oci_layout_blob(dir, digest, e);
	struct value *v = read_document(fd, digest, e);

	if (v == NULL)
		err_in(e, "blob %.12s", digest);
	return v;
}

static struct value *
read_index(int dir, struct err *e)
{
	fd_auto int fd = open_file(dir, "index.json", e);
	struct value *v = read_document(fd, NULL, e);

	if (v == NULL && fd != -1)
		err_in(e, "index.json");
	return v;
}

/* The configuration says what it runs on where the index did not. */
static int
check_config(int dir, const struct oci_image *image, struct err *e)
{
	value_auto struct value *v = read_blob(dir, image->config, e);
	const char *os = value_get_text(v, "os");
	const char *arch = value_get_text(v, "architecture");

	if (v == NULL)
		return -1;
	if (os == NULL || strcmp(os, "linux") != 0 || arch == NULL ||
	    strcmp(arch, architecture()) != 0)
		return err_set(e, ERR_INVALID,
		    "the image is for another system than linux/%s",
		    architecture());
	return 0;
}

int
oci_layout_read(int dir, const char *ref, struct oci_image *image,
    struct err *e)
{
	value_auto struct value *v = read_index(dir, e);
	const struct value *chosen;
	struct value *next;
	const char *type;

	*image = (struct oci_image){ .nlayers = 0 };
	for (int depth = 0; v != NULL && depth < INDEX_DEPTH_MAX; depth++) {
		/* A name is the outermost index's; below it the platform. */
		chosen = oci_layout_choose(v, depth == 0 ? ref : NULL, e);
		if (chosen == NULL ||
		    read_digest(chosen, image->manifest, e) == -1)
			return -1;
		type = value_get_text(chosen, "mediaType");
		next = read_blob(dir, image->manifest, e);
		if (next == NULL)
			return -1;
		if (is_one_of(type, manifest_types, nitems(manifest_types))) {
			value_free(v);
			v = next;
			return oci_layout_manifest(v, image, e) == -1
			    ? -1
			    : check_config(dir, image, e);
		}
		if (!is_one_of(type, index_types, nitems(index_types))) {
			value_free(next);
			return err_set(e, ERR_INVALID,
			    "%.12s: neither an index nor a manifest",
			    image->manifest);
		}
		value_free(v);
		v = next;
	}
	return v == NULL ? -1
			 : err_set(e, ERR_INVALID, "indexes nested too deep");
}
