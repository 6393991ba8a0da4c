/*
 * Core's preparers (messages/prepare_msgs.h): jobs wait here for one that is
 * idle, and what a preparer asks of the launcher goes through here, under
 * serials of core's.
 */
#ifndef RUNTIME_CORE_PREPARE_H
#define RUNTIME_CORE_PREPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/frame_link.h"
#include "messages/monitor_msgs.h"
#include "messages/prepare_msgs.h"

struct ceiling;
struct core_launcher;
struct core_prepare_job;
struct core_prepare_machine;
struct core_prepare_volume;
struct core_fetch;
struct err;

/* f is the answer; NULL: why not, and a list of problems as JSON or "". */
typedef void core_prepare_fn(void *arg, struct frame *f, const struct err *why,
    const char *problems);

/* What an ASSEMBLE left with a preparer. */
struct core_prepare_made {
	unsigned number;     /* of the preparer */
	uint32_t generation; /* of its process: what it made dies with it */
	uint32_t serial;
	uint32_t tenant; /* for whom; 0: READ is for nobody */
};

struct core_preparer {
	struct core_prepare *all;
	struct frame_link jobs, launcher;
	bool open;
	uint32_t generation;
	struct core_prepare_job *busy;
	struct loop_timer patience;
	struct core_prepare_machine *machine; /* those it started */
	struct core_prepare_volume *volume;
};

struct core_prepare {
	struct loop *loop;
	struct core_launcher *launcher;
	struct frame_link *monitor;
	const struct ceiling *ceiling;
	uint32_t serial;
	struct core_fetch *fetch; /* NULL: what is missing is */
	struct core_prepare_job *first, **last;
	struct core_prepare_job *held; /* something that they miss comes */
	struct core_preparer preparer[MONITOR_PREPARERS];
};

/* All are borrowed. */
void core_prepare_init(struct core_prepare *, struct loop *,
    struct core_launcher *, struct frame_link *monitor, const struct ceiling *);
void core_prepare_fini(struct core_prepare *);

/* A process that was just started takes the number's place. */
int core_prepare_attach(struct core_prepare *, unsigned number, int jobs,
    int launcher, struct err *);

/*
 * fds are taken over; body may be NULL.  bound: only the
 * preparer that made it can do it, else any for that tenant.
 */
#define CORE_PREPARE_FDS 2
struct core_prepare_ask {
	enum prepare_type type;
	const struct buf *body;
	int *fds;
	size_t nfds;
	uint32_t tenant;
	const struct core_prepare_made *bound;
};
struct core_prepare_job *core_prepare_ask(struct core_prepare *,
    const struct core_prepare_ask *, core_prepare_fn *, void *arg);

/* Whose job it has: what it asks of the launcher must be for him.  0: none. */
uint32_t core_prepare_tenant(const struct core_preparer *);

/* Who did the job that is being answered. */
struct core_prepare_made core_prepare_maker(const struct core_prepare_job *);

/* The process that made it is still the one that was. */
bool core_prepare_holds(const struct core_prepare *,
    const struct core_prepare_made *);

/* What it made for that job goes. */
void core_prepare_release(struct core_prepare *,
    const struct core_prepare_made *);

#endif
