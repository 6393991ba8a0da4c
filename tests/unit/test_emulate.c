#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "base/err.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/emulate.h"
#include "policy/explain.h"
#include "policy/groups.h"
#include "tests/unit/unit.h"

#define S(code, k) BPF_STMT(code, k)
#define J(code, k, t, f) BPF_JUMP(code, k, t, f)
#define ANSWER S(BPF_RET | BPF_A, 0)

static const struct seccomp_data call = { .nr = 6,
	.arch = AUDIT_ARCH_X86_64,
	.args = { 0x1122334455667788, 3 } };

static uint32_t
run(const struct sock_filter *insn, size_t len)
{
	uint32_t ret;

	assert_int_equal(emulate_run(insn, len, &call, &ret), 0);
	return ret;
}

#define RUN(...)                                            \
	run((const struct sock_filter[]){ __VA_ARGS__ },    \
	    sizeof((struct sock_filter[]){ __VA_ARGS__ }) / \
		sizeof(struct sock_filter))

#define NR S(BPF_LD | BPF_W | BPF_ABS, 0)

static void
arithmetic_is_the_kernels(void **state)
{
	(void)state;
	assert_int_equal(RUN(NR, S(BPF_ALU | BPF_ADD | BPF_K, 4), ANSWER), 10);
	assert_int_equal(RUN(NR, S(BPF_ALU | BPF_SUB | BPF_K, 7), ANSWER),
	    UINT32_MAX);
	assert_int_equal(RUN(NR, S(BPF_ALU | BPF_AND | BPF_K, 3), ANSWER), 2);
	assert_int_equal(RUN(NR, S(BPF_ALU | BPF_OR | BPF_K, 9), ANSWER), 15);
	assert_int_equal(RUN(NR, S(BPF_ALU | BPF_XOR | BPF_K, 7), ANSWER), 1);
	assert_int_equal(RUN(NR, S(BPF_ALU | BPF_LSH | BPF_K, 4), ANSWER), 96);
	assert_int_equal(RUN(NR, S(BPF_ALU | BPF_RSH | BPF_K, 1), ANSWER), 3);
	assert_int_equal(RUN(NR, S(BPF_LDX | BPF_IMM, 5),
			     S(BPF_ALU | BPF_ADD | BPF_X, 0), ANSWER),
	    11);
}

static void
memory_and_registers_hold_what_was_put(void **state)
{
	(void)state;
	assert_int_equal(RUN(NR, S(BPF_ST, 3), S(BPF_LD | BPF_IMM, 0),
			     S(BPF_LD | BPF_MEM, 3), ANSWER),
	    6);
	assert_int_equal(RUN(NR, S(BPF_MISC | BPF_TAX, 0),
			     S(BPF_LD | BPF_IMM, 0), S(BPF_STX, 1),
			     S(BPF_LDX | BPF_MEM, 1), S(BPF_MISC | BPF_TXA, 0),
			     ANSWER),
	    6);
	assert_int_equal(RUN(S(BPF_LD | BPF_W | BPF_ABS, 16), ANSWER),
	    0x55667788);
	assert_int_equal(RUN(S(BPF_LD | BPF_W | BPF_ABS, 20), ANSWER),
	    0x11223344);
}

static void
jumps_go_where_they_say(void **state)
{
	(void)state;
	assert_int_equal(RUN(NR, J(BPF_JMP | BPF_JGT | BPF_K, 5, 0, 1),
			     S(BPF_RET, 1), S(BPF_RET, 2)),
	    1);
	assert_int_equal(RUN(NR, J(BPF_JMP | BPF_JGT | BPF_K, 6, 0, 1),
			     S(BPF_RET, 1), S(BPF_RET, 2)),
	    2);
	assert_int_equal(RUN(NR, J(BPF_JMP | BPF_JSET | BPF_K, 4, 0, 1),
			     S(BPF_RET, 1), S(BPF_RET, 2)),
	    1);
	assert_int_equal(RUN(NR, S(BPF_LDX | BPF_IMM, 6),
			     J(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
			     S(BPF_RET, 1), S(BPF_RET, 2)),
	    1);
	assert_int_equal(RUN(NR, S(BPF_LDX | BPF_IMM, 7),
			     J(BPF_JMP | BPF_JGE | BPF_X, 0, 0, 1),
			     S(BPF_RET, 1), S(BPF_RET, 2)),
	    2);
	assert_int_equal(
	    RUN(S(BPF_JMP | BPF_JA, 1), S(BPF_RET, 1), S(BPF_RET, 2)), 2);
}

static void
what_the_kernel_would_refuse_is_an_error(void **state)
{
	static const struct sock_filter bad[] = { S(BPF_ALU | BPF_MUL | BPF_K,
						      2),
		S(BPF_ALU | BPF_DIV | BPF_K, 2), S(BPF_LD | BPF_MEM, 16),
		S(BPF_ST, 99), S(BPF_LD | BPF_W | BPF_IND, 0),
		S(BPF_LD | BPF_W | BPF_ABS, 64), S(BPF_RET | BPF_X, 0),
		J(BPF_JMP | 0xf0, 0, 0, 0) };
	uint32_t ret;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(emulate_run(&bad[i], 1, &call, &ret), -1);
}

static void
explain_says_what_the_filter_does(void **state)
{
	struct decision d = { .tier = GRANT_STRICT,
		.grant = *grant_of_tier(GRANT_STRICT) };
	const struct value *calls, *one;
	struct ceiling c;
	struct value *v;
	struct err e;

	(void)state;
	ceiling_default(&c);
	v = explain_document(&d, &c, &e);
	assert_non_null(v);
	assert_string_equal(value_get_text(v, "tier"), "strict");
	assert_int_equal(strlen(value_get_text(v, "digest")), 64);
	calls = value_get(value_get(v, "seccomp"), "calls");
	assert_true(calls->len > 350);
	one = value_get(calls, "read");
	assert_string_equal(value_get_text(one, "verdict"), "allow");
	one = value_get(calls, "mount");
	assert_string_equal(value_get_text(one, "verdict"), "errno:EPERM");
	one = value_get(calls, "reboot");
	assert_string_equal(value_get_text(one, "verdict"), "kill");
	one = value_get(calls, "mmap");
	assert_string_equal(value_get(one, "rules")->item[0]->text,
	    "arg2 & 0x6 == 0x6: errno:EPERM");
	one = value_get(calls, "socketpair");
	assert_string_equal(value_get(one, "rules")->item[0]->text,
	    "arg0 == 0x1 and arg1 & 0xf == 0x1: allow");
	value_free(v);
	v = explain_groups();
	assert_int_equal(v->len, GROUPS_COUNT);
	assert_string_equal(value_get(v, "splice")->item[1]->text, "tee");
	value_free(v);
	assert_string_equal(explain_errno(EPERM), "EPERM");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic_is_the_kernels),
		cmocka_unit_test(memory_and_registers_hold_what_was_put),
		cmocka_unit_test(jumps_go_where_they_say),
		cmocka_unit_test(what_the_kernel_would_refuse_is_an_error),
		cmocka_unit_test(explain_says_what_the_filter_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
