#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "runtime/image_import.h"
#include "runtime/oci_layout.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/unpack.h"

int
image_import_check_name(const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (len == 0 || len > 64 || strchr("._-", name[0]) != NULL ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != len)
		return err_set(e, ERR_INVALID,
		    "%.80s: not a name for an image: 1 to 64 of a-z, 0-9, "
		    "'.', '_' and '-'",
		    name);
	if (strcmp(name, UNPACK_TOOLS + strlen("image.")) == 0)
		return err_set(e, ERR_DENIED,
		    "%s: the node's own image, which handles what strangers "
		    "packed; see 'cella image build'",
		    name);
	return 0;
}

/* ---- its contents as a directory, where no image can be mounted ---- */

struct copying {
	int to;
	struct err *e;
};

static int copy_one(int dir, const char *name, void *arg);

static int
copy_link(int dir, const char *name, const struct copying *c)
{
	char target[4096];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n == -1)
		return err_sys(c->e, "%s", name);
	target[n] = '\0';
	return symlinkat(target, c->to, name) == -1 ? err_sys(c->e, "%s", name)
						    : 0;
}

static int
copy_data(int from, int to, const char *name, struct err *e)
{
	char data[64 << 10];
	ssize_t n;

	while ((n = read(from, data, sizeof(data))) > 0)
		if (fd_write_full(to, data, (size_t)n) == -1)
			return err_sys(e, "%s", name);
	return n == -1 ? err_sys(e, "%s", name) : 0;
}

static int
copy_one(int dir, const char *name, void *arg)
{
	const struct copying *c = arg;
	struct copying below = { .e = c->e };
	fd_auto int from = -1, to = -1;
	struct stat s;

	if (fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) == -1)
		return err_sys(c->e, "%s", name);
	if (S_ISLNK(s.st_mode))
		return copy_link(dir, name, c);
	from = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from == -1)
		return err_sys(c->e, "%s", name);
	if (S_ISREG(s.st_mode)) {
		to =
		    openat(c->to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			(s.st_mode & 0100) != 0 ? 0755 : 0644);
		return to == -1 ? err_sys(c->e, "%s", name)
				: copy_data(from, to, name, c->e);
	}
	if (mkdirat(c->to, name, 0755) == -1)
		return err_sys(c->e, "%s", name);
	to = openat(c->to, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to == -1)
		return err_sys(c->e, "%s", name);
	below.to = to;
	return dir_each(from, copy_one, &below, c->e);
}

static int
keep_tree(struct store *s, int volume, const char *digest, struct err *e)
{
	char name[64], *tree = NULL;
	fd_auto int tmp = store_tmp_dir(s, name, e);
	fd_auto int from =
	    openat(volume, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct copying c = { .e = e };
	fd_auto int to = -1;
	int r = -1;

	if (tmp != -1 && from != -1 && mkdirat(tmp, "tree", 0755) == 0)
		to = openat(tmp, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to == -1) {
		if (tmp != -1)
			err_sys(e, "tree");
	} else {
		c.to = to;
		r = dir_each(from, copy_one, &c, e);
		tree = str_printf("%s/tmp/%s/tree", s->path, name);
		if (r == 0)
			r = store_set_tree(s, digest, tree, e);
		free(tree);
	}
	if (tmp != -1)
		store_remove_tmp(s, name);
	return r;
}

/* ---- layers ---- */

struct import {
	const struct image_import *what;
	const struct unpack_input *in;
	struct value *entry;
	int volume;
};

static void
say_what_was_left(const struct import *w, char *said)
{
	char *save = NULL, *safe;

	for (char *line = strtok_r(said, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		safe = str_printable(line, strlen(line), 200);
		fprintf(stderr, "cella: image %s: %s\n", w->what->name, safe);
		free(safe);
	}
}

static int
apply(const struct import *w, int tar, bool whole, const char *label,
    struct err *e)
{
	char *said = NULL;
	const struct unpack_layer l = { tar, whole, label, &said };
	int r = unpack_layer(w->in, &l, w->volume, e);

	if (said != NULL)
		say_what_was_left(w, said);
	free(said);
	return r;
}

static int
import_tar(const struct import *w, struct err *e)
{
	char digest[SHA256_HEX], label[96];
	fd_auto int tar =
	    store_copy(w->in->store, w->what->fd, digest, NULL, e);

	if (tar == -1)
		return -1;
	snprintf(label, sizeof(label), "image %.64s", w->what->name);
	value_set_text(w->entry, "from", digest);
	return apply(w, tar, true, label, e);
}

static int
import_layer(const struct import *w, const struct oci_image *image, size_t n,
    struct err *e)
{
	const char *wanted = image->layer[n].digest;
	fd_auto int blob = oci_layout_blob(w->what->fd, wanted, e), tar = -1;
	char digest[SHA256_HEX], label[128];
	uint64_t size;

	if (blob == -1)
		return -1;
	tar = store_copy(w->in->store, blob, digest, &size, e);
	if (tar == -1)
		return -1;
	if (strcmp(digest, wanted) != 0 ||
	    size != (uint64_t)image->layer[n].size)
		return err_set(e, ERR_INVALID,
		    "it is damaged: %ju bytes that hash to %s", (uintmax_t)size,
		    digest);
	snprintf(label, sizeof(label), "image %.64s: layer %zu of %zu",
	    w->what->name, n + 1, image->nlayers);
	return apply(w, tar, false, label, e);
}

static int
import_layout(const struct import *w, struct err *e)
{
	struct oci_image *image = calloc(1, sizeof(*image));
	struct value *layers;
	int r;

	invariant(image != NULL);
	r = oci_layout_read(w->what->fd, w->what->ref, image, e);
	layers = value_set_list(w->entry, "layers");
	if (r == 0)
		value_set_text(w->entry, "from", image->manifest);
	for (size_t i = 0; r == 0 && i < image->nlayers; i++) {
		value_add_text(layers, image->layer[i].digest);
		r = import_layer(w, image, i, e);
		if (r == -1)
			err_in(e, "layer %zu (%.12s)", i + 1,
			    image->layer[i].digest);
	}
	free(image);
	return r;
}

/* ---- the image ---- */

static int
keep(const struct import *w, char digest[SHA256_HEX], struct err *e)
{
	struct store *s = w->in->store;
	fd_auto int out = store_tmp_file(s, e);
	char ref[96];

	if (out == -1 || unpack_pack_image(w->in, w->volume, out, e) == -1)
		return -1;
	if (lseek(out, 0, SEEK_SET) == -1)
		return err_sys(e, "image");
	if (store_put(s, out, digest, NULL, e) == -1)
		return -1;
	if (spawn_is_rootless() && keep_tree(s, w->volume, digest, e) == -1)
		return -1;
	snprintf(ref, sizeof(ref), "image.%.64s", w->what->name);
	if (store_set_entry(s, digest, w->entry, e) == -1)
		return -1;
	return store_bind(s, ref, digest, e);
}

int
image_import(const struct image_import *what, const struct unpack_input *in,
    char digest[SHA256_HEX], struct err *e)
{
	value_auto struct value *entry = value_new(VALUE_MAP);
	fd_auto int volume = unpack_new_image(in, e);
	const struct import w = { what, in, entry, volume };
	struct stat s;
	int r;

	if (volume == -1)
		return -1;
	if (fstat(what->fd, &s) == -1)
		return err_sys(e, "%s", what->source);
	value_set_text(entry, "kind", "image");
	value_set_text(entry, "name", what->name);
	if (what->ref != NULL && !S_ISDIR(s.st_mode))
		return err_set(e, ERR_INVALID,
		    "%s: --ref chooses from an OCI layout, and this is a file",
		    what->source);
	r = S_ISDIR(s.st_mode) ? import_layout(&w, e) : import_tar(&w, e);
	if (r == 0)
		r = keep(&w, digest, e);
	return r == 0 ? 0 : err_in(e, "%s", what->source);
}
