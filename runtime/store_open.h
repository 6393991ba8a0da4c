/*
 * Opening a store (store.h), which is done with privilege: nothing that lies
 * in it is read here.
 */
#ifndef RUNTIME_STORE_OPEN_H
#define RUNTIME_STORE_OPEN_H

struct err;
struct store;

/*
 * Opens it, and makes what is missing.  As root, what is made belongs to the
 * id that core drops to, and a directory of another owner is refused.
 */
int store_open(struct store *, const char *path, struct err *);
/* path, else $CELLA_STORE, else the system's or the user's own. */
char *store_open_path(const char *path); /* the caller frees */
/* One of its directories, for whoever only reads it: privilege is dropped. */
int store_open_part(const char *path, const char *name, struct err *);
int store_open_chosen(struct store *, const char *path, struct err *);

/*
 * What processes that are gone left in tmp/ goes.  Opening does this too, but
 * whoever was killed a moment before may not be gone by then.
 */
int store_open_sweep(struct store *, struct err *);

/* As root, what is made in a store is core's. */
int store_open_give(int dir, const char *name, struct err *);
int store_open_mkdir(int dir, const char *name, struct err *);

#endif
