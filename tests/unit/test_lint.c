#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "policy/ceiling.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "policy/lint.h"
#include "policy/listing.h"
#include "tests/unit/unit.h"

static struct problems problems;

/* All that is odd: "ID PATH\n"... */
static void
expect(const char *text, const char *wanted)
{
	static struct ceiling c;
	buf_auto struct buf b = { 0 };
	struct err e;
	struct value *root = yaml_parse(text, strlen(text), &e);

	assert_non_null(root);
	ceiling_default(&c);
	assert_int_equal(ceiling_read(&c, root, &problems), 0);
	assert_int_equal(lint(root, &c, &problems, &e), 0);
	for (size_t i = 0; i < problems.len; i++) {
		assert_int_not_equal(problems.item[i].line, 0);
		buf_printf(&b, "%s %s\n", problems.item[i].id,
		    problems.item[i].path);
	}
	assert_string_equal(b.len == 0 ? "" : buf_text(&b), wanted);
	problems_fini(&problems);
	value_free(root);
}

static void
what_is_plain_is_not_odd(void **state)
{
	(void)state;
	expect("version: 1\n", "");
	expect("version: 1\ntier: strict\nlimits: {memory: 1MiB}\n"
	       "clamp: [memory]\n",
	    "");
}

static void
a_network_in_another_is_told(void **state)
{
	(void)state;
	expect("version: 1\ntier: networked\nnet:\n  mode: egress\n  allow:\n"
	       "    - {cidr: 203.0.113.0/24, proto: tcp, ports: [1, 2]}\n"
	       "    - {cidr: 203.0.113.1/32, proto: tcp, ports: [2]}\n"
	       "    - {cidr: 203.0.113.1/32, proto: tcp, ports: [2, 3]}\n"
	       "    - {cidr: 203.0.113.1/32, proto: udp, ports: [2]}\n"
	       "    - {cidr: 203.0.113.1/32, proto: udp, ports: [\"1-2\"]}\n",
	    "lint:covered net.allow[1]\nlint:covered net.allow[3]\n");
}

static void
what_is_wide_needs_a_word(void **state)
{
	static const char wide[] =
	    "version: 1\nexec_writable: true\naudit: {on_full: drop}\n"
	    "optional: [cgroup, landlock]\n"
	    "seccomp: {groups: [life, sched]}\n";
	char with[512];

	(void)state;
	expect(wide,
	    "lint:why exec_writable\nlint:why audit.on_full\n"
	    "lint:why optional\nlint:why optional\n"
	    "lint:why seccomp.groups[1]\n");
	snprintf(with, sizeof(with), "%swhy: \"a reason\"\n", wide);
	expect(with, "");
}

static void
what_has_no_effect_is_told(void **state)
{
	(void)state;
	expect("version: 1\nclamp: [wall]\n", "lint:clamp clamp[0]\n");
	expect("version: 1\nnet: {mode: egress, allow: [{cidr: 203.0.113.0/24, "
	       "proto: tcp, ports: [1]}]}\ntier: networked\n"
	       "seccomp: {groups: [sock-lo, sock-inet]}\n",
	    "lint:group seccomp.groups[1]\n");
}

/* Every instruction has a line, and none is a number that has no name. */
static void
a_filter_can_be_read(void **state)
{
	static struct filter_model m;
	static struct filter_program p;
	static const struct sock_filter odd[] = {
		{ BPF_LD | BPF_IMM, 0, 0, 7 },
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, 20 },
		{ BPF_JMP | BPF_JA, 0, 0, 1 },
		{ BPF_JMP | BPF_JSET | BPF_K, 1, 0, 2 },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRACE | 5 },
	};
	buf_auto struct buf b = { 0 };
	struct err e;
	size_t lines = 0;

	(void)state;
	assert_int_equal(groups_model(GROUPS_STANDARD, true, &m, &e), 0);
	assert_int_equal(filter_compile(&m, &p, &e), 0);
	listing(p.insn, p.len, &b);
	for (const char *at = buf_text(&b); (at = strchr(at, '\n')) != NULL;
	     at++)
		lines++;
	assert_int_equal(lines, p.len);
	assert_non_null(strstr(buf_text(&b), "(native)"));
	assert_non_null(strstr(buf_text(&b), "return kill  ; init_module"));
	assert_non_null(strstr(buf_text(&b), "A = arg1.low"));
	assert_non_null(strstr(buf_text(&b), "A = A & 0x"));
	assert_null(strstr(buf_text(&b), "return 0x"));
	buf_reset(&b);
	listing(odd, nitems(odd), &b);
	assert_ptr_equal(
	    strstr(buf_text(&b),
		"   0  0x0 0 0 0x7\n   1  A = arg0.high\n   2  go to 4\n"
		"   3  if A & 0x2 go to 5, else 4\n   4  return 0x7ff00005"),
	    b.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_plain_is_not_odd),
		cmocka_unit_test(a_network_in_another_is_told),
		cmocka_unit_test(what_is_wide_needs_a_word),
		cmocka_unit_test(what_has_no_effect_is_told),
		cmocka_unit_test(a_filter_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
