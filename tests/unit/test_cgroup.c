#include <string.h>

#include "sandbox/cgroup.h"
#include "tests/unit/unit.h"

static const char hybrid[] = "9:name=systemd:/\n"
			     "4:memory:/process_api/21\n"
			     "2:cpu,cpuacct:/a:b\n"
			     "0::/user.slice\n";
static const char mounts[] =
    "24 1 0:22 / /proc rw - proc proc rw\n"
    "30 24 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup "
    "rw,memory\n"
    "31 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
    "rw,cpu,cpuacct\n"
    "32 24 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

static void
finds_each_controller_where_it_is_mounted(void **state)
{
	char path[256];

	(void)state;
	assert_true(cgroup_find(hybrid, mounts, "memory", path, sizeof(path)));
	assert_string_equal(path, "/sys/fs/cgroup/memory/process_api/21");
	assert_true(cgroup_find(hybrid, mounts, "cpuacct", path, sizeof(path)));
	assert_string_equal(path, "/sys/fs/cgroup/cpu,cpuacct/a:b");
	assert_true(cgroup_find(hybrid, mounts, "", path, sizeof(path)));
	assert_string_equal(path, "/sys/fs/cgroup/unified/user.slice");
	assert_false(cgroup_find(hybrid, mounts, "pids", path, sizeof(path)));
	assert_false(cgroup_find("", mounts, "memory", path, sizeof(path)));
	assert_false(cgroup_find(hybrid, "", "memory", path, sizeof(path)));
}

static void
takes_a_part_of_a_hierarchy_for_what_it_is(void **state)
{
	static const char part[] =
	    "30 24 0:27 /docker/77 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
	char path[256];

	(void)state;
	assert_true(
	    cgroup_find("0::/docker/77/leaf\n", part, "", path, sizeof(path)));
	assert_string_equal(path, "/sys/fs/cgroup/leaf");
	assert_true(
	    cgroup_find("0::/docker/77\n", part, "", path, sizeof(path)));
	assert_string_equal(path, "/sys/fs/cgroup");
	assert_false(
	    cgroup_find("0::/docker/778\n", part, "", path, sizeof(path)));
}

static void
refuses_a_path_that_does_not_fit(void **state)
{
	char path[16];

	(void)state;
	assert_false(cgroup_find(hybrid, mounts, "memory", path, sizeof(path)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_each_controller_where_it_is_mounted),
		cmocka_unit_test(takes_a_part_of_a_hierarchy_for_what_it_is),
		cmocka_unit_test(refuses_a_path_that_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
