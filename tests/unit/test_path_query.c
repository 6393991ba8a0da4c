#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/path_query.h"
#include "tests/unit/unit.h"

/* Everything that a machine can have mounted, and limits that are set. */
static struct machine
machine_with_all(void)
{
	static const struct machine_mount all[] = {
		{ .kind = MACHINE_IMAGE, .executable = true, .target = "/" },
		{ .kind = MACHINE_TREE,
		    .executable = true,
		    .target = "/opt/code" },
		{ .kind = MACHINE_TMPFS,
		    .writable = true,
		    .bytes = 1,
		    .target = "/scratch" },
		{ .kind = MACHINE_IMAGE, .target = "/scratch/below" },
		{ .kind = MACHINE_STATE,
		    .writable = true,
		    .replaced = true,
		    .bytes = 1,
		    .target = "/state" },
	};
	struct machine m = { .tier = GRANT_STANDARD,
		.grant = *grant_of_tier(GRANT_STANDARD),
		.nmounts = nitems(all) };

	memcpy(m.mount, all, sizeof(all));
	return m;
}

static const struct {
	const char *path;
	unsigned access;
	const char *verdict, *layer;
} cases[] = {
	{ "/", PATH_QUERY_READ, "allow", "Landlock" },
	{ "/bin/sh", PATH_QUERY_READ | PATH_QUERY_EXECUTE, "allow",
	    "Landlock" },
	{ "/bin/sh", PATH_QUERY_WRITE, "EROFS", "mount" },
	{ "/opt/code/x", PATH_QUERY_EXECUTE, "allow", "Landlock" },
	{ "/opt/code/x", PATH_QUERY_WRITE, "EROFS", "mount" },
	{ "/opt/other", PATH_QUERY_READ, "allow", "Landlock" },
	{ "/scratch/x", PATH_QUERY_READ | PATH_QUERY_WRITE, "allow",
	    "Landlock" },
	{ "/scratch/x", PATH_QUERY_EXECUTE, "EACCES", "mount" },
	{ "/scratch/below/x", PATH_QUERY_READ, "allow", "Landlock" },
	{ "/scratch/below/x", PATH_QUERY_WRITE, "EROFS", "mount" },
	{ "/scratchy", PATH_QUERY_WRITE, "EROFS", "mount" },
	{ "/state/x", PATH_QUERY_WRITE, "allow", "Landlock" },
	{ "/state/x", PATH_QUERY_EXECUTE, "EACCES", "mount" },
	{ "/tmp/x", PATH_QUERY_WRITE, "allow", "Landlock" },
	{ "/dev/null", PATH_QUERY_WRITE, "allow", "Landlock" },
	{ "/dev/new", PATH_QUERY_WRITE, "EROFS", "mount" },
	{ "/proc/self/mem", PATH_QUERY_WRITE, "allow", "Landlock" },
	{ "/proc/self/exe", PATH_QUERY_EXECUTE, "EACCES", "mount" },
};

static void
each_place_has_its_answer(void **state)
{
	const struct machine m = machine_with_all();
	struct path_query_answer a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(cases); i++) {
		assert_int_equal(
		    path_query(&m, cases[i].path, cases[i].access, &a, &e), 0);
		assert_string_equal(a.verdict, cases[i].verdict);
		assert_string_equal(a.layer, cases[i].layer);
		assert_int_equal(a.allowed,
		    strcmp(cases[i].verdict, "allow") == 0);
	}
}

/* W^X holds for /proc/self/mem too, by Landlock alone. */
static void
landlock_is_the_second_opinion(void **state)
{
	struct machine m = machine_with_all();
	struct path_query_answer a;
	struct err e;

	(void)state;
	m.grant.wx = false;
	assert_int_equal(
	    path_query(&m, "/proc/self/mem", PATH_QUERY_WRITE, &a, &e), 0);
	assert_string_equal(a.verdict, "EACCES");
	assert_string_equal(a.layer, "Landlock");
	assert_string_equal(a.rule, "the rule for /proc does not grant it");
	assert_int_equal(
	    path_query(&m, "/scratch/x", PATH_QUERY_EXECUTE, &a, &e), 0);
	assert_string_equal(a.rule, "/scratch is writable, noexec");
	assert_string_equal(a.second,
	    "Landlock: the rule for /scratch does not grant it");
}

static void
what_is_no_path_is_told(void **state)
{
	const struct machine m = machine_with_all();
	struct path_query_answer a;
	struct err e;

	(void)state;
	assert_int_equal(path_query(&m, "x", PATH_QUERY_READ, &a, &e), -1);
	assert_int_equal(path_query(&m, "/x/../y", PATH_QUERY_READ, &a, &e),
	    -1);
	assert_string_equal(e.text, "/x/../y: not a clean absolute path");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_place_has_its_answer),
		cmocka_unit_test(landlock_is_the_second_opinion),
		cmocka_unit_test(what_is_no_path_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
