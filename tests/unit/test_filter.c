/*
 * Three witnesses of one policy: the model, our compiled program in the
 * emulator, and libseccomp's program in the emulator.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "policy/emulate.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "tests/unit/reference.h"
#include "tests/unit/unit.h"

static const uint64_t tiers[] = { GROUPS_STRICT, GROUPS_STANDARD,
	GROUPS_NETWORKED, GROUPS_ALL };

static void
every_tier_compiles_and_agrees_with_its_model(void **state)
{
	static struct filter_model m;
	static struct filter_program p;
	struct err e;

	(void)state;
	for (size_t t = 0; t < 4; t++)
		for (int wx = 0; wx < 2; wx++) {
			assert_int_equal(
			    groups_model(tiers[t], wx == 1, &m, &e), 0);
			assert_int_equal(filter_compile(&m, &p, &e), 0);
			assert_int_equal(filter_check(&m, &p, &e), 0);
		}
}

static void
a_wrong_program_is_found_out(void **state)
{
	static struct filter_model m;
	static struct filter_program p;
	struct err e;
	size_t found = 0, returns = 0;

	(void)state;
	assert_int_equal(groups_model(GROUPS_STANDARD, false, &m, &e), 0);
	assert_int_equal(filter_compile(&m, &p, &e), 0);
	/* Turn each answer into another one: every change must be noticed. */
	for (size_t i = 0; i < p.len; i++) {
		uint32_t was = p.insn[i].k;

		if (BPF_CLASS(p.insn[i].code) != BPF_RET)
			continue;
		returns++;
		p.insn[i].k = was == SECCOMP_RET_ALLOW
		    ? SECCOMP_RET_KILL_PROCESS
		    : SECCOMP_RET_ALLOW;
		found += filter_check(&m, &p, &e) == -1;
		p.insn[i].k = was;
	}
	assert_true(returns > 100);
	assert_int_equal(found, returns);
}

static void
libseccomp_builds_the_same_filter(void **state)
{
	static struct filter_model m;
	static struct sock_filter insn[4096];
	static const uint64_t none[6];
	struct err e;

	(void)state;
	for (size_t t = 0; t < 4; t++) {
		size_t len, compared = 0;

		assert_int_equal(groups_model(tiers[t], false, &m, &e), 0);
		len = reference_build(&m, insn, 4096);
		for (uint32_t nr = 0; nr < 1024; nr++) {
			struct seccomp_data d = { .nr = (int)nr,
				.arch = AUDIT_ARCH_X86_64 };
			uint32_t ret;

			if (nr < SYSCALLS_NR_MAX && m.ruled[nr])
				continue;
			assert_int_equal(emulate_run(insn, len, &d, &ret), 0);
			assert_int_equal(ret,
			    filter_ret(filter_decide(&m, nr, none)));
			compared++;
		}
		assert_true(compared > 900);
	}
}

/* One rule at a time, as libseccomp's comparison and as ours. */
static void
libseccomp_reads_each_rule_as_we_do(void **state)
{
	static struct filter_model m;
	static struct sock_filter insn[4096];
	struct err e;

	(void)state;
	assert_int_equal(groups_model(GROUPS_ALL, true, &m, &e), 0);
	for (size_t i = 0; i < m.nrules; i++) {
		const struct filter_rule *r = &m.rule[i];
		size_t len = reference_build_rule(r, insn, 4096);

		for (uint64_t bit = 0; bit < 34; bit++) {
			struct seccomp_data d = { .nr = r->nr,
				.arch = AUDIT_ARCH_X86_64 };
			bool fits = true;
			uint32_t ret;

			for (size_t k = 0; k < r->nconds; k++)
				d.args[r->cond[k].arg] = r->cond[k].value;
			d.args[r->cond[0].arg] ^= bit == 33 ? 0 : 1ULL << bit;
			for (size_t k = 0; k < r->nconds; k++)
				fits &=
				    ((uint32_t)d.args[r->cond[k].arg] &
					r->cond[k].mask) == r->cond[k].value;
			assert_int_equal(emulate_run(insn, len, &d, &ret), 0);
			assert_int_equal(ret,
			    fits ? filter_ret(r->then) : SECCOMP_RET_TRAP);
		}
	}
}

static struct filter_verdict
decide_call(uint64_t groups, bool wx, const char *name, const uint64_t args[6])
{
	static struct filter_model m;
	struct err e;

	assert_int_equal(groups_model(groups, wx, &m, &e), 0);
	return filter_decide(&m,
	    (uint32_t)syscalls_number(SYSCALLS_X86_64, name), args);
}

#define ASSERT_FAILS(v, want)                            \
	do {                                             \
		struct filter_verdict got = (v);         \
		assert_int_equal(got.act, FILTER_ERRNO); \
		assert_int_equal(got.sys, (want));       \
	} while (0)

static void
answers_are_the_ones_that_programs_expect(void **state)
{
	static const uint64_t none[6];
	const uint64_t alg[6] = { 38, 5, 0 }, unix_raw[6] = { 1, 3, 0 };
	const uint64_t inet_raw[6] = { 2, 3, 255 }, tcp[6] = { 2, 1, 6 };
	const uint64_t newuser[6] = { 0x10000000 };
	const uint64_t suid[6] = { 0, 04755 }, wx[6] = { 0, 0, 7 };
	const uint64_t tiocsti[6] = { 0, 0x100005412 };

	(void)state;
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "clone3", none), 38);
	ASSERT_FAILS(
	    decide_call(GROUPS_STANDARD, false, "io_uring_setup", none), 38);
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "mount", none), 1);
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "ptrace", none), 1);
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "socket", alg), 97);
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "socket", unix_raw),
	    93);
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "socket", inet_raw),
	    93);
	ASSERT_FAILS(decide_call(GROUPS_STRICT, true, "socket", tcp), 97);
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "clone", newuser), 1);
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "chmod", suid), 1);
	ASSERT_FAILS(decide_call(GROUPS_STANDARD, false, "ioctl", tiocsti), 25);
	ASSERT_FAILS(decide_call(GROUPS_STRICT, true, "mmap", wx), 1);
	ASSERT_FAILS(decide_call(GROUPS_STRICT, true, "mprotect", wx), 1);
	assert_int_equal(decide_call(GROUPS_STANDARD, false, "mmap", wx).act,
	    FILTER_ALLOW);
	assert_int_equal(decide_call(GROUPS_STANDARD, false, "socket", tcp).act,
	    FILTER_ALLOW);
	assert_int_equal(
	    decide_call(GROUPS_STANDARD, false, "reboot", none).act,
	    FILTER_KILL);
}

static void
names_agree_with_libseccomp(void **state)
{
	size_t known = 0;
	const char *name;

	(void)state;
	for (size_t i = 0; (name = syscalls_at(i)) != NULL; i++) {
		int x =
		    seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);
		int a =
		    seccomp_syscall_resolve_name_arch(SCMP_ARCH_AARCH64, name);

		if (x == __NR_SCMP_ERROR)
			continue; /* younger than the library */
		known++;
		assert_int_equal(syscalls_number(SYSCALLS_X86_64, name),
		    x < 0 ? SYSCALLS_ABSENT : x);
		if (a != __NR_SCMP_ERROR)
			assert_int_equal(
			    syscalls_number(SYSCALLS_AARCH64, name),
			    a < 0 ? SYSCALLS_ABSENT : a);
	}
	assert_true(known > 350);
	assert_int_equal(syscalls_number(SYSCALLS_X86_64, "no_such_call"),
	    SYSCALLS_UNKNOWN);
}

static void
the_emulator_refuses_what_it_does_not_know(void **state)
{
	struct seccomp_data d = { 0 };
	struct sock_filter odd = BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0);
	struct sock_filter past = BPF_STMT(BPF_JMP | BPF_JA, 7);
	struct sock_filter unaligned = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2);
	uint32_t ret;

	(void)state;
	assert_int_equal(emulate_run(&odd, 1, &d, &ret), -1);
	assert_int_equal(emulate_run(&past, 1, &d, &ret), -1);
	assert_int_equal(emulate_run(&unaligned, 1, &d, &ret), -1);
	assert_int_equal(emulate_run(&odd, 0, &d, &ret), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tier_compiles_and_agrees_with_its_model),
		cmocka_unit_test(a_wrong_program_is_found_out),
		cmocka_unit_test(libseccomp_builds_the_same_filter),
		cmocka_unit_test(libseccomp_reads_each_rule_as_we_do),
		cmocka_unit_test(answers_are_the_ones_that_programs_expect),
		cmocka_unit_test(names_agree_with_libseccomp),
		cmocka_unit_test(the_emulator_refuses_what_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
