/*
 * The tenants of a launcher: each has a range of host ids (ids.h) of its own
 * for as long as the connection lasts, or until it is given back.
 */
#ifndef SANDBOX_TENANTS_H
#define SANDBOX_TENANTS_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define TENANTS_MAX 256

struct tenant {
	uint32_t number, base; /* rootless: 0 */
	int lock;
	int files; /* idmap of states (idmap.h); -1: nobody asked */
};

struct tenants {
	int locks; /* directory; -1: rootless */
	size_t len;
	struct tenant item[TENANTS_MAX];
};

/* NULL: it has no range; take gives it one, or says why not. */
struct tenant *tenants_find(struct tenants *, uint32_t number);
struct tenant *tenants_take(struct tenants *, uint32_t number, struct err *);

/* Makes its map of states, where there are maps. */
int tenants_map_files(const struct tenants *, struct tenant *, struct err *);

/* Somebody else may have its range next; pointers to others are void. */
void tenants_give_back(struct tenants *, struct tenant *);

#endif
