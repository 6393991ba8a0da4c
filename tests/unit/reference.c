#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "tests/unit/reference.h"

uint32_t
reference_action(struct filter_verdict v)
{
	switch ((enum filter_act)v.act) {
	case FILTER_ALLOW:
		return SCMP_ACT_ALLOW;
	case FILTER_ERRNO:
		return SCMP_ACT_ERRNO(v.sys);
	case FILTER_KILL:
		break;
	}
	return SCMP_ACT_KILL_PROCESS;
}

/* Releases ctx. */
static size_t
export_program(scmp_filter_ctx ctx, struct sock_filter *insn, size_t max)
{
	fd_auto int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t n;

	invariant(fd != -1 && seccomp_export_bpf(ctx, fd) == 0);
	seccomp_release(ctx);
	n = pread(fd, insn, max * sizeof(*insn), 0);
	invariant(n > 0);
	return (size_t)n / sizeof(*insn);
}

size_t
reference_build(const struct filter_model *m, struct sock_filter *insn,
    size_t max)
{
	scmp_filter_ctx ctx = seccomp_init(reference_action(m->unknown));
	struct filter_verdict v;

	invariant(ctx != NULL);
	invariant(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
		      SCMP_ACT_KILL_PROCESS) == 0);
	for (int nr = 0; nr < SYSCALLS_NR_MAX; nr++) {
		v = m->otherwise[nr];
		if (m->ruled[nr] ||
		    (v.act == m->unknown.act && v.sys == m->unknown.sys))
			continue;
		invariant(seccomp_rule_add_exact_array(ctx, reference_action(v),
			      nr, 0, NULL) == 0);
	}
	return export_program(ctx, insn, max);
}

size_t
reference_build_rule(const struct filter_rule *r, struct sock_filter *insn,
    size_t max)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	struct scmp_arg_cmp cmp[FILTER_CONDS_MAX];

	invariant(ctx != NULL);
	for (size_t k = 0; k < r->nconds; k++)
		cmp[k] = SCMP_CMP64(r->cond[k].arg, SCMP_CMP_MASKED_EQ,
		    r->cond[k].mask, r->cond[k].value);
	invariant(seccomp_rule_add_exact_array(ctx, reference_action(r->then),
		      r->nr, r->nconds, cmp) == 0);
	return export_program(ctx, insn, max);
}
