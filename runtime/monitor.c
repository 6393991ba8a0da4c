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
#include "runtime/monitor_parts.h"
#include "runtime/service.h"
#include "runtime/spawn.h"
#include "runtime/store.h"

#define DRAIN_NS (30 * CLOCK_SECOND)
#define END_NS (15 * CLOCK_SECOND)  /* for all to end by themselves */
#define SOON_NS (CLOCK_SECOND / 20) /* doubled each time it dies young */
#define LATE_NS (5 * CLOCK_SECOND)
#define YOUNG_NS (10 * CLOCK_SECOND)

static void
say(const char *what, const struct err *e)
{
	fprintf(stderr, "cellad: %s%s%s\n", what, e == NULL ? "" : ": ",
	    e == NULL ? "" : e->text);
}

/* ---- starting ---- */

static void end_all(struct node *n);
static void plan_again(struct node *n, enum who w);
static bool any_runs(const struct node *n);
static void end_if_drained(struct node *n);
static void begin_again(struct node *n);

static void
start_one(struct node *n, enum who w)
{
	struct err e;

	if (monitor_start_child(n, w, &e) == 0)
		return;
	say(monitor_start_name(w), &e);
	if (w == CORE) {
		n->anew = true;
		end_all(n);
	}
	/* What runs yet is waited for: see monitor_child_ended(). */
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

/* By descriptor: not all are children of ours, whose ids wait for us. */
static void
signal_one(const struct child *c, int sig)
{
	if (c->pid != 0)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0);
}

static void
kill_all(void *arg)
{
	struct node *n = arg;

	say("not all end by themselves: killed", NULL);
	for (size_t i = 0; i < CHILDREN; i++)
		signal_one(&n->child[i], SIGKILL);
}

/* Everybody's conversation ends with core's, and everybody with it. */
static void
end_all(struct node *n)
{
	for (size_t i = 0; i < CHILDREN; i++)
		loop_timer_stop(n->loop, &n->child[i].again);
	monitor_front_forget(n);
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
say_end(const struct child *c, enum who w, int status)
{
	char text[96];

	if (c->joined)
		snprintf(text, sizeof(text), "%s, which had joined, has ended",
		    monitor_start_name(w));
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "%s: killed by signal %d",
		    monitor_start_name(w), WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "%s: ended with status %d",
		    monitor_start_name(w), WEXITSTATUS(status));
	say(text, NULL);
}

/* Its status, as waitpid(2) has it. */
static int
reap(struct child *c)
{
	int status = 0;

	if (!c->joined)
		waitpid(c->pid, &status, 0);
	loop_remove(c->node->loop, &c->watch);
	fd_close(&c->pidfd);
	c->pid = 0;
	return status;
}

void
monitor_child_ended(void *arg, uint32_t events)
{
	struct child *c = arg;
	struct node *n = c->node;
	enum who w = (enum who)(c - n->child);
	int status = reap(c);

	(void)events;
	if (n->state == RUNNING && !n->anew)
		say_end(c, w, status);
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
	if (n->again)
		begin_again(n);
	/* What does not even start once is somebody's to mend. */
	else if (n->state == RUNNING && n->said)
		plan_again(n, CORE);
	else
		loop_stop(n->loop);
}

/* All begin again, under the policy that was taken. */
static void
begin_again(struct node *n)
{
	n->again = n->drained = false;
	n->state = RUNNING;
	n->anew = true;
	n->child[CORE].pause_ns = 0;
	end_all(n);
	if (!any_runs(n))
		plan_again(n, CORE);
}

static void
end_now(void *arg)
{
	struct node *n = arg;

	if (n->again) {
		begin_again(n);
		return;
	}
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
	char name[LISTEN_NAME_MAX];

	if (fd == -1)
		return;
	listen_name(fd, name, sizeof(name));
	printf("%s %s\n", what, name);
}

static void
say_where(struct node *n)
{
	if (n->said) {
		service_tell("READY=1"); /* after a reload */
		return;
	}
	n->said = true;
	say_listener("http", n->m->listen_http);
	say_listener("https", n->m->listen_https);
	say_listener("metrics", n->m->listen_metrics);
	say_listener("grpc", n->m->listen_grpc);
	say_listener("grpc", n->m->listen_grpcs);
	if (n->m->front != NULL)
		printf("front %s\n", n->m->front);
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
	signal_one(c, SIGKILL);
	return 0;
}

int
monitor_hear_core(void *arg, struct frame *f, struct err *e)
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
		if (w != FETCH || n->policy.data != NULL) /* it names servers */
			start_one(n, (enum who)w);
	say_where(n);
	return 0;
}

void
monitor_core_gone(void *arg, const struct err *why)
{
	(void)arg;
	(void)why; /* its process tells, by its end */
}

/* ---- signals ---- */

static void
drain(struct node *n)
{
	n->state = DRAINING;
	service_tell(n->again ? "RELOADING=1" : "STOPPING=1");
	for (size_t i = 0; i < CHILDREN; i++)
		loop_timer_stop(n->loop, &n->child[i].again);
	if (n->core.sock == -1) {
		end_now(n);
		return;
	}
	monitor_front_forget(n);
	signal_one(&n->child[FRONT], SIGTERM);
	frame_link_send(&n->core, MONITOR_DRAIN, 0, NULL, NULL, 0);
	loop_timer_set(n->loop, &n->patience, clock_mono_ns() + DRAIN_NS,
	    end_now, n);
}

/* ---- SIGHUP ---- */

static void
checked(void *arg, uint32_t events)
{
	struct child *c = arg;
	struct node *n = c->node;
	int status = reap(c);

	(void)events;
	if (n->state != RUNNING)
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		say("the new policy is not taken: the old one holds", NULL);
		return;
	}
	free(n->policy.data);
	n->policy = n->next;
	n->next = (struct monitor_policy){ NULL, 0 };
	say("a new policy: what runs may end, then all begin under it", NULL);
	n->again = true;
	drain(n);
}

static void
reload(struct node *n)
{
	struct err e;
	int r;

	if (n->state != RUNNING || n->checker.pid != 0)
		return;
	if (n->m->cert != NULL) {
		if (monitor_start_reload(n, &e) == -1)
			say("not reloaded", &e);
		else
			say("certificate and key are read again", NULL);
	}
	r = monitor_start_checker(n, checked, &e);
	if (r == -1)
		say("the policy is not read again", &e);
	else if (r == 0 && n->m->policy != NULL)
		say("the policy is the same", NULL);
}

static void
hear_signal(void *arg, uint32_t events)
{
	struct node *n = arg;
	struct signalfd_siginfo s;

	(void)events;
	if (read(n->signals, &s, sizeof(s)) != (ssize_t)sizeof(s))
		return;
	if (s.ssi_signo == SIGHUP) {
		reload(n);
	} else if (n->again && s.ssi_signo == SIGTERM) {
		n->again = false; /* it drains already: this time for good */
		service_tell("STOPPING=1");
	} else if (n->state == RUNNING && s.ssi_signo == SIGTERM) {
		drain(n);
	} else {
		n->again = false;
		end_now(n); /* Ctrl-C, or the second time */
	}
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
	static struct node n = { .core.sock = -1, .door = LOOP_WATCH_NONE };
	int r;

	n.m = m;
	for (size_t i = 0; i < CHILDREN; i++)
		n.child[i] = (struct child){ .node = &n,
			.pidfd = -1,
			.watch = LOOP_WATCH_NONE };
	n.checker =
	    (struct child){ .node = &n, .pidfd = -1, .watch = LOOP_WATCH_NONE };
	n.loop = loop_open(e);
	if (n.loop == NULL || open_signals(&n, e) == -1)
		return -1;
	if (m->watchdog_ns > 0)
		tell_alive(&n);
	/* What is wrong at the start is told and not tried again. */
	if (monitor_start_child(&n, CORE, e) == -1)
		n.state = ENDING;
	r = n.state == RUNNING ? loop_run(n.loop, e) : -1;
	if (r == 0 && n.state == RUNNING)
		r = err_set(e, ERR_SYSTEM, "it does not start");
	frame_link_close(&n.core);
	loop_close(n.loop);
	free(n.policy.data);
	free(n.next.data);
	return r;
}
