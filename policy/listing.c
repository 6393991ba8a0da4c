#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "policy/emulate.h"
#include "policy/filter.h"
#include "policy/listing.h"

#define NAMES_MAX 8 /* of calls, behind a return */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* What was loaded last on the way here: jumps only go forward, and both ways
 * into an instruction come from the same load in what we compile. */
enum loaded { OTHER, NUMBER, ARCHITECTURE };

/* ---- names ---- */

static void
put_field(struct buf *b, uint32_t at)
{
	const size_t args = offsetof(struct seccomp_data, args);

	if (at == offsetof(struct seccomp_data, nr))
		buf_add_str(b, "number");
	else if (at == offsetof(struct seccomp_data, arch))
		buf_add_str(b, "architecture");
	else if (at >= args && at < sizeof(struct seccomp_data))
		buf_printf(b, "arg%zu.%s", (at - args) / 8,
		    (at - args) % 8 == 0 ? "low" : "high");
	else
		buf_printf(b, "[%u]", at);
}

static void
put_value(struct buf *b, uint32_t k, enum loaded what)
{
	const char *name = NULL;

	if (what == NUMBER && k < SYSCALLS_NR_MAX)
		name = syscalls_name(SYSCALLS_NATIVE, (int)k);
	if (what == ARCHITECTURE && k == ARCH)
		name = "native";
	buf_printf(b, "0x%x", k);
	if (name != NULL)
		buf_printf(b, " (%s)", name);
}

static void
put_answer(struct buf *b, uint32_t ret)
{
	const uint32_t action = ret & SECCOMP_RET_ACTION_FULL;
	const char *name = strerrorname_np((int)(ret & SECCOMP_RET_DATA));

	if (action == SECCOMP_RET_ALLOW)
		buf_add_str(b, "allow");
	else if (action == SECCOMP_RET_ERRNO && name != NULL)
		buf_add_str(b, name);
	else if (action == SECCOMP_RET_KILL_PROCESS)
		buf_add_str(b, "kill");
	else
		buf_printf(b, "0x%x", ret);
}

/* ---- who ends where ---- */

/* The names of calls that end at that return, arguments 0. */
static void
put_enders(struct buf *b, const struct sock_filter *insn, size_t len, size_t at)
{
	struct seccomp_data d = { .arch = ARCH };
	unsigned n = 0;
	const char *name;
	size_t end;
	uint32_t ret;

	for (d.nr = 0; d.nr < SYSCALLS_NR_MAX; d.nr++) {
		name = syscalls_name(SYSCALLS_NATIVE, d.nr);
		if (name == NULL ||
		    emulate_trace(insn, len, &d, &ret, &end) == -1 || end != at)
			continue;
		if (n < NAMES_MAX)
			buf_printf(b, "%s%s", n == 0 ? "  ; " : " ", name);
		n++;
	}
	if (n > NAMES_MAX)
		buf_printf(b, " and %u more", n - NAMES_MAX);
}

/* ---- instructions ---- */

static void
put_jump(struct buf *b, const struct sock_filter *i, size_t at,
    enum loaded what)
{
	const char *op = BPF_OP(i->code) == BPF_JEQ ? "=="
	    : BPF_OP(i->code) == BPF_JGT            ? ">"
	    : BPF_OP(i->code) == BPF_JGE            ? ">="
						    : "&";

	if (BPF_OP(i->code) == BPF_JA) {
		buf_printf(b, "go to %zu", at + 1 + i->k);
		return;
	}
	buf_printf(b, "if A %s ", op);
	put_value(b, i->k, what);
	buf_printf(b, " go to %zu, else %zu", at + 1 + i->jt, at + 1 + i->jf);
}

static void
put_instruction(struct buf *b, const struct sock_filter *i, size_t at,
    enum loaded *what)
{
	if (i->code == (BPF_LD | BPF_W | BPF_ABS)) {
		buf_add_str(b, "A = ");
		put_field(b, i->k);
		*what = i->k == offsetof(struct seccomp_data, nr) ? NUMBER
		    : i->k == offsetof(struct seccomp_data, arch) ? ARCHITECTURE
								  : OTHER;
	} else if (i->code == (BPF_ALU | BPF_AND | BPF_K)) {
		buf_printf(b, "A = A & 0x%x", i->k);
		*what = OTHER;
	} else if (BPF_CLASS(i->code) == BPF_JMP && BPF_SRC(i->code) == BPF_K &&
	    BPF_OP(i->code) <= BPF_JSET) {
		put_jump(b, i, at, *what);
	} else if (i->code == (BPF_RET | BPF_K)) {
		buf_add_str(b, "return ");
		put_answer(b, i->k);
	} else {
		buf_printf(b, "0x%x %u %u 0x%x", i->code, i->jt, i->jf, i->k);
	}
}

void
listing(const struct sock_filter *insn, size_t len, struct buf *b)
{
	enum loaded what = OTHER;

	for (size_t i = 0; i < len; i++) {
		buf_printf(b, "%4zu  ", i);
		put_instruction(b, &insn[i], i, &what);
		if (insn[i].code == (BPF_RET | BPF_K))
			put_enders(b, insn, len, i);
		buf_add_char(b, '\n');
	}
}
