#include <string.h>

#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/start_block.h"
#include "policy/filter.h"
#include "policy/grant.h"
#include "policy/groups.h"
#include "sandbox/landlock.h"
#include "sandbox/launch_filter.h"

/* The oldest makes room. */
#define PROGRAMS_MAX 8

static struct program {
	bool used, wx;
	uint64_t groups;
	struct filter_program p;
	int block[2]; /* what init reads, by whether it has a channel; or -1 */
} programs[PROGRAMS_MAX];

static struct program *
find_program(uint64_t groups, bool wx, struct err *e)
{
	static struct filter_model model;
	static size_t oldest;
	struct program *to;

	for (size_t i = 0; i < PROGRAMS_MAX; i++)
		if (programs[i].used && programs[i].groups == groups &&
		    programs[i].wx == wx)
			return &programs[i];
	to = &programs[oldest++ % PROGRAMS_MAX];
	if (to->used) {
		fd_close(&to->block[0]);
		fd_close(&to->block[1]);
	}
	to->used = false;
	if (groups_model(groups, !wx, &model, e) == -1 ||
	    filter_compile(&model, &to->p, e) == -1 ||
	    filter_check(&model, &to->p, e) == -1)
		return NULL;
	to->groups = groups;
	to->wx = wx;
	to->block[0] = to->block[1] = -1;
	to->used = true;
	return to;
}

void
launch_filter_prepare(const struct grant *g)
{
	struct err ignored; /* whoever needs it is told */

	(void)find_program(g->groups, g->wx, &ignored);
}

int
launch_filter_block(uint64_t groups, bool wx, bool channel, int abi,
    uint32_t *len, struct err *e)
{
	static struct {
		struct start_filter head;
		struct sock_filter insn[FILTER_INSNS_MAX];
	} block;
	struct program *p = find_program(groups, wx, e);
	int *fd;

	if (p == NULL)
		return -1;
	*len = (uint32_t)p->p.len;
	fd = &p->block[channel];
	if (*fd != -1)
		return *fd;
	block.head = (struct start_filter){ .magic = START_MAGIC,
		.len = (uint32_t)p->p.len,
		.landlock_flags =
		    abi > 0 && CONTROL(35) ? landlock_flags(abi) : UINT32_MAX,
		.channel = channel | START_LEFT_OUT };
	memcpy(block.insn, p->p.insn, p->p.len * sizeof(p->p.insn[0]));
	*fd = fd_sealed("filter", &block,
	    sizeof(block.head) + p->p.len * sizeof(p->p.insn[0]), e);
	return *fd;
}
