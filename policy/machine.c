#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/groups.h"
#include "policy/machine.h"

static const char *const controls[MACHINE_CONTROLS] = {
	[MACHINE_CGROUP] = "cgroup",
	[MACHINE_LANDLOCK] = "landlock",
	[MACHINE_LANDLOCK_TRUNCATE] = "landlock_truncate",
	[MACHINE_LANDLOCK_TCP] = "landlock_tcp",
	[MACHINE_LANDLOCK_IOCTL] = "landlock_ioctl_dev",
	[MACHINE_LANDLOCK_SCOPE] = "landlock_scope",
	[MACHINE_LANDLOCK_LOG] = "landlock_log",
	[MACHINE_CORE_SCHED] = "core_sched",
	[MACHINE_SPECULATION] = "speculation",
	[MACHINE_IO_MAX] = "io_max",
};

const char *
machine_control_name(enum machine_control c)
{
	invariant(c < MACHINE_CONTROLS);
	return controls[c];
}

int
machine_control_abi(enum machine_control c)
{
	return c >= MACHINE_LANDLOCK && c <= MACHINE_LANDLOCK_LOG
	    ? 2 + (int)(c - MACHINE_LANDLOCK)
	    : 0;
}

int
machine_control_find(const char *name)
{
	for (int c = 0; c < MACHINE_CONTROLS; c++)
		if (strcmp(controls[c], name) == 0)
			return c;
	return -1;
}

/* What the node provides: a machine cannot move, hide or replace it. */
static const char *const reserved[] = { "/proc", "/sys", "/dev", "/tmp",
	"/.state" };

int
machine_check_target(const char *target, struct err *e)
{
	if (!str_is_clean_path(target))
		return err_set(e, ERR_INVALID, "not a clean absolute path");
	if (strcmp(target, "/") == 0)
		return err_set(e, ERR_DENIED, "/ is the root");
	if (strlen(target) >= MACHINE_PATH_MAX)
		return err_set(e, ERR_INVALID, "longer than %d bytes",
		    MACHINE_PATH_MAX - 1);
	for (size_t i = 0; i < nitems(reserved); i++)
		if (str_is_within(target, reserved[i]) &&
		    strcmp(reserved[i], "/tmp") != 0)
			return err_set(e, ERR_DENIED, "%s belongs to the node",
			    reserved[i]);
	return 0;
}

bool
machine_has_source(const struct machine_mount *v)
{
	return v->kind != MACHINE_TMPFS;
}

size_t
machine_find_state(const struct machine *m)
{
	size_t i = m->nmounts;

	while (i > 0 && m->mount[i - 1].kind != MACHINE_STATE)
		i--;
	return i == 0 ? 0 : i - 1;
}

static int
check_mount(const struct machine *m, size_t i, struct err *e)
{
	const struct machine_mount *v = &m->mount[i];

	if (v->kind > MACHINE_STATE)
		return err_set(e, ERR_INVALID, "no such kind");
	if ((v->kind == MACHINE_TMPFS || v->kind == MACHINE_STATE) &&
	    v->bytes == 0)
		return err_set(e, ERR_INVALID, "no size");
	if (v->kind == MACHINE_STATE && (i == 0 || !v->writable))
		return err_set(e, ERR_INVALID, "state is a writable volume");
	if (v->kind == MACHINE_STATE && i != machine_find_state(m))
		return err_set(e, ERR_INVALID, "a second state");
	if (v->replaced && v->kind != MACHINE_STATE)
		return err_set(e, ERR_INVALID, "only a state is replaced");
	if (v->writable && v->executable && !m->grant.exec_writable)
		return err_set(e, ERR_DENIED,
		    "writable and executable, which is not granted");
	if (v->kind == MACHINE_IMAGE && v->writable)
		return err_set(e, ERR_INVALID, "an image is never writable");
	if (i == 0) {
		if (strcmp(v->target, "/") != 0 || v->writable)
			return err_set(e, ERR_INVALID,
			    "the first mount is the read-only root");
		return 0;
	}
	if (machine_check_target(v->target, e) == -1)
		return -1;
	/* strcmp(3) sorts /a before /a/b; equal is a repetition. */
	if (i > 1 && strcmp(v[-1].target, v->target) >= 0)
		return err_set(e, ERR_INVALID, "repeated or out of order");
	return 0;
}

static bool
is_name(const char *s)
{
	return s[0] != '\0' && s[0] != '.' && s[0] != '-' &&
	    strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz.-") == strlen(s);
}

static int
check_limits(const struct grant *g, struct err *e)
{
	static const enum grant_limit needed[] = { GRANT_MEMORY, GRANT_CPU,
		GRANT_WALL, GRANT_CPU_TIME, GRANT_PIDS, GRANT_NOFILE, GRANT_TMP,
		GRANT_TMP_FILES };

	for (size_t i = 0; i < nitems(needed); i++)
		if (g->limit[needed[i]] == 0 || g->limit[needed[i]] > INT64_MAX)
			return err_set(e, ERR_INVALID, "limit %s is not set",
			    grant_limit_name(needed[i]));
	if (g->limit[GRANT_PIDS] < 2)
		return err_set(e, ERR_INVALID,
		    "limit pids: init and the program are two");
	return 0;
}

int
machine_check(const struct machine *m, struct err *e)
{
	if (!is_name(m->name))
		return err_set(e, ERR_INVALID, "machine: bad name");
	if (!is_name(m->hostname))
		return err_set(e, ERR_INVALID, "machine: bad host name");
	if (!str_is_clean_path(m->cwd))
		return err_set(e, ERR_INVALID,
		    "machine: working directory: not a clean absolute path");
	if (m->tier >= GRANT_TIERS)
		return err_set(e, ERR_INVALID, "machine: no such tier");
	if ((m->grant.groups & ~GROUPS_ALL) != 0)
		return err_set(e, ERR_INVALID,
		    "machine: no such system call group");
	if (m->resolver && m->grant.net != GRANT_NET_EGRESS)
		return err_set(e, ERR_INVALID,
		    "machine: a resolver without a way out");
	if (check_limits(&m->grant, e) == -1)
		return err_in(e, "machine");
	if (m->nmounts == 0 || m->nmounts > MACHINE_MOUNTS_MAX)
		return err_set(e, ERR_INVALID,
		    "machine: %zu mounts are outside 1..%d", m->nmounts,
		    MACHINE_MOUNTS_MAX);
	for (size_t i = 0; i < m->nmounts; i++)
		if (check_mount(m, i, e) == -1)
			return err_in(e, "mount %s", m->mount[i].target);
	return 0;
}

void
machine_put(struct buf *b, const struct machine *m)
{
	const struct machine_mount *v;

	buf_put_str(b, m->name);
	buf_put_str(b, m->hostname);
	buf_put_str(b, m->cwd);
	buf_put_u8(b, m->tier);
	buf_put_u8(b, m->channel);
	buf_put_u8(b, m->resolver);
	buf_put_u8(b, m->meter);
	buf_put_u32(b, m->optional);
	grant_put(b, &m->grant);
	buf_put_u32(b, (uint32_t)m->nmounts);
	for (size_t i = 0; i < m->nmounts; i++) {
		v = &m->mount[i];
		buf_put_u8(b, v->kind);
		buf_put_u8(b, v->writable);
		buf_put_u8(b, v->executable);
		buf_put_u8(b, v->replaced);
		buf_put_str(b, v->target);
		buf_put_u64(b, v->bytes);
		buf_put_u64(b, v->inodes);
	}
}

static void
get_mount(struct buf *b, struct machine_mount *v)
{
	v->kind = buf_get_u8(b);
	v->writable = buf_get_u8(b) != 0;
	v->executable = buf_get_u8(b) != 0;
	v->replaced = buf_get_u8(b) != 0;
	buf_get_str(b, v->target, sizeof(v->target));
	v->bytes = buf_get_u64(b);
	v->inodes = buf_get_u64(b);
}

int
machine_get(struct buf *b, struct machine *out, struct err *e)
{
	static struct machine m;

	memset(&m, 0, sizeof(m));
	buf_get_str(b, m.name, sizeof(m.name));
	buf_get_str(b, m.hostname, sizeof(m.hostname));
	buf_get_str(b, m.cwd, sizeof(m.cwd));
	m.tier = buf_get_u8(b);
	m.channel = buf_get_u8(b) != 0;
	m.resolver = buf_get_u8(b) != 0;
	m.meter = buf_get_u8(b) != 0;
	m.optional = buf_get_u32(b);
	grant_get(b, &m.grant);
	m.nmounts = buf_get_u32(b);
	for (size_t i = 0; i < m.nmounts && i < MACHINE_MOUNTS_MAX; i++)
		get_mount(b, &m.mount[i]);
	if (!buf_ok(b))
		return err_set(e, ERR_INVALID, "machine: malformed frame");
	if (machine_check(&m, e) == -1)
		return -1;
	*out = m;
	return 0;
}
