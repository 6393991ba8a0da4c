#include <stdbool.h>
#include <string.h>

#include "policy/emulate.h"

struct cpu {
	uint32_t a, x;
	uint32_t mem[BPF_MEMWORDS];
	size_t pc;
};

/* Only aligned words of the structure can be read, as in the kernel. */
static int
load(const struct seccomp_data *d, uint32_t at, uint32_t *out)
{
	if (at % 4 != 0 || at >= sizeof(*d))
		return -1;
	memcpy(out, (const char *)d + at, sizeof(*out));
	return 0;
}

static int
alu(struct cpu *c, const struct sock_filter *i)
{
	uint32_t v = BPF_SRC(i->code) == BPF_X ? c->x : i->k;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
		c->a += v;
		return 0;
	case BPF_SUB:
		c->a -= v;
		return 0;
	case BPF_AND:
		c->a &= v;
		return 0;
	case BPF_OR:
		c->a |= v;
		return 0;
	case BPF_XOR:
		c->a ^= v;
		return 0;
	case BPF_LSH:
		c->a = v < 32 ? c->a << v : 0;
		return 0;
	case BPF_RSH:
		c->a = v < 32 ? c->a >> v : 0;
		return 0;
	default:
		return -1;
	}
}

static int
jump(struct cpu *c, const struct sock_filter *i)
{
	uint32_t v = BPF_SRC(i->code) == BPF_X ? c->x : i->k;
	bool yes;

	switch (BPF_OP(i->code)) {
	case BPF_JA:
		c->pc += i->k;
		return 0;
	case BPF_JEQ:
		yes = c->a == v;
		break;
	case BPF_JGT:
		yes = c->a > v;
		break;
	case BPF_JGE:
		yes = c->a >= v;
		break;
	case BPF_JSET:
		yes = (c->a & v) != 0;
		break;
	default:
		return -1;
	}
	c->pc += yes ? i->jt : i->jf;
	return 0;
}

static int
move(struct cpu *c, const struct sock_filter *i, const struct seccomp_data *d)
{
	switch (i->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return load(d, i->k, &c->a);
	case BPF_LD | BPF_IMM:
		c->a = i->k;
		return 0;
	case BPF_LDX | BPF_IMM:
		c->x = i->k;
		return 0;
	case BPF_MISC | BPF_TAX:
		c->x = c->a;
		return 0;
	case BPF_MISC | BPF_TXA:
		c->a = c->x;
		return 0;
	default:
		break;
	}
	if (i->k >= BPF_MEMWORDS)
		return -1;
	switch (i->code) {
	case BPF_ST:
		c->mem[i->k] = c->a;
		return 0;
	case BPF_STX:
		c->mem[i->k] = c->x;
		return 0;
	case BPF_LD | BPF_MEM:
		c->a = c->mem[i->k];
		return 0;
	case BPF_LDX | BPF_MEM:
		c->x = c->mem[i->k];
		return 0;
	default:
		return -1;
	}
}

static int
step(struct cpu *c, const struct sock_filter *i, const struct seccomp_data *d)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
		return alu(c, i);
	case BPF_JMP:
		return jump(c, i);
	default:
		return move(c, i, d);
	}
}

/*
 * The four instructions that our compiler makes most stand in the loop: a
 * whole filter is run some ten thousand times before it is loaded.
 */
int
emulate_trace(const struct sock_filter *insn, size_t len,
    const struct seccomp_data *d, uint32_t *ret, size_t *end)
{
	struct cpu c = { 0 };
	const struct sock_filter *i;

	/* Jumps only go forward, so this ends. */
	while (c.pc < len) {
		i = &insn[c.pc++];
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (load(d, i->k, &c.a) == -1)
				return -1;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			c.pc += c.a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			c.pc += c.a >= i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			*ret = i->k;
			*end = c.pc - 1;
			return 0;
		case BPF_RET | BPF_A:
			*ret = c.a;
			*end = c.pc - 1;
			return 0;
		default:
			if (BPF_CLASS(i->code) == BPF_RET ||
			    step(&c, i, d) == -1)
				return -1;
			break;
		}
	}
	return -1;
}

int
emulate_run(const struct sock_filter *insn, size_t len,
    const struct seccomp_data *d, uint32_t *ret)
{
	size_t end;

	return emulate_trace(insn, len, d, ret, &end);
}
