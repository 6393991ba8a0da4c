#include "base/err.h"
#include "base/fd.h"
#include "messages/aleph.h"
#include "runtime/core.h"
#include "runtime/core_run_parts.h"
#include "runtime/pipes.h"

/* ---- what a machine writes beside its work ---- */

static void
wrote_too_much(void *arg)
{
	struct core_run *r = arg;

	if (r->machine.serial != 0)
		core_launcher_kill(&r->core->launcher, r->machine.serial,
		    LAUNCH_CAUSE_OUTPUT);
}

static void
stream_over(void *arg)
{
	core_run_end_finish(arg);
}

static void
heard_out(void *arg, const char *data, size_t len)
{
	struct core_run *r = arg;

	core_logs_take(&r->core->logs, &r->out_log, data, len);
}

static void
heard_err(void *arg, const char *data, size_t len)
{
	struct core_run *r = arg;

	core_logs_take(&r->core->logs, &r->err_log, data, len);
}

/* fd is taken over. */
static int
start_drain(struct core_run *r, struct core_drain *d, int fd,
    enum grant_limit limit, struct err *e)
{
	static const struct core_drain_fns out = { heard_out, wrote_too_much,
		stream_over };
	static const struct core_drain_fns err = { heard_err, wrote_too_much,
		stream_over };
	bool is_out = limit == GRANT_STDOUT;
	struct core_logs_stream *s = is_out ? &r->out_log : &r->err_log;

	s->name = is_out ? "stdout" : "stderr";
	s->hash = r->hash;
	s->run = r->id;
	/* A server that lives on has always more to say: its end is kept. */
	return core_drain_start(d, r->core->loop, fd,
	    r->warm != NULL ? UINT64_MAX
			    : r->assembly->machine.grant.limit[limit],
	    is_out ? &out : &err, r, e);
}

/* ---- the ends ---- */

int
core_run_ends_make(struct core_run *r, struct pipes_ends *t, struct err *e)
{
	enum aleph_interface kind = r->assembly->facts.interface;
	int out = -1, err = -1;

	if (kind == ALEPH_EXEC) {
		if (pipes_make(&t->in, &r->to, false, e) == -1 ||
		    pipes_make(&r->from, &t->out, true, e) == -1)
			return -1;
	} else {
		t->in = pipes_nothing(e);
		if (t->in == -1 || pipes_make(&out, &t->out, true, e) == -1 ||
		    start_drain(r, &r->out, out, GRANT_STDOUT, e) == -1)
			return -1;
	}
	if (pipes_make(&err, &t->err, true, e) == -1 ||
	    start_drain(r, &r->err, err, GRANT_STDERR, e) == -1)
		return -1;
	if (r->assembly->machine.channel &&
	    (pipes_make(&t->channel_in, &r->to, false, e) == -1 ||
		pipes_make(&r->from, &t->channel_out, true, e) == -1))
		return -1;
	return 0;
}
