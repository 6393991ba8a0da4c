#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/abi.h"
#include "policy/landlock_plan.h"
#include "policy/mount_plan.h"
#include "policy/path_query.h"

#define ABI 7 /* of Landlock: the rights that matter here are in all */

struct question {
	const char *path;
	unsigned access;
	const struct mount_plan_step *step; /* NULL: the root, or /proc */
	struct landlock_plan rules;
	const struct landlock_rule *grants, *nearest;
};

static const struct mount_plan_step *
find_step(const struct mount_plan *p, const char *path)
{
	const struct mount_plan_step *found = NULL;

	for (size_t i = 0; i < p->len; i++)
		if (str_is_within(path, p->step[i].target) &&
		    (found == NULL ||
			strlen(found->target) < strlen(p->step[i].target)))
			found = &p->step[i];
	return found;
}

/* The name at the root that it lies below: a directory of the image's. */
static void
find_top(const char *path, char top[64])
{
	snprintf(top, 64, "%.*s", (int)strcspn(path + 1, "/"), path + 1);
}

/* The root is listed, not read. */
static uint64_t
rights_of(const char *path, unsigned access)
{
	const uint64_t read = strcmp(path, "/") == 0 ? ABI_LANDLOCK_READ_DIR
						     : ABI_LANDLOCK_READ_FILE;

	return ((access & PATH_QUERY_READ) != 0 ? read : 0) |
	    ((access & PATH_QUERY_WRITE) != 0 ? ABI_LANDLOCK_WRITE_FILE : 0) |
	    ((access & PATH_QUERY_EXECUTE) != 0 ? ABI_LANDLOCK_EXECUTE : 0);
}

/* Rules of all directories above it count together. */
static bool
is_granted(struct question *q)
{
	uint64_t missing = rights_of(q->path, q->access);
	const struct landlock_rule *r;
	const char *path = q->step != NULL && q->step->replaced
	    ? MOUNT_PLAN_STATE_AT
	    : q->path;

	for (size_t i = 0; i < q->rules.nrules; i++) {
		r = &q->rules.rule[i];
		if (!str_is_within(path, r->path))
			continue;
		missing &= ~r->access;
		if (q->nearest == NULL ||
		    strlen(q->nearest->path) < strlen(r->path))
			q->nearest = r;
	}
	return missing == 0;
}

static void
answer(struct path_query_answer *a, const char *verdict, const char *layer)
{
	a->allowed = strcmp(verdict, "allow") == 0;
	snprintf(a->verdict, sizeof(a->verdict), "%s", verdict);
	a->layer = layer;
}

static void
describe_mount(const struct question *q, char *out, size_t size)
{
	const struct mount_plan_step *s = q->step;

	if (s != NULL)
		snprintf(out, size, "%s is %s, %s", s->target,
		    (s->attr & MOUNT_ATTR_RDONLY) != 0 ? "read-only"
						       : "writable",
		    (s->attr & MOUNT_ATTR_NOEXEC) != 0 ? "noexec" : "exec");
	else if (str_is_within(q->path, "/proc"))
		snprintf(out, size,
		    "/proc has its own processes alone, noexec");
	else
		snprintf(out, size, "/ is the image, read-only");
}

static void
describe_rule(const struct question *q, bool granted, char *out, size_t size)
{
	snprintf(out, size,
	    granted ? "the rule for %s grants it"
		    : "the rule for %s does not grant it",
	    q->nearest == NULL ? "/" : q->nearest->path);
}

/* Those of every machine (sandbox/mount_dev.h), written through a read-only
 * mount. */
static bool
is_device(const char *path)
{
	static const char *const devices[] = { "/dev/null", "/dev/zero",
		"/dev/full", "/dev/random", "/dev/urandom" };

	for (size_t i = 0; i < nitems(devices); i++)
		if (strcmp(path, devices[i]) == 0)
			return true;
	return false;
}

/* What the mount's flags refuse comes before what Landlock does. */
static const char *
ask_mount(const struct question *q)
{
	const bool proc = q->step == NULL && str_is_within(q->path, "/proc");
	const uint64_t attr = q->step != NULL ? q->step->attr
	    : proc                            ? MOUNT_ATTR_NOEXEC
					      : MOUNT_ATTR_RDONLY;

	if ((q->access & PATH_QUERY_WRITE) != 0 && !is_device(q->path) &&
	    (attr & MOUNT_ATTR_RDONLY) != 0)
		return "EROFS";
	if ((q->access & PATH_QUERY_EXECUTE) != 0 &&
	    (attr & MOUNT_ATTR_NOEXEC) != 0)
		return "EACCES";
	return NULL;
}

int
path_query(const struct machine *m, const char *path, unsigned access,
    struct path_query_answer *a, struct err *e)
{
	static struct mount_plan plan;
	static struct question q;
	const char *refused;
	char top[1][64];
	bool granted;

	if (!str_is_clean_path(path))
		return err_set(e, ERR_INVALID, "%s: not a clean absolute path",
		    path);
	if (mount_plan_build(&plan, m, e) == -1)
		return -1;
	memset(&q, 0, sizeof(q));
	q.path = path;
	q.access = access;
	q.step = find_step(&plan, path);
	find_top(path, top[0]);
	landlock_plan(&q.rules, m, ABI, top,
	    q.step == NULL && top[0][0] != '\0' &&
		!str_is_within(path, "/proc"));
	granted = is_granted(&q);
	refused = ask_mount(&q);
	if (refused != NULL) {
		answer(a, refused, "mount");
		describe_mount(&q, a->rule, sizeof(a->rule));
		snprintf(a->second, sizeof(a->second), "Landlock: ");
		describe_rule(&q, granted, a->second + 10,
		    sizeof(a->second) - 10);
		return 0;
	}
	answer(a, granted ? "allow" : "EACCES", "Landlock");
	describe_rule(&q, granted, a->rule, sizeof(a->rule));
	snprintf(a->second, sizeof(a->second), "mount: ");
	describe_mount(&q, a->second + 7, sizeof(a->second) - 7);
	return 0;
}
