/*
 * Any set of groups compiles to what its model says, and libseccomp's filter
 * for the calls without rules says the same.
 */
#include <linux/audit.h>
#include <string.h>

#include "base/err.h"
#include "policy/emulate.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/reference.h"

static void
compare(const struct filter_model *m, const struct filter_program *p)
{
	static struct sock_filter insn[4096];
	size_t len = reference_build(m, insn, 4096);
	uint32_t ours, theirs;

	for (uint32_t nr = 0; nr < 1024; nr++) {
		struct seccomp_data d = { .nr = (int)nr,
			.arch = AUDIT_ARCH_X86_64 };

		if (nr < SYSCALLS_NR_MAX && m->ruled[nr])
			continue;
		invariant(emulate_run(p->insn, p->len, &d, &ours) == 0);
		invariant(emulate_run(insn, len, &d, &theirs) == 0);
		invariant(ours == theirs);
	}
}

/* Any bytes as a program: it ends, and reads nothing that is not its own. */
static void
run_anything(const uint8_t *data, size_t size)
{
	static struct sock_filter insn[FILTER_INSNS_MAX];
	size_t len = size / sizeof(insn[0]);
	struct seccomp_data d = { .nr = (int)size };
	uint32_t ret;

	len = len < FILTER_INSNS_MAX ? len : FILTER_INSNS_MAX;
	memcpy(insn, data, len * sizeof(insn[0]));
	(void)emulate_run(insn, len, &d, &ret);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct filter_model m;
	static struct filter_program p;
	uint64_t set = 0;
	struct err e;

	run_anything(data, size);
	/* A whole check takes a while: programs of strangers need none. */
	if (size > 16)
		return 0;
	memcpy(&set, data, size < 8 ? size : 8);
	invariant(groups_model(set & GROUPS_ALL, size > 8 && data[8] & 1, &m,
		      &e) == 0);
	invariant(filter_compile(&m, &p, &e) == 0);
	invariant(filter_check(&m, &p, &e) == 0);
	compare(&m, &p);
	return 0;
}
