#include <string.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "base/err.h"
#include "policy/landlock_plan.h"
#include "policy/machine.h"
#include "sandbox/landlock.h"
#include "policy/abi.h"
#include "policy/mount_plan.h"
#include "tests/unit/unit.h"

static struct machine
machine_with(const char *target)
{
	struct machine m = { .name = "m",
		.hostname = "m",
		.cwd = "/",
		.tier = GRANT_STANDARD,
		.grant = *grant_of_tier(GRANT_STANDARD),
		.nmounts = 1 };

	m.mount[0] = (struct machine_mount){ .kind = MACHINE_IMAGE,
		.executable = true,
		.target = "/" };
	if (target != NULL) {
		m.mount[1] = (struct machine_mount){ .kind = MACHINE_TMPFS,
			.writable = true,
			.bytes = 1 << 20 };
		strcpy(m.mount[1].target, target);
		m.nmounts = 2;
	}
	return m;
}

#define REFUSES(m, sentence)                                    \
	do {                                                    \
		struct err e_;                                  \
		assert_int_equal(machine_check(&(m), &e_), -1); \
		assert_string_equal(e_.text, (sentence));       \
	} while (0)

static void
refuses_to_cover_what_the_node_provides(void **state)
{
	struct machine m = machine_with("/proc/sys");

	(void)state;
	REFUSES(m, "mount /proc/sys: /proc belongs to the node");
	m = machine_with("/dev");
	REFUSES(m, "mount /dev: /dev belongs to the node");
	m = machine_with("/sys/fs");
	REFUSES(m, "mount /sys/fs: /sys belongs to the node");
	m = machine_with("/");
	REFUSES(m, "mount /: / is the root");
	m = machine_with("/.state/s");
	REFUSES(m, "mount /.state/s: /.state belongs to the node");
}

static void
refuses_paths_that_are_not_clean(void **state)
{
	static const char *const bad[] = { "", "data", "/data/", "//data",
		"/a/../b", "/a/./b", "/a\nb", "/.", "/.." };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct machine m = machine_with(bad[i]);

		assert_int_equal(machine_check(&m, &e), -1);
		assert_non_null(strstr(e.text, "not a clean absolute path"));
	}
}

static void
refuses_what_contradicts_itself(void **state)
{
	struct machine m = machine_with("/data");

	(void)state;
	m.mount[1].executable = true;
	REFUSES(m,
	    "mount /data: writable and executable, which is not granted");
	m = machine_with("/data");
	m.mount[1].bytes = 0;
	REFUSES(m, "mount /data: no size");
	m = machine_with("/data");
	m.mount[1].kind = MACHINE_IMAGE;
	REFUSES(m, "mount /data: an image is never writable");
	m = machine_with("/data");
	m.mount[2] = m.mount[1];
	m.nmounts = 3;
	REFUSES(m, "mount /data: repeated or out of order");
	m = machine_with("/data");
	m.mount[1].replaced = true;
	REFUSES(m, "mount /data: only a state is replaced");
	m = machine_with(NULL);
	m.mount[0].writable = true;
	REFUSES(m, "mount /: writable and executable, which is not granted");
	m = machine_with(NULL);
	m.nmounts = 0;
	REFUSES(m, "machine: 0 mounts are outside 1..64");
	m = machine_with(NULL);
	strcpy(m.name, "../x");
	REFUSES(m, "machine: bad name");
	m = machine_with(NULL);
	m.grant.limit[GRANT_MEMORY] = 0;
	REFUSES(m, "machine: limit memory is not set");
	m = machine_with(NULL);
	m.grant.limit[GRANT_PIDS] = 1;
	REFUSES(m, "machine: limit pids: init and the program are two");
}

static void
survives_the_wire(void **state)
{
	struct machine m = machine_with("/data"), got;
	struct buf b = { 0 };
	struct err e;

	(void)state;
	machine_put(&b, &m);
	assert_int_equal(machine_get(&b, &got, &e), 0);
	assert_string_equal(got.mount[1].target, "/data");
	/* Every shorter frame is refused, and leaves the result alone. */
	for (size_t len = 0; len < b.len; len++) {
		struct buf cut = buf_over(b.data, len);

		got.tier = 99;
		assert_int_equal(machine_get(&cut, &got, &e), -1);
		assert_int_equal(got.tier, 99);
	}
	buf_fini(&b);
}

static void
mounts_the_node_first_and_parents_before_children(void **state)
{
	struct machine m = machine_with("/a");
	static struct mount_plan p;
	struct err e;

	(void)state;
	m.mount[2] = m.mount[1];
	strcpy(m.mount[2].target, "/a/b");
	m.mount[2].kind = MACHINE_TREE;
	m.mount[2].writable = false;
	m.nmounts = 3;
	assert_int_equal(machine_check(&m, &e), 0);
	assert_int_equal(mount_plan_build(&p, &m, &e), 0);
	assert_int_equal(p.len, 5);
	assert_string_equal(p.step[0].target, "/dev");
	assert_string_equal(p.step[1].target, "/dev/shm");
	assert_string_equal(p.step[2].target, "/tmp");
	assert_string_equal(p.step[4].target, "/a/b");
	assert_int_equal(p.step[4].parent, 3);
	assert_int_equal(p.step[4].attr,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY |
		MOUNT_ATTR_NOEXEC);
	assert_int_equal(p.step[2].attr,
	    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static void
refuses_a_mount_inside_a_volume(void **state)
{
	struct machine m = machine_with("/a");
	static struct mount_plan p;
	struct err e;

	(void)state;
	m.mount[1].kind = MACHINE_TREE;
	m.mount[2] = m.mount[1];
	strcpy(m.mount[2].target, "/a/b");
	m.nmounts = 3;
	p.len = 7;
	assert_int_equal(mount_plan_build(&p, &m, &e), -1);
	assert_string_equal(e.text, "mount /a/b: it lies in the volume at /a");
	assert_int_equal(p.len, 7); /* untouched on failure */
}

static struct machine
machine_with_state(const char *target)
{
	struct machine m = machine_with(target);

	m.mount[1].kind = MACHINE_STATE;
	m.mount[1].replaced = true;
	return m;
}

static void
a_state_that_is_replaced_stands_where_nothing_else_does(void **state)
{
	struct machine m = machine_with_state("/a/state");
	static struct mount_plan p;
	struct err e;

	(void)state;
	assert_int_equal(machine_check(&m, &e), 0);
	assert_int_equal(mount_plan_build(&p, &m, &e), 0);
	assert_string_equal(p.step[3].target, "/a/state");
	assert_string_equal(mount_plan_place(&p.step[3]), "/.state/s");
	assert_string_equal(mount_plan_place(&p.step[2]), "/tmp");
	m.mount[1].replaced = false;
	assert_int_equal(mount_plan_build(&p, &m, &e), 0);
	assert_string_equal(mount_plan_place(&p.step[3]), "/a/state");
}

static void
a_state_that_is_replaced_is_alone(void **state)
{
	struct machine m = machine_with_state("/tmp/s");
	static struct mount_plan p;
	struct err e;

	(void)state;
	assert_int_equal(mount_plan_build(&p, &m, &e), -1);
	assert_string_equal(e.text,
	    "mount /tmp/s: a state that is replaced lies in no mount");
	m = machine_with_state("/s");
	m.mount[2] = m.mount[1];
	m.mount[2].kind = MACHINE_TMPFS;
	m.mount[2].replaced = false;
	strcpy(m.mount[2].target, "/s/below");
	m.nmounts = 3;
	assert_int_equal(mount_plan_build(&p, &m, &e), -1);
	assert_string_equal(e.text,
	    "mount /s/below: it lies in the volume at /s");
}

static uint64_t
access_of(const struct landlock_plan *p, const char *path)
{
	for (size_t i = 0; i < p->nrules; i++)
		if (strcmp(p->rule[i].path, path) == 0)
			return p->rule[i].access;
	return 0;
}

static void
landlock_gives_each_path_no_more_than_its_mount(void **state)
{
	static const char top[1][64] = { "usr" };
	struct machine m = machine_with("/data");
	static struct landlock_plan p;

	(void)state;
	landlock_plan(&p, &m, 7, top, 1);
	assert_int_equal(access_of(&p, "/"), ABI_LANDLOCK_READ_DIR);
	assert_true(access_of(&p, "/usr") & ABI_LANDLOCK_EXECUTE);
	assert_false(access_of(&p, "/usr") & ABI_LANDLOCK_WRITE_FILE);
	assert_true(access_of(&p, "/data") & ABI_LANDLOCK_WRITE_FILE);
	assert_false(access_of(&p, "/data") & ABI_LANDLOCK_EXECUTE);
	assert_false(access_of(&p, "/tmp") & ABI_LANDLOCK_EXECUTE);
	assert_true(p.handled_fs & ABI_LANDLOCK_REFER);
	assert_true(p.handled_fs & ABI_LANDLOCK_IOCTL_DEV);
	for (size_t i = 0; i < p.nrules; i++) {
		/* Moving within a mount is for those that may make files. */
		assert_int_equal((p.rule[i].access & ABI_LANDLOCK_REFER) != 0,
		    (p.rule[i].access & ABI_LANDLOCK_MAKE_REG) != 0);
		assert_false(p.rule[i].access & ABI_LANDLOCK_IOCTL_DEV);
		assert_false(p.rule[i].access & ABI_LANDLOCK_MAKE_CHAR);
	}
	/* No network: no port; on loopback the namespace is the wall. */
	assert_int_equal(p.handled_net, 0);
	m.grant.net = GRANT_NET_NONE;
	landlock_plan(&p, &m, 7, top, 1);
	assert_int_equal(p.handled_net, 3);
	assert_int_equal(p.scoped, 3);
}

static void
landlock_lets_a_state_that_is_replaced_be_written(void **state)
{
	struct machine m = machine_with_state("/data");
	static struct landlock_plan p;

	(void)state;
	landlock_plan(&p, &m, 7, NULL, 0);
	assert_true(access_of(&p, "/.state") & ABI_LANDLOCK_WRITE_FILE);
	assert_false(access_of(&p, "/.state") & ABI_LANDLOCK_EXECUTE);
	assert_int_equal(access_of(&p, "/data"), 0);
}

static void
landlock_asks_an_old_kernel_for_nothing_new(void **state)
{
	struct machine m = machine_with("/data");
	static struct landlock_plan p;

	(void)state;
	landlock_plan(&p, &m, 2, NULL, 0);
	assert_int_equal(p.handled_fs, (1 << 14) - 1);
	assert_int_equal(p.handled_net | p.scoped | landlock_flags(2), 0);
	assert_int_equal(landlock_missing(7), 0);
	assert_int_equal(landlock_missing(2),
	    MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_TRUNCATE) |
		MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_TCP) |
		MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_IOCTL) |
		MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_SCOPE) |
		MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_LOG));
	assert_true(
	    landlock_missing(0) & MACHINE_CONTROL_BIT(MACHINE_LANDLOCK));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_to_cover_what_the_node_provides),
		cmocka_unit_test(refuses_paths_that_are_not_clean),
		cmocka_unit_test(refuses_what_contradicts_itself),
		cmocka_unit_test(survives_the_wire),
		cmocka_unit_test(
		    mounts_the_node_first_and_parents_before_children),
		cmocka_unit_test(refuses_a_mount_inside_a_volume),
		cmocka_unit_test(
		    landlock_gives_each_path_no_more_than_its_mount),
		cmocka_unit_test(
		    a_state_that_is_replaced_stands_where_nothing_else_does),
		cmocka_unit_test(a_state_that_is_replaced_is_alone),
		cmocka_unit_test(
		    landlock_lets_a_state_that_is_replaced_be_written),
		cmocka_unit_test(landlock_asks_an_old_kernel_for_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
