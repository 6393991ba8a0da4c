/*
 * What a runtime image is made of: a YAML file (man cella-image) with
 *
 *   packages: [NAME...]     Debian packages, with what they depend on
 *   files:                  more files
 *     - {source: FILE, path: /PATH, mode: 644}     or  content: TEXT
 *   busybox: true           links for every applet
 *   compile: true           compile Python's library
 */
#ifndef RUNTIME_IMAGE_RECIPE_H
#define RUNTIME_IMAGE_RECIPE_H

struct err;
struct value;

struct image_recipe {
	char *name;      /* the file's, without its ending */
	char *directory; /* of the file: where sources are looked for */
	struct value *v;
};

/* A name of ours (busybox, python...) or a file. */
int image_recipe_read(struct image_recipe *, const char *arg, struct err *);
void image_recipe_fini(struct image_recipe *);

/*
 * The command line that builds it into image; tree: a directory that keeps the
 * contents as well, or NULL.  NULL on error.
 */
char **image_recipe_command(const struct image_recipe *, const char *image,
    const char *pins, const char *tree, struct err *);
void image_recipe_free_command(char **);

#endif
