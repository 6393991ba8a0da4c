#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/frame.h"
#include "runtime/core.h"
#include "runtime/core_drain.h"
#include "runtime/core_run.h"
#include "runtime/core_session_machine.h"
#include "runtime/launcher_link.h"
#include "runtime/pipes.h"

#define PIECE ((size_t)64 << 10)
/* What was replaced is there as long as the machine holds a file of it. */
#define REPLACEMENTS_MAX 1000

struct core_session_machine {
	struct core_session_machine *next;
	struct core_session_machine_want want;
	struct core *core;
	char hash[ITEM_HASH_MAX], run[CORE_RUN_ID]; /* for logs */
	struct err why;                             /* it did not start */
	struct loop_timer late;
	struct machine machine; /* the assembly's, for as long as it may live */
	struct core_machine launched;
	uint32_t serial; /* launched's, which forgets it at the end */
	bool created, left, killed, over;
	struct launch_created facts;
	int to, from, meter, layer;
	struct loop_watch writes, reads;
	struct channel_reader reader;
	struct buf out; /* from out.at on */
	struct core_drain drain[2];
	struct core_logs_stream log[2];
	uint64_t cycles; /* as read last */
	uint64_t began_ns;
	unsigned replacements;
	bool asked; /* for another state: an answer comes */
	void (*replaced)(void *arg, const struct err *);
};

/* ---- the end ---- */

static void
close_channel(struct core_session_machine *m)
{
	loop_remove(m->core->loop, &m->writes);
	loop_remove(m->core->loop, &m->reads);
	fd_close(&m->to);
	fd_close(&m->from);
}

static void
free_machine(struct core_session_machine *m)
{
	struct core_session_machine **at = &m->core->session_machines;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	loop_timer_stop(m->core->loop, &m->late);
	close_channel(m);
	core_launcher_unfollow(&m->core->launcher, &m->launched);
	for (int i = 0; i < 2; i++)
		core_drain_close(&m->drain[i]);
	fd_close(&m->meter);
	fd_close(&m->layer);
	channel_reader_fini(&m->reader);
	buf_fini(&m->out);
	core_program_give_back(m->want.assembly);
	free(m);
}

/* What it wrote is read to its end, whoever still waits for it. */
static void
free_if_over(struct core_session_machine *m)
{
	if (m->over && m->left && !m->asked && m->drain[0].fd == -1 &&
	    m->drain[1].fd == -1)
		free_machine(m);
}

static void hear_rest(struct core_session_machine *m);

static void
ended(void *arg, const struct launch_exited *x)
{
	struct core_session_machine *m = arg;

	m->launched.serial = 0;
	(void)core_session_machine_cycles(m);
	fd_close(&m->meter); /* the cgroup is somebody else's now */
	/* It may have said why, and ended at once. */
	hear_rest(m);
	m->over = true;
	close_channel(m);
	if (!m->left)
		m->want.fns->ended(m->want.arg, x);
	else
		free_if_over(m);
}

void
core_session_machine_kill(struct core_session_machine *m)
{
	m->killed = true;
	close_channel(m);
	if (m->created && m->launched.serial != 0)
		core_launcher_kill(&m->core->launcher, m->launched.serial,
		    LAUNCH_CAUSE_STOP);
}

void
core_session_machine_leave(struct core_session_machine *m)
{
	m->left = true;
	loop_timer_stop(m->core->loop, &m->late);
	if (!m->over)
		core_session_machine_kill(m);
	free_if_over(m);
}

void
core_session_machine_fini(struct core *c)
{
	while (c->session_machines != NULL)
		free_machine(c->session_machines);
}

/* ---- what it writes beside its work ---- */

static void
take_log(struct core_session_machine *m, int i, const char *data, size_t len)
{
	core_logs_take(&m->core->logs, &m->log[i], data, len);
}

static void
heard_out(void *arg, const char *data, size_t len)
{
	take_log(arg, 0, data, len);
}

static void
heard_err(void *arg, const char *data, size_t len)
{
	take_log(arg, 1, data, len);
}

static void
too_much(void *arg)
{
	(void)arg; /* it is counted, and left out: it lives on */
}

static void
drained(void *arg)
{
	free_if_over(arg);
}

static int
start_drains(struct core_session_machine *m, int out, int err, struct err *e)
{
	static const struct core_drain_fns fns[2] = {
		{ heard_out, too_much, drained },
		{ heard_err, too_much, drained },
	};
	static const char *const names[2] = { "stdout", "stderr" };
	int fds[2] = { out, err };

	for (int i = 0; i < 2; i++) {
		m->log[i].name = names[i];
		m->log[i].hash = m->hash;
		m->log[i].run = m->run;
		if (core_drain_start(&m->drain[i], m->core->loop, fds[i],
			UINT64_MAX, &fns[i], m, e) == -1) {
			if (i == 0)
				fd_close(&err);
			return -1;
		}
	}
	return 0;
}

/* ---- its channel ---- */

static void
tell_failed(void *arg)
{
	struct core_session_machine *m = arg;

	m->want.fns->failed(m->want.arg, &m->why);
}

/* Told when nobody is at work with it any more. */
static void
fail(struct core_session_machine *m, const struct err *why)
{
	m->why = *why;
	core_session_machine_kill(m);
	if (!m->left)
		loop_timer_set(m->core->loop, &m->late, 0, tell_failed, m);
}

static void
send_some(void *arg, uint32_t events)
{
	struct core_session_machine *m = arg;
	ssize_t n = 1;

	(void)events;
	while (m->out.at < m->out.len && n > 0) {
		n = write(m->to, m->out.data + m->out.at,
		    m->out.len - m->out.at);
		if (n > 0)
			m->out.at += (size_t)n;
	}
	/* Whoever does not read any more is about to end. */
	if (m->out.at == m->out.len || (n == -1 && errno != EAGAIN))
		buf_reset(&m->out);
	loop_set(m->core->loop, &m->writes, m->out.len > 0 ? EPOLLOUT : 0U);
}

void
core_session_machine_say(struct core_session_machine *m, uint32_t kind,
    const void *head, size_t nhead, const void *payload, size_t len)
{
	if (m->to == -1)
		return;
	/* Who puts out and does not read what becomes of it: one at a time is
	 * what he may. */
	if (kind == CHANNEL_DONE &&
	    m->out.len - m->out.at > m->want.backlog + PIECE) {
		core_session_machine_kill(m);
		return;
	}
	buf_put_u32(&m->out, (uint32_t)(nhead + len));
	buf_put_u32(&m->out, kind);
	buf_add(&m->out, head, nhead);
	buf_add(&m->out, payload, len);
	send_some(m, 0);
}

/* A frame at a time: what it leads to may be the machine's end. */
static void
hear_frames(struct core_session_machine *m)
{
	struct channel_frame f;
	struct err e;
	int r;

	while (!m->killed && (r = channel_next(&m->reader, &f, &e)) != 0) {
		if (r == -1) { /* its own fault, and its end */
			core_logs_say(&m->core->logs, m->hash, m->run, e.text);
			core_session_machine_kill(m);
			return;
		}
		m->want.fns->heard(m->want.arg, &f);
	}
}

static void
hear(void *arg, uint32_t events)
{
	struct core_session_machine *m = arg;
	static char data[PIECE];
	ssize_t n = read(m->from, data, sizeof(data));

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* It closed the channel; its end is told, if that comes. */
		loop_remove(m->core->loop, &m->reads);
		return;
	}
	channel_feed(&m->reader, data, (size_t)n);
	hear_frames(m);
}

/* All that wrote to it are dead. */
static void
hear_rest(struct core_session_machine *m)
{
	static char data[PIECE];
	ssize_t n;

	while (!m->killed && m->from != -1 &&
	    (n = read(m->from, data, sizeof(data))) > 0) {
		channel_feed(&m->reader, data, (size_t)n);
		hear_frames(m);
	}
}

/* ---- the start ---- */

static int
make_ends(struct core_session_machine *m, struct pipes_ends *t, struct err *e)
{
	int out = -1, err = -1;

	t->in = pipes_nothing(e);
	if (t->in == -1 || pipes_make(&out, &t->out, true, e) == -1)
		return -1;
	if (pipes_make(&err, &t->err, true, e) == -1) {
		fd_close(&out);
		return -1;
	}
	if (start_drains(m, out, err, e) == -1)
		return -1;
	return pipes_make(&t->channel_in, &m->to, false, e) == -1 ||
		pipes_make(&m->from, &t->channel_out, true, e) == -1
	    ? -1
	    : 0;
}

static void
created(void *arg, struct frame *f, const struct err *why)
{
	struct core_session_machine *m = arg;
	struct launcher_link_given given;
	struct err e;

	if (f == NULL) {
		core_launcher_unfollow(&m->core->launcher, &m->launched);
		m->over = true;
		fail(m, why);
		free_if_over(m);
		return;
	}
	m->created = true;
	m->began_ns = clock_mono_ns();
	launch_msgs_get_created(&f->body, &m->facts);
	if (!buf_ok(&f->body) ||
	    !launcher_link_take_given(f, &m->machine, &given)) {
		err_set(&e, ERR_SYSTEM, "launcher: malformed frame");
		fail(m, &e);
		return;
	}
	fd_close(&given.resolver);
	m->meter = given.meter;
	m->layer = given.upper;
	if (m->killed)
		core_session_machine_kill(m);
}

static size_t
list_fds(const struct core_session_machine *m, const struct pipes_ends *t,
    int fds[FRAME_FDS_MAX])
{
	int source[MACHINE_MOUNTS_MAX];
	size_t state = machine_find_state(&m->machine);

	memcpy(source, m->want.assembly->source, sizeof(source));
	if (state > 0)
		source[state] = m->want.tree;
	return pipes_list(t, m->want.assembly->args, &m->machine, source, fds);
}

static int
launch(struct core_session_machine *m, struct err *e)
{
	struct core_launcher *l = &m->core->launcher;
	struct pipes_ends t = PIPES_NO_ENDS;
	buf_auto struct buf b = { 0 };
	int fds[FRAME_FDS_MAX];
	int r = make_ends(m, &t, e);

	if (r == 0 &&
	    (loop_add(m->core->loop, &m->reads, m->from, EPOLLIN, hear, m, e) ==
		    -1 ||
		loop_add(m->core->loop, &m->writes, m->to, 0, send_some, m,
		    e) == -1))
		r = -1;
	if (r == 0) {
		buf_put_u32(&b, m->want.assembly->tenant->number);
		machine_put(&b, &m->machine);
		m->serial = core_launcher_next_serial(l);
		core_launcher_follow(l, &m->launched, m->serial, ended, m);
		core_launcher_ask(l, LAUNCH_CREATE, m->serial, &b, fds,
		    list_fds(m, &t, fds), created, m);
	}
	pipes_close_ends(&t);
	return r;
}

/* What waits for its next input waits for as long as the policy allows. */
static void
describe(struct core_session_machine *m)
{
	const uint64_t *most = m->core->ceiling.grant.limit;

	m->machine = m->want.assembly->machine;
	m->machine.resolver = false;
	m->machine.grant.limit[GRANT_WALL] = most[GRANT_WALL];
	m->machine.grant.limit[GRANT_CPU_TIME] = most[GRANT_CPU_TIME];
}

struct core_session_machine *
core_session_machine_start(const struct core_session_machine_want *w)
{
	struct core_session_machine *m = calloc(1, sizeof(*m));
	struct err e;

	invariant(m != NULL);
	*m = (struct core_session_machine){ .want = *w,
		.core = w->core,
		.next = w->core->session_machines,
		.to = -1,
		.from = -1,
		.meter = -1,
		.layer = -1,
		.writes = LOOP_WATCH_NONE,
		.reads = LOOP_WATCH_NONE,
		.drain = { CORE_DRAIN_CLOSED, CORE_DRAIN_CLOSED },
		.reader.max = w->max };
	w->core->session_machines = m;
	w->assembly->users++;
	invariant(str_copy(m->hash, sizeof(m->hash), w->hash) &&
	    str_copy(m->run, sizeof(m->run), w->run));
	describe(m);
	if (launch(m, &e) == -1) {
		m->over = true;
		fail(m, &e);
	}
	return m;
}

/* ---- what it used ---- */

const struct launch_created *
core_session_machine_created(const struct core_session_machine *m)
{
	return &m->facts;
}

/* A number (cgroup v1), or lines of which one begins with that word (v2). */
static uint64_t
parse_usage(const char *text)
{
	static const char word[] = "usage_usec ";
	const char *p = strstr(text, word);

	return p == NULL ? strtoull(text, NULL, 10)
			 : 1000 * strtoull(p + sizeof(word) - 1, NULL, 10);
}

uint64_t
core_session_machine_cycles(struct core_session_machine *m)
{
	char text[512];
	ssize_t n =
	    m->meter == -1 ? 0 : pread(m->meter, text, sizeof(text) - 1, 0);

	if (n > 0) {
		text[n] = '\0';
		m->cycles = parse_usage(text);
	}
	return m->cycles;
}

static void
replaced(void *arg, struct frame *f, const struct err *why)
{
	struct core_session_machine *m = arg;
	struct err e;

	m->asked = false;
	if (f != NULL && (f->nfds != 1 || !buf_ok(&f->body))) {
		err_set(&e, ERR_SYSTEM, "launcher: malformed frame");
		why = &e;
	} else if (f != NULL) {
		fd_close(&m->layer);
		m->layer = fd_take(&f->fds[0]);
	}
	if (m->left)
		free_if_over(m);
	else
		m->replaced(m->want.arg, why);
}

void
core_session_machine_replace(struct core_session_machine *m,
    void (*fn)(void *arg, const struct err *e))
{
	invariant(!m->asked);
	m->asked = true;
	m->replacements++;
	m->replaced = fn;
	core_launcher_ask(&m->core->launcher, LAUNCH_STATE, m->serial, NULL,
	    &m->want.tree, 1, replaced, m);
}

bool
core_session_machine_is_worn(struct core_session_machine *m)
{
	const uint64_t *limit = m->machine.grant.limit;

	return m->replacements >= REPLACEMENTS_MAX ||
	    core_session_machine_cycles(m) > limit[GRANT_CPU_TIME] / 2 ||
	    clock_mono_ns() - m->began_ns > limit[GRANT_WALL] / 2;
}

int
core_session_machine_layer(const struct core_session_machine *m)
{
	return m->layer;
}
