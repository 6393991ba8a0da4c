/* Between the files of monitor.h: a node, and the start of its processes. */
#ifndef RUNTIME_MONITOR_PARTS_H
#define RUNTIME_MONITOR_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/loop.h"
#include "messages/frame_link.h"
#include "messages/monitor_msgs.h"

struct err;
struct monitor;

/* In the order in which they are started. */
enum who {
	LAUNCHER,
	CORE,
	DNS,
	FETCH,
	FILES,
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
	bool joined; /* somebody else's: see monitor_front.c */
};

/* The policy file's bytes; NULL: there is no file. */
struct monitor_policy {
	char *data;
	size_t len;
};

enum state { RUNNING, DRAINING, ENDING };

struct node {
	const struct monitor *m;
	int signals;
	struct loop *loop;
	struct loop_watch signal_watch;
	struct frame_link core;
	struct loop_watch door; /* where a front joins */
	struct child child[CHILDREN];
	struct loop_timer patience, alive;
	enum state state;
	bool ready;   /* core is */
	bool anew;    /* core or launcher died: wait for all, then start */
	bool said;    /* where it listens */
	bool drained; /* core has no run left */
	bool again;   /* DRAINING: to start again, under another policy */
	struct monitor_policy policy, next; /* next: it is looked at */
	struct child checker;               /* who looks */
};

/* monitor_start.c; descriptors that it gives away stay open here. */
const char *monitor_start_name(enum who);
int monitor_start_child(struct node *, enum who, struct err *);

/* Hears of its end by fn.  Descriptors are borrowed. */
int monitor_start_spawned(struct child *, const char *name, const int fds[],
    size_t nfds, void (*fn)(void *, uint32_t), struct err *);

/* pidfd is taken over, also on failure. */
int monitor_start_watch(struct child *, pid_t, int pidfd,
    void (*fn)(void *, uint32_t), struct err *);

/* Certificate and key, read again and sent to front. */
int monitor_start_reload(struct node *, struct err *);

/*
 * The policy file, read again; if it is another, somebody looks at it, and fn
 * hears of his end.  1: so it is; 0: there is no other.
 */
int monitor_start_checker(struct node *, void (*fn)(void *, uint32_t),
    struct err *);

/*
 * monitor_front.c: the front is started, or whoever joins becomes it, now or
 * later; nobody any more.
 */
int monitor_front_start(struct node *, struct err *);
void monitor_front_forget(struct node *);

/* monitor.c: what its children tell it. */
void monitor_child_ended(void *child, uint32_t events);
int monitor_hear_core(void *node, struct frame *, struct err *);
void monitor_core_gone(void *node, const struct err *);

#endif
