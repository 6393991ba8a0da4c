#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/loop.h"
#include "messages/frame_link.h"
#include "messages/monitor_msgs.h"
#include "runtime/listen.h"
#include "runtime/monitor.h"
#include "runtime/policy_open.h"
#include "runtime/sealed_file.h"
#include "runtime/service.h"
#include "runtime/spawn.h"
#include "runtime/store.h"

#define DRAIN_NS (30 * CLOCK_SECOND)
#define POLICY_MAX (256 << 10)
#define END_NS (15 * CLOCK_SECOND)  /* for all to end by themselves */
#define SOON_NS (CLOCK_SECOND / 20) /* doubled each time it dies young */
#define LATE_NS (5 * CLOCK_SECOND)
#define YOUNG_NS (10 * CLOCK_SECOND)

enum who {
	LAUNCHER,
	CORE,
	DNS,
	PREPARER, /* and the next one */
	FRONT = PREPARER + MONITOR_PREPARERS,
	CHILDREN,
};

struct child {
	struct node *node;
	pid_t pid; /* 0: it does not run */
	int pidfd;
	struct loop_watch watch;
	struct loop_timer again;
	uint64_t started_ns, pause_ns;
};

enum state { RUNNING, DRAINING, ENDING };

struct node {
	const struct monitor *m;
	int signals;
	struct loop *loop;
	struct loop_watch signal_watch;
	struct frame_link core;
	struct child child[CHILDREN];
	struct loop_timer patience, alive;
	enum state state;
	bool ready;   /* core is */
	bool anew;    /* core or launcher died: wait for all, then start */
	bool said;    /* where it listens */
	bool drained; /* core has no run left */
	char *policy; /* the file's bytes */
	size_t policy_len;
};

static const char *
name_of(enum who w)
{
	static const char *const names[] = { "cella-launcher", "cella-core",
		"cella-dns" };

	return w == FRONT   ? "cella-front"
	    : w >= PREPARER ? "cella-prepare"
			    : names[w];
}

static void
say(const char *what, const struct err *e)
{
	fprintf(stderr, "cellad: %s%s%s\n", what, e == NULL ? "" : ": ",
	    e == NULL ? "" : e->text);
}

/* ---- starting ---- */

static void child_ended(void *arg, uint32_t events);
static void end_all(struct node *n);
static void plan_again(struct node *n, enum who w);
static bool any_runs(const struct node *n);
static void end_if_drained(struct node *n);

static int
watch(struct node *n, enum who w, pid_t pid, struct err *e)
{
	struct child *c = &n->child[w];

	if (pid == -1)
		return -1;
	c->pid = pid;
	c->started_ns = clock_mono_ns();
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd == -1)
		err_sys(e, "%s: pidfd", name_of(w));
	else if (loop_add(n->loop, &c->watch, c->pidfd, EPOLLIN, child_ended, c,
		     e) == 0)
		return 0;
	/* Nobody would hear of its end. */
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	fd_close(&c->pidfd);
	c->pid = 0;
	return -1;
}

/* Descriptors are borrowed. */
static int
start(struct node *n, enum who w, const int fds[], size_t nfds, struct err *e)
{
	return watch(n, w, spawn_with(name_of(w), fds, nfds, e), e);
}

/*
 * Its bytes, once for core and for all preparers of its life: a file that
 * changes meanwhile would make them disagree.
 */
static int
take_policy(struct node *n, struct err *e)
{
	fd_auto int fd = -1;

	free(n->policy);
	n->policy = NULL;
	if (n->m->policy == NULL)
		return 0;
	fd = policy_open(n->m->policy, e);
	if (fd == -1)
		return -1;
	if (fd_read_all(fd, POLICY_MAX, &n->policy, &n->policy_len, e) == -1)
		return err_in(e, "%s", n->m->policy);
	return 0;
}

/* A file of the child's own, with a position of its own. */
static int
give_policy(const struct node *n, int *fd, struct err *e)
{
	*fd = -1;
	if (n->policy == NULL)
		return 0;
	*fd = fd_sealed("policy", n->policy, n->policy_len, e);
	return *fd == -1 ? -1 : 0;
}

static int hear_core(void *arg, struct frame *f, struct err *e);
static void core_gone(void *arg, const struct err *why);

static int
start_core(struct node *n, struct err *e)
{
	fd_auto int policy = -1, theirs = -1, core_end = -1, launcher_end = -1;
	int pair[2], link[2];

	if (take_policy(n, e) == -1 || give_policy(n, &policy, e) == -1 ||
	    frame_pair(link, e) == -1)
		return -1;
	core_end = link[0];
	launcher_end = link[1];
	if (frame_pair(pair, e) == -1)
		return -1;
	theirs = pair[1];
	n->ready = n->anew = false;
	if (frame_link_open(&n->core, n->loop, pair[0], hear_core, core_gone, n,
		e) == -1)
		return -1;
	if (watch(n, LAUNCHER, spawn_launcher_at(launcher_end, e), e) == -1)
		return -1;
	return start(n, CORE,
	    (const int[]){ theirs, core_end, n->m->store->dir, policy }, 4, e);
}

/* The rest talk to core: their sockets' other ends go to it. */
static int
start_dns(struct node *n, struct err *e)
{
	fd_auto int ours = -1, theirs = -1;
	int pair[2];

	if (frame_pair(pair, e) == -1)
		return -1;
	ours = pair[0];
	theirs = pair[1];
	if (start(n, DNS, &theirs, 1, e) == -1)
		return -1;
	frame_link_send(&n->core, MONITOR_DNS, 0, NULL, &ours, 1);
	return 0;
}

static int
start_preparer(struct node *n, unsigned number, struct err *e)
{
	fd_auto int policy = -1, a0 = -1, a1 = -1, b0 = -1, b1 = -1;
	buf_auto struct buf body = { 0 };
	int a[2], b[2];

	if (give_policy(n, &policy, e) == -1 || frame_pair(a, e) == -1)
		return -1;
	a0 = a[0];
	a1 = a[1];
	if (frame_pair(b, e) == -1)
		return -1;
	b0 = b[0];
	b1 = b[1];
	if (start(n, (enum who)(PREPARER + number),
		(const int[]){ a1, b1, n->m->store->dir, policy }, 4, e) == -1)
		return -1;
	buf_put_u32(&body, number);
	frame_link_send(&n->core, MONITOR_PREPARER, 0, &body,
	    (const int[]){ a0, b0 }, 2);
	return 0;
}

static void
reload(struct node *n)
{
	fd_auto int cert = -1, key = -1;
	struct err e;

	if (n->state != RUNNING || n->m->listen_https == -1)
		return;
	if (sealed_file(n->m->cert, &cert, &e) == -1 ||
	    sealed_file(n->m->key, &key, &e) == -1) {
		say("not reloaded", &e);
		return;
	}
	frame_link_send(&n->core, MONITOR_TLS, 0, NULL,
	    (const int[]){ cert, key }, 2);
	say("certificate and key are read again", NULL);
}

static int
start_front(struct node *n, struct err *e)
{
	fd_auto int ours = -1, theirs = -1, rules = -1, empty = -1;
	fd_auto int cert = -1, key = -1;
	buf_auto struct buf b = { 0 };
	int pair[2];

	buf_add_str(&b, n->m->token);
	buf_add_str(&b, n->m->domain == NULL ? "" : n->m->domain);
	rules = fd_sealed("rules", b.data, b.len, e);
	empty = openat(n->m->store->dir, "empty",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rules == -1 || frame_pair(pair, e) == -1)
		return -1;
	ours = pair[0];
	theirs = pair[1];
	if (empty == -1)
		return err_sys(e, "%s/empty", n->m->state_dir);
	if (n->m->listen_https != -1 &&
	    (sealed_file(n->m->cert, &cert, e) == -1 ||
		sealed_file(n->m->key, &key, e) == -1))
		return -1;
	if (start(n, FRONT,
		(const int[]){ theirs, empty, rules, n->m->listen_control,
		    n->m->listen_http, n->m->listen_https, n->m->listen_metrics,
		    cert, key },
		9, e) == -1)
		return -1;
	frame_link_send(&n->core, MONITOR_FRONT, 0, NULL, &ours, 1);
	return 0;
}

static void
start_one(struct node *n, enum who w)
{
	struct err e;
	int r;

	if (w == CORE)
		r = start_core(n, &e);
	else if (w == DNS)
		r = start_dns(n, &e);
	else if (w == FRONT)
		r = start_front(n, &e);
	else
		r = start_preparer(n, (unsigned)w - PREPARER, &e);
	if (r == 0)
		return;
	say(name_of(w), &e);
	if (w == CORE) {
		n->anew = true;
		end_all(n);
	}
	/* What runs yet is waited for: see child_ended(). */
	if (w != CORE || !any_runs(n))
		plan_again(n, w);
}

/* ---- ends ---- */

static bool
any_runs(const struct node *n)
{
	for (size_t i = 0; i < CHILDREN; i++)
		if (n->child[i].pid != 0)
			return true;
	return false;
}

static void
kill_all(void *arg)
{
	struct node *n = arg;

	say("not all end by themselves: killed", NULL);
	for (size_t i = 0; i < CHILDREN; i++)
		if (n->child[i].pid != 0)
			kill(n->child[i].pid, SIGKILL);
}

/* Everybody's conversation ends with core's, and everybody with it. */
static void
end_all(struct node *n)
{
	for (size_t i = 0; i < CHILDREN; i++)
		loop_timer_stop(n->loop, &n->child[i].again);
	frame_link_close(&n->core);
	n->ready = false;
	if (any_runs(n))
		loop_timer_set(n->loop, &n->patience, clock_mono_ns() + END_NS,
		    kill_all, n);
}

static void
start_again(void *arg)
{
	struct child *c = arg;

	start_one(c->node, (enum who)(c - c->node->child));
}

/* At once, but not as often as it can die. */
static void
plan_again(struct node *n, enum who w)
{
	struct child *c = &n->child[w];
	uint64_t now = clock_mono_ns();

	if (now - c->started_ns > YOUNG_NS)
		c->pause_ns = 0;
	c->pause_ns = c->pause_ns == 0 ? SOON_NS : 2 * c->pause_ns;
	if (c->pause_ns > LATE_NS)
		c->pause_ns = LATE_NS;
	loop_timer_set(n->loop, &c->again, now + c->pause_ns, start_again, c);
}

static void
say_end(enum who w, int status)
{
	char text[96];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "%s: killed by signal %d",
		    name_of(w), WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "%s: ended with status %d",
		    name_of(w), WEXITSTATUS(status));
	say(text, NULL);
}

static void
child_ended(void *arg, uint32_t events)
{
	struct child *c = arg;
	struct node *n = c->node;
	enum who w = (enum who)(c - n->child);
	int status = 0;

	(void)events;
	waitpid(c->pid, &status, 0);
	loop_remove(n->loop, &c->watch);
	fd_close(&c->pidfd);
	c->pid = 0;
	if (n->state == RUNNING && !n->anew)
		say_end(w, status);
	if ((w == CORE || w == LAUNCHER) && !n->anew) {
		n->anew = true;
		end_all(n);
	}
	if (any_runs(n)) {
		if (n->state == RUNNING && !n->anew && n->ready)
			plan_again(n, w);
		end_if_drained(n);
		return;
	}
	loop_timer_stop(n->loop, &n->patience);
	/* What does not even start once is somebody's to mend. */
	if (n->state == RUNNING && n->said)
		plan_again(n, CORE);
	else
		loop_stop(n->loop);
}

static void
end_now(void *arg)
{
	struct node *n = arg;

	n->state = ENDING;
	end_all(n);
	if (!any_runs(n))
		loop_stop(n->loop);
}

/* No run is left, and front has told every caller what came of his. */
static void
end_if_drained(struct node *n)
{
	if (n->state == DRAINING && n->drained && n->child[FRONT].pid == 0)
		end_now(n);
}

/* ---- what core says ---- */

static void
say_listener(const char *what, int fd)
{
	char name[64];

	if (fd == -1)
		return;
	listen_name(fd, name, sizeof(name));
	printf("%s %s\n", what, name);
}

static void
say_where(struct node *n)
{
	if (n->said)
		return;
	n->said = true;
	say_listener("http", n->m->listen_http);
	say_listener("https", n->m->listen_https);
	say_listener("metrics", n->m->listen_metrics);
	printf("control %s\nready\n", n->m->control);
	fflush(stdout);
	service_tell("READY=1");
}

/* Its end is heard as any other's, and another is started. */
static int
hear_stuck(struct node *n, struct frame *f, struct err *e)
{
	uint32_t number = buf_get_u32(&f->body);
	const struct child *c;

	if (!buf_ok(&f->body) || number >= MONITOR_PREPARERS)
		return err_set(e, ERR_INVALID, "core: malformed frame");
	c = &n->child[PREPARER + number];
	if (c->pid != 0)
		kill(c->pid, SIGKILL);
	return 0;
}

static int
hear_core(void *arg, struct frame *f, struct err *e)
{
	struct node *n = arg;

	if (f->type == MONITOR_STUCK)
		return hear_stuck(n, f, e);
	if (f->type == MONITOR_DRAINED && n->state == DRAINING) {
		n->drained = true;
		end_if_drained(n);
		return 0;
	}
	if (f->type != MONITOR_READY || n->ready)
		return err_set(e, ERR_INVALID, "core: frame %u", f->type);
	n->ready = true;
	if (n->state != RUNNING)
		return 0;
	for (unsigned w = DNS; w < CHILDREN; w++)
		start_one(n, (enum who)w);
	say_where(n);
	return 0;
}

static void
core_gone(void *arg, const struct err *why)
{
	(void)arg;
	(void)why; /* its process tells, by its end */
}

/* ---- signals ---- */

static void
drain(struct node *n)
{
	n->state = DRAINING;
	service_tell("STOPPING=1");
	for (size_t i = 0; i < CHILDREN; i++)
		loop_timer_stop(n->loop, &n->child[i].again);
	if (n->core.sock == -1) {
		end_now(n);
		return;
	}
	if (n->child[FRONT].pid != 0)
		kill(n->child[FRONT].pid, SIGTERM);
	frame_link_send(&n->core, MONITOR_DRAIN, 0, NULL, NULL, 0);
	loop_timer_set(n->loop, &n->patience, clock_mono_ns() + DRAIN_NS,
	    end_now, n);
}

static void
hear_signal(void *arg, uint32_t events)
{
	struct node *n = arg;
	struct signalfd_siginfo s;

	(void)events;
	if (read(n->signals, &s, sizeof(s)) != (ssize_t)sizeof(s))
		return;
	if (s.ssi_signo == SIGHUP)
		reload(n);
	else if (n->state == RUNNING && s.ssi_signo == SIGTERM)
		drain(n);
	else
		end_now(n); /* Ctrl-C, or the second time */
}

static int
open_signals(struct node *n, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	n->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (n->signals == -1)
		return err_sys(e, "signalfd");
	return loop_add(n->loop, &n->signal_watch, n->signals, EPOLLIN,
	    hear_signal, n, e);
}

static void
tell_alive(void *arg)
{
	struct node *n = arg;

	service_tell("WATCHDOG=1");
	loop_timer_set(n->loop, &n->alive, clock_mono_ns() + n->m->watchdog_ns,
	    tell_alive, n);
}

int
monitor_run(const struct monitor *m, struct err *e)
{
	static struct node n = { .core.sock = -1 };
	int r;

	n.m = m;
	for (size_t i = 0; i < CHILDREN; i++)
		n.child[i] = (struct child){ .node = &n,
			.pidfd = -1,
			.watch = LOOP_WATCH_NONE };
	n.loop = loop_open(e);
	if (n.loop == NULL || open_signals(&n, e) == -1)
		return -1;
	if (m->watchdog_ns > 0)
		tell_alive(&n);
	/* What is wrong at the start is told and not tried again. */
	if (start_core(&n, e) == -1)
		n.state = ENDING;
	r = n.state == RUNNING ? loop_run(n.loop, e) : -1;
	if (r == 0 && n.state == RUNNING)
		r = err_set(e, ERR_SYSTEM, "it does not start");
	frame_link_close(&n.core);
	loop_close(n.loop);
	free(n.policy);
	return r;
}
