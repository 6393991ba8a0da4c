/*
 * Making and checking a directory tree that a stranger describes.  Names are
 * relative and clean; every step is walked by descriptor and never through a
 * symbolic link, so that nothing can be made outside.
 */
#ifndef GUEST_TREE_H
#define GUEST_TREE_H

#include <sys/types.h>

struct err;

int tree_make_dir(int root, const char *name, struct err *);
int tree_make_parents(int root, const char *name, struct err *);

/* A new file, or -1: a name that is there already is refused. */
int tree_create(int root, const char *name, mode_t mode, struct err *);

/*
 * Links are kept until everything else is there, so that nothing is ever
 * written through one.  A target that leaves the tree is refused.
 */
int tree_add_link(int root, const char *name, const char *target, struct err *);
int tree_make_links(int root, struct err *);
void tree_forget_links(void);

/* True if a link at name with that target stays inside, lexically. */
int tree_link_stays(const char *name, const char *target);

/*
 * Refuses a tree with anything but files, directories and links in it, or
 * with a setuid or setgid bit.
 */
int tree_check(int root, struct err *);

#endif
