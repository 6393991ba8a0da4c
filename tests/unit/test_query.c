#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/egress_text.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "policy/query.h"
#include "tests/unit/random_grant.h"
#include "tests/unit/unit.h"

static struct decision
of_tier(enum grant_tier t)
{
	return (struct decision){ .tier = t, .grant = *grant_of_tier(t) };
}

static const struct {
	const char *call, *verdict, *rule;
} standard[] = {
	{ "read", "allow", "group io" },
	{ "openat(0, 0, 2)", "allow", "group file" },
	{ "socket(38, 5, 0)", "EAFNOSUPPORT",
	    "group sock-local, sock-lo, no rule for these arguments" },
	{ "socket(0x2,1,0)", "allow",
	    "group sock-local, sock-lo, rule arg0 == 0x2 and arg1 & 0xf == 0x1 "
	    "and arg2 == 0x0" },
	{ "shmget(1)", "ENOSYS",
	    "no group of this policy has it (sysv-mq would)" },
	{ "mount", "EPERM", "no machine ever gets it" },
	{ "reboot()", "kill", "no honest program calls it" },
	{ "io_uring_setup( 1 )", "ENOSYS", "no group has it" },
	{ "prctl(36)", "EINVAL", "group info, no rule for these arguments" },
	{ "fcntl(1, -1)", "EINVAL",
	    "group file, lock, no rule for these arguments" },
	{ "clone(0x10000000)", "EPERM",
	    "group thread, no rule for these arguments" },
};

static void
a_call_is_answered_with_what_decides(void **state)
{
	const struct decision d = of_tier(GRANT_STANDARD);
	struct query_answer a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(standard); i++) {
		assert_int_equal(query_call(&d, standard[i].call, &a, &e), 0);
		assert_string_equal(a.verdict, standard[i].verdict);
		assert_string_equal(a.rule, standard[i].rule);
		assert_string_equal(a.layer, "seccomp");
		assert_int_equal(a.allowed, strcmp(a.verdict, "allow") == 0);
	}
}

static void
what_is_no_call_is_told(void **state)
{
	static const char *const bad[] = { "", "(", "read(", "read(1", "read)",
		"read(1,)", "read(,1)", "read(x)", "read(1)x", "read 1",
		"read(1 2)", "read(1,2,3,4,5,6,7)",
		"read(99999999999999999999)",
		"a_name_that_is_longer_than_any_call_has_ever_had" };
	const struct decision d = of_tier(GRANT_STANDARD);
	struct query_answer a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		assert_int_equal(query_call(&d, bad[i], &a, &e), -1);
		assert_int_equal(e.code, ERR_INVALID);
	}
	assert_int_equal(query_call(&d, "foo", &a, &e), -1);
	assert_int_equal(e.code, ERR_NOT_FOUND);
}

/* The compiled filter and the model say the same, whatever is asked. */
static void
it_agrees_with_the_model(void **state)
{
	static struct filter_model m;
	static const char *const calls[] = { "socket", "clone", "prctl",
		"fcntl", "mmap", "ioctl", "read", "mount", "reboot", "chmod" };
	unsigned seed = 5;
	struct query_answer a;
	struct decision d;
	uint64_t args[6] = { 0 };
	char text[64];
	struct err e;

	(void)state;
	for (int i = 0; i < 100; i++) {
		d = (struct decision){ .grant = random_grant(&seed) };
		assert_int_equal(
		    groups_model(d.grant.groups, !d.grant.wx, &m, &e), 0);
		for (size_t k = 0; k < nitems(calls); k++) {
			args[0] = (uint64_t)rand_r(&seed) % 48;
			args[1] = (uint64_t)rand_r(&seed) % 48;
			args[2] = (uint64_t)rand_r(&seed) % 16;
			snprintf(text, sizeof(text), "%s(%d,%d,%d)", calls[k],
			    (int)args[0], (int)args[1], (int)args[2]);
			assert_int_equal(query_call(&d, text, &a, &e), 0);
			assert_int_equal(a.allowed,
			    filter_decide(&m,
				(uint32_t)syscalls_number(SYSCALLS_NATIVE,
				    calls[k]),
				args)
				    .act == FILTER_ALLOW);
		}
	}
}

static void
a_connection_by_where_it_goes(void **state)
{
	struct decision d = of_tier(GRANT_STANDARD);
	struct egress_rule r = { .proto = EGRESS_TCP,
		.first = 443,
		.last = 444 };
	struct query_answer a;
	struct err e;

	(void)state;
	assert_int_equal(query_net(&d, "127.0.0.1:80", &a, &e), 0);
	assert_true(a.allowed);
	assert_int_equal(query_net(&d, "192.0.2.1:80", &a, &e), 0);
	assert_string_equal(a.verdict, "no route");
	d = of_tier(GRANT_STRICT);
	assert_int_equal(query_net(&d, "[::1]:80", &a, &e), 0);
	assert_string_equal(a.layer, "seccomp");
	d = of_tier(GRANT_NETWORKED);
	memset(&d.grant.egress, 0, sizeof(d.grant.egress));
	assert_true(egress_text_net("203.0.113.0/24", &r.net));
	assert_true(egress_add(&d.grant.egress, &r));
	assert_int_equal(query_net(&d, "203.0.113.7:444", &a, &e), 0);
	assert_true(a.allowed);
	assert_string_equal(a.rule,
	    "net.allow: tcp 203.0.113.0/24 ports 443-444");
	assert_int_equal(query_net(&d, "203.0.113.7:444/udp", &a, &e), 0);
	assert_string_equal(a.rule, "no entry of net.allow has it");
	assert_int_equal(query_net(&d, "169.254.169.254:80", &a, &e), 0);
	assert_string_equal(a.rule, "never reachable, whatever a list says");
	assert_int_equal(query_net(&d, "10.1.2.3:443", &a, &e), 0);
	assert_string_equal(a.rule,
	    "no entry of net.allow that lies in a private network has it");
}

static void
what_is_no_connection_is_told(void **state)
{
	static const char *const bad[] = { "", "x", "1.2.3.4",
		"1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:1-2",
		"1.2.3.4:1/sctp", "1.2.3.0/24:1", "::1:80", "[::1]80",
		"[1.2.3.4]:80", "example.org:80" };
	const struct decision d = of_tier(GRANT_STANDARD);
	struct query_answer a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		assert_int_equal(query_net(&d, bad[i], &a, &e), -1);
		assert_int_equal(e.code, ERR_INVALID);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_answered_with_what_decides),
		cmocka_unit_test(what_is_no_call_is_told),
		cmocka_unit_test(it_agrees_with_the_model),
		cmocka_unit_test(a_connection_by_where_it_goes),
		cmocka_unit_test(what_is_no_connection_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
