#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/control.h"
#include "base/err.h"
#include "base/str.h"
#include "policy/emulate.h"
#include "policy/filter.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

/*
 * x32 calls come with the arch word of x86_64 and this bit in the number; what
 * lies beyond, -1 among it, which a tracer writes to skip a call, is no call
 * of anybody's.
 */
#define X32_BIT 0x40000000U
#define X32_END 0x80000000U

static const struct filter_verdict kill_it = { FILTER_KILL, 0 };

static bool
same(struct filter_verdict a, struct filter_verdict b)
{
	return a.act == b.act && a.sys == b.sys;
}

uint32_t
filter_ret(struct filter_verdict v)
{
	switch ((enum filter_act)v.act) {
	case FILTER_ALLOW:
		return SECCOMP_RET_ALLOW;
	case FILTER_ERRNO:
		return SECCOMP_RET_ERRNO | v.sys;
	case FILTER_KILL:
		break;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

static bool
holds(const struct filter_rule *r, const uint64_t args[6])
{
	for (size_t i = 0; i < r->nconds; i++)
		if (((uint32_t)args[r->cond[i].arg] & r->cond[i].mask) !=
			r->cond[i].value ||
		    (!CONTROL(28) && args[r->cond[i].arg] > UINT32_MAX))
			return false;
	return true;
}

const struct filter_rule *
filter_find_rule(const struct filter_model *m, uint32_t nr,
    const uint64_t args[6])
{
	for (size_t i = m->ruled[nr]; i > 0; i = m->rule[i - 1].next)
		if (holds(&m->rule[i - 1], args))
			return &m->rule[i - 1];
	return NULL;
}

struct filter_verdict
filter_decide(const struct filter_model *m, uint32_t nr, const uint64_t args[6])
{
	const struct filter_rule *r;

	if (SYSCALLS_NATIVE == SYSCALLS_X86_64 && nr >= X32_BIT && nr < X32_END)
		return kill_it;
	if (nr >= SYSCALLS_NR_MAX)
		return m->unknown;
	r = filter_find_rule(m, nr, args);
	return r != NULL ? r->then : m->otherwise[nr];
}

/* A run of numbers that all get the same answer, or one number with rules. */
struct run {
	uint32_t first;
	bool ruled;
	struct filter_verdict v;
};

#define RUNS_MAX (SYSCALLS_NR_MAX + 4)

static size_t
split(const struct filter_model *m, struct run runs[RUNS_MAX])
{
	size_t n = 0;
	struct run r;

	for (uint32_t nr = 0; nr < SYSCALLS_NR_MAX; nr++) {
		r = (struct run){ nr, m->ruled[nr] != 0, m->otherwise[nr] };
		if (n == 0 || r.ruled || runs[n - 1].ruled ||
		    !same(runs[n - 1].v, r.v))
			runs[n++] = r;
	}
	if (runs[n - 1].ruled || !same(runs[n - 1].v, m->unknown))
		runs[n++] = (struct run){ SYSCALLS_NR_MAX, false, m->unknown };
	if (SYSCALLS_NATIVE == SYSCALLS_X86_64) {
		runs[n++] = (struct run){ X32_BIT, false, kill_it };
		runs[n++] = (struct run){ X32_END, false, m->unknown };
	}
	return n;
}

struct compiler {
	const struct filter_model *m;
	const struct run *runs;
	struct filter_program *p;
	bool full;
};

static void
emit(struct compiler *c, uint16_t code, uint32_t k, size_t jt, size_t jf)
{
	struct sock_filter insn = { code, (uint8_t)jt, (uint8_t)jf, k };

	if (c->p->len == FILTER_INSNS_MAX || jt > 255 || jf > 255) {
		c->full = true;
		return;
	}
	c->p->insn[c->p->len++] = insn;
}

#define LOAD (BPF_LD | BPF_W | BPF_ABS)
#define RET (BPF_RET | BPF_K)
#define JEQ (BPF_JMP | BPF_JEQ | BPF_K)
#define JGE (BPF_JMP | BPF_JGE | BPF_K)
#define AND (BPF_ALU | BPF_AND | BPF_K)
#define JA (BPF_JMP | BPF_JA)

static size_t
cond_size(const struct filter_cond *c)
{
	return (c->mask == UINT32_MAX ? 2 : 3) + (CONTROL(28) ? 0 : 2);
}

static size_t
rule_size(const struct filter_rule *r)
{
	size_t n = 1;

	for (size_t i = 0; i < r->nconds; i++)
		n += cond_size(&r->cond[i]);
	return n;
}

/* Little endian: the low half of an argument comes first. */
static uint32_t
arg_offset(uint8_t arg)
{
	return (uint32_t)(offsetof(struct seccomp_data, args) + 8UL * arg);
}

static void
emit_rule(struct compiler *c, const struct filter_rule *r)
{
	size_t left = rule_size(r);
	const struct filter_cond *q;

	for (size_t i = 0; i < r->nconds; i++) {
		q = &r->cond[i];
		left -= cond_size(q);
		if (!CONTROL(28)) {
			emit(c, LOAD, arg_offset(q->arg) + 4, 0, 0);
			emit(c, JEQ, 0, 0,
			    left + (q->mask == UINT32_MAX ? 2 : 3));
		}
		emit(c, LOAD, arg_offset(q->arg), 0, 0);
		if (q->mask != UINT32_MAX)
			emit(c, AND, q->mask, 0, 0);
		emit(c, JEQ, q->value, 0, left);
	}
	emit(c, RET, filter_ret(r->then), 0, 0);
}

static size_t
leaf_size(const struct compiler *c, const struct run *r)
{
	size_t n = 1;

	for (size_t i = r->ruled ? c->m->ruled[r->first] : 0; i > 0;
	     i = c->m->rule[i - 1].next)
		n += rule_size(&c->m->rule[i - 1]);
	return n;
}

static void
emit_leaf(struct compiler *c, const struct run *r)
{
	for (size_t i = r->ruled ? c->m->ruled[r->first] : 0; i > 0;
	     i = c->m->rule[i - 1].next)
		emit_rule(c, &c->m->rule[i - 1]);
	emit(c, RET, filter_ret(r->v), 0, 0);
}

/* The jump over the left half may be longer than a conditional jump reaches. */
static size_t
tree_size(const struct compiler *c, size_t lo, size_t hi)
{
	size_t mid = lo + (hi - lo) / 2, left;

	if (hi - lo == 1)
		return leaf_size(c, &c->runs[lo]);
	left = tree_size(c, lo, mid);
	return (left > 255 ? 2 : 1) + left + tree_size(c, mid, hi);
}

static void
emit_tree(struct compiler *c, size_t lo, size_t hi)
{
	size_t mid = lo + (hi - lo) / 2, left;

	if (hi - lo == 1) {
		emit_leaf(c, &c->runs[lo]);
		return;
	}
	left = tree_size(c, lo, mid);
	if (left > 255) {
		emit(c, JGE, c->runs[mid].first, 0, 1);
		emit(c, JA, (uint32_t)left, 0, 0);
	} else {
		emit(c, JGE, c->runs[mid].first, left, 0);
	}
	emit_tree(c, lo, mid);
	emit_tree(c, mid, hi);
}

int
filter_compile(const struct filter_model *m, struct filter_program *p,
    struct err *e)
{
	struct run runs[RUNS_MAX];
	struct compiler c = { m, runs, p, false };
	size_t n = split(m, runs);

	p->len = 0;
	emit(&c, LOAD, offsetof(struct seccomp_data, arch), 0, 0);
	if (CONTROL(27))
		emit(&c, JEQ, NATIVE_ARCH, 1, 0);
	else
		emit(&c, JA, 1, 0, 0);
	emit(&c, RET, SECCOMP_RET_KILL_PROCESS, 0, 0);
	emit(&c, LOAD, offsetof(struct seccomp_data, nr), 0, 0);
	emit_tree(&c, 0, n);
	if (c.full)
		return err_set(e, ERR_INVALID,
		    "seccomp filter: more than %d instructions",
		    FILTER_INSNS_MAX);
	return 0;
}

static int
differs(uint32_t arch, uint32_t nr, const uint64_t args[6], struct err *e)
{
	const char *name = syscalls_name(SYSCALLS_NATIVE, (int)nr);

	return err_set(e, ERR_INVALID,
	    "seccomp filter: the program and the model differ at call %u (%s), "
	    "arch 0x%x, args 0x%llx 0x%llx 0x%llx",
	    nr, name == NULL ? "unknown" : name, arch,
	    (unsigned long long)args[0], (unsigned long long)args[1],
	    (unsigned long long)args[2]);
}

struct checker {
	const struct filter_model *m;
	const struct filter_program *p;
	struct err *e;
};

static int
check_one(const struct checker *c, uint32_t nr, const uint64_t args[6])
{
	struct seccomp_data d = { .nr = (int)nr, .arch = NATIVE_ARCH };
	uint32_t want = filter_ret(filter_decide(c->m, nr, args)), got;

	for (size_t i = 0; i < 6; i++)
		d.args[i] = args[i];
	if (emulate_run(c->p->insn, c->p->len, &d, &got) == -1 || got != want)
		return differs(d.arch, nr, args, c->e);
	return 0;
}

/* Values around the edge of one condition, upper half clear and set. */
static size_t
edges(const struct filter_cond *q, uint64_t out[80])
{
	size_t n = 0;

	out[n++] = q->value;
	out[n++] = q->value | ~(uint64_t)q->mask;
	out[n++] = q->value - 1U;
	out[n++] = q->value + 1U;
	out[n++] = 0;
	out[n++] = UINT64_MAX;
	out[n++] = q->value | UINT64_C(0xffffffff00000000);
	out[n++] = q->value | UINT64_C(0x0000000100000000);
	/* The upper half is the same to every rule: four of its bits do. */
	for (int bit = 0; bit < 32; bit++)
		out[n++] = q->value ^ UINT64_C(1) << bit;
	for (int bit = 32; bit < 64; bit += 9)
		out[n++] = q->value ^ UINT64_C(1) << bit;
	return n;
}

/* Every edge of one condition, with the rule's other ones kept true. */
static int
check_cond(const struct checker *c, const struct filter_rule *r, size_t i)
{
	uint64_t args[6] = { 0 }, values[80];
	size_t n = edges(&r->cond[i], values);

	for (size_t k = 0; k < r->nconds; k++)
		args[r->cond[k].arg] = r->cond[k].value;
	for (size_t k = 0; k < n; k++) {
		args[r->cond[i].arg] = values[k];
		if (check_one(c, r->nr, args) == -1)
			return -1;
	}
	return 0;
}

static int
check_foreign(const struct checker *c)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64,
		AUDIT_ARCH_I386, AUDIT_ARCH_ARM, 0, UINT32_MAX };
	struct seccomp_data d = { 0 };
	uint32_t got;

	for (size_t i = 0; i < nitems(archs); i++) {
		if (archs[i] == NATIVE_ARCH)
			continue;
		for (int nr = 0; nr < 1024; nr++) {
			d.arch = archs[i];
			d.nr = nr;
			if (emulate_run(c->p->insn, c->p->len, &d, &got) ==
				-1 ||
			    got != SECCOMP_RET_KILL_PROCESS)
				return differs(d.arch, (uint32_t)nr,
				    (const uint64_t[6]){ 0 }, c->e);
		}
	}
	return 0;
}

int
filter_check(const struct filter_model *m, const struct filter_program *p,
    struct err *e)
{
	static const uint32_t odd[] = { 0x3fffffff, 0x7fffffff, 0x80000000,
		0xfffffffe, 0xffffffff };
	static const uint64_t none[6];
	struct checker c = { m, p, e };

	if (!CONTROL(34))
		return 0;
	for (uint32_t nr = 0; nr < 1024; nr++)
		if (check_one(&c, nr, none) == -1 ||
		    check_one(&c, nr | X32_BIT, none) == -1)
			return -1;
	for (size_t i = 0; i < nitems(odd); i++)
		if (check_one(&c, odd[i], none) == -1)
			return -1;
	for (size_t i = 0; i < m->nrules; i++)
		for (size_t k = 0; k < m->rule[i].nconds; k++)
			if (check_cond(&c, &m->rule[i], k) == -1)
				return -1;
	return CONTROL(27) ? check_foreign(&c) : 0;
}
