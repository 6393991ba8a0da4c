#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/session_work.h"

/* ---- the request ---- */

static const char *
check_deadlines(const struct session_deadlines *d)
{
	if (d == NULL)
		return "missing server deadline config";
	if (d->advance < d->advance_increment)
		return "advance state deadline is less than advance state "
		       "increment deadline";
	if (d->inspect < d->inspect_increment)
		return "inspect state deadline is less than inspect state "
		       "increment deadline";
	return NULL;
}

static const char *
check_cycles(const struct session_cycles *c)
{
	if (c == NULL)
		return "missing server cycles config";
	if (c->max_advance == 0 || c->advance_increment == 0)
		return "max cycles per advance state or cycles per advance "
		       "state increment is zero";
	if (c->max_advance < c->advance_increment)
		return "max cycles per advance state is less than cycles per "
		       "advance state increment";
	if (c->max_inspect == 0 || c->inspect_increment == 0)
		return "max cycles per inspect state or cycles per inspect "
		       "state increment is zero";
	if (c->max_inspect < c->inspect_increment)
		return "max cycles per inspect state is less than cycles per "
		       "inspect state increment";
	return NULL;
}

static bool
check_request(const struct session_start *q, struct session_call *call)
{
	const char *why;

	if (q->directory[0] == '\0') {
		session_refuse(call, GRPC_INVALID_ARGUMENT,
		    "missing machine directory");
		return false;
	}
	if (q->epoch == UINT64_MAX) {
		session_refuse(call, GRPC_OUT_OF_RANGE,
		    "active epoch index will overflow");
		return false;
	}
	why = check_deadlines(q->deadlines);
	if (why == NULL)
		why = check_cycles(q->cycles);
	if (why != NULL)
		session_refuse(call, GRPC_INVALID_ARGUMENT, "%s", why);
	return why == NULL;
}

/* ---- the machine ---- */

/* One by one, in this order. */
static enum grpc_status
check_ranges(const struct machine_config *m, char text[SESSION_TEXT])
{
	static const char *const names[MACHINE_RANGES] = { [MACHINE_TX] =
							       "tx buffer",
		[MACHINE_RX] = "rx buffer",
		[MACHINE_METADATA] = "input metadata",
		[MACHINE_VOUCHERS] = "voucher hashes",
		[MACHINE_NOTICES] = "notice hashes" };
	uint64_t start, length, all = 0;

	for (int i = 0; i < MACHINE_RANGES; i++)
		all |= m->range[i].length;
	if (all == 0) {
		snprintf(text, SESSION_TEXT,
		    "server rollup config was not initialized");
		return GRPC_INVALID_ARGUMENT;
	}
	for (int i = 0; i < MACHINE_RANGES; i++) {
		start = m->range[i].start;
		length = m->range[i].length;
		if (m->range[i].shared) {
			snprintf(text, SESSION_TEXT,
			    "%s buffer cannot be shared", names[i]);
			return GRPC_INVALID_ARGUMENT;
		}
		if (length == 0 || (length & (length - 1)) != 0) {
			snprintf(text, SESSION_TEXT,
			    "%s memory range length not a power of two (%llu)",
			    names[i], (unsigned long long)length);
			return GRPC_OUT_OF_RANGE;
		}
		if ((start & (length - 1)) != 0) {
			snprintf(text, SESSION_TEXT,
			    "%s memory range start not aligned to its power of "
			    "two size",
			    names[i]);
			return GRPC_OUT_OF_RANGE;
		}
	}
	return GRPC_OK;
}

static enum grpc_status
check_machine(const struct machine_config *m, const struct session_parts *parts,
    char text[SESSION_TEXT])
{
	const char *why = !m->yield_manual ? "yield manual must be enabled"
	    : !m->yield_automatic          ? "yield automatic must be enabled"
	    : m->console_getchar           ? "console getchar must be disabled"
	    : !m->has_rollup               ? "missing server rollup config"
					   : NULL;
	enum grpc_status status;

	if (why != NULL) {
		snprintf(text, SESSION_TEXT, "%s", why);
		return GRPC_INVALID_ARGUMENT;
	}
	status = check_ranges(m, text);
	return status == GRPC_OK ? session_memory_check(m, parts, text)
				 : status;
}

/* ---- its life ---- */

void
session_start_epoch(struct session *s, uint64_t index,
    const struct merkle_hash *machine)
{
	struct session_epoch *e = calloc(1, sizeof(*e)), **at = &s->epochs;

	invariant(e != NULL);
	e->index = index;
	e->machine = *machine;
	while (*at != NULL)
		at = &(*at)->next;
	*at = e;
	s->active = e;
}

void
session_start_give_up(struct session *s, enum grpc_status status,
    const char *text)
{
	s->taint.status = status;
	snprintf(s->taint.text, sizeof(s->taint.text), "%s", text);
	s->state = SESSION_FAILING;
	session_step_timer(s, UINT64_MAX);
	s->all->ops->stop(s->all->owner, s);
}

void
session_start(struct sessions *all, const struct session_start *q,
    struct session_call *call)
{
	struct session *s;

	if (q->id[0] == '\0') {
		session_refuse(call, GRPC_INVALID_ARGUMENT,
		    "session id is empty");
		return;
	}
	if (session_find(all, q->id) != NULL) {
		session_refuse(call, GRPC_ALREADY_EXISTS,
		    "session id is taken");
		return;
	}
	if (!check_request(q, call))
		return;
	s = session_make(all, q->id);
	s->cycles = *q->cycles;
	s->deadlines = *q->deadlines;
	s->first_epoch = q->epoch;
	(void)session_lock(s, call);
	s->state = SESSION_LOADING;
	s->asked_ns = all->ops->now(all->owner);
	session_step_timer(s,
	    session_step_after(s->asked_ns, s->deadlines.machine));
	all->ops->load(all->owner, s, q->directory);
}

void
session_start_opened(struct session *s, const struct machine_config *m,
    const struct buf content[MACHINE_RANGES], const struct session_parts *parts)
{
	char text[SESSION_TEXT];
	enum grpc_status status;

	status = check_machine(m, parts, text);
	if (status != GRPC_OK) {
		session_start_give_up(s, status, text);
		return;
	}
	s->machine = *m;
	session_memory_start(&s->memory, m, content, parts);
	s->state = SESSION_STARTING;
	session_step_timer(s,
	    session_step_after(s->asked_ns, s->deadlines.checkin));
}

/* It waits for its first input. */
void
session_start_ready(struct session *s, const struct session_yield *y)
{
	struct session_answer a = { .status = GRPC_OK, .session = s };
	enum grpc_status status;
	char text[SESSION_TEXT];
	struct merkle_hash machine;
	struct err e;

	status = session_yield_check(y, text);
	if (status != GRPC_OK) {
		session_start_give_up(s, status, text);
		return;
	}
	session_memory_hash(&s->memory, &s->machine, &machine);
	session_start_epoch(s, s->first_epoch, &machine);
	if (s->all->ops->keep_session(s->all->owner, s, &e) == -1) {
		session_start_give_up(s, GRPC_INTERNAL, e.text);
		return;
	}
	s->state = SESSION_IDLE;
	session_step_timer(s, UINT64_MAX);
	session_unlock(s, &a);
}
