#include "base/err.h"
#include "base/fd.h"
#include "messages/launch_msgs.h"
#include "policy/machine.h"
#include "sandbox/idmap.h"
#include "sandbox/ids.h"
#include "sandbox/tenants.h"

struct tenant *
tenants_find(struct tenants *all, uint32_t number)
{
	for (size_t i = 0; i < all->len; i++)
		if (all->item[i].number == number)
			return &all->item[i];
	return NULL;
}

struct tenant *
tenants_take(struct tenants *all, uint32_t number, struct err *e)
{
	struct tenant *t = tenants_find(all, number);

	if (t != NULL)
		return t;
	if (all->len == TENANTS_MAX) {
		err_set(e, ERR_BUSY, "more than %d tenants", TENANTS_MAX);
		return NULL;
	}
	t = &all->item[all->len];
	*t = (struct tenant){ number, 0, -1, -1 };
	if (all->locks != -1) {
		t->lock = ids_take(all->locks, &t->base, e);
		if (t->lock == -1)
			return NULL;
	}
	all->len++;
	return t;
}

int
tenants_map_files(const struct tenants *all, struct tenant *t, struct err *e)
{
	if (all->locks == -1 || t->files != -1)
		return 0;
	t->files = idmap_open(LAUNCH_FILES_ID, t->base + MACHINE_UID, e);
	return t->files == -1 ? -1 : 0;
}

void
tenants_give_back(struct tenants *all, struct tenant *t)
{
	fd_close(&t->lock);
	fd_close(&t->files);
	*t = all->item[--all->len];
}
