#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/session_work.h"

/* ---- all of them ---- */

struct sessions *
session_open(const struct session_ops *ops, void *owner)
{
	struct sessions *all = calloc(1, sizeof(*all));

	invariant(all != NULL);
	all->ops = ops;
	all->owner = owner;
	return all;
}

void
session_close(struct sessions *all)
{
	while (all->first != NULL)
		session_remove(all->first);
	free(all);
}

struct session *
session_find(const struct sessions *all, const char *id)
{
	struct session *s = all->first;

	while (s != NULL && strcmp(s->id, id) != 0)
		s = s->next;
	return s;
}

struct session_epoch *
session_find_epoch(const struct session *s, uint64_t index)
{
	struct session_epoch *e = s->epochs;

	while (e != NULL && e->index != index)
		e = e->next;
	return e;
}

struct session *
session_make(struct sessions *all, const char *id)
{
	struct session *s = calloc(1, sizeof(*s));

	invariant(s != NULL);
	s->all = all;
	s->id = str_dup(id);
	s->last_input = &s->inputs;
	s->next = all->first;
	s->place = &all->first;
	if (s->next != NULL)
		s->next->place = &s->next;
	all->first = s;
	return s;
}

static void
free_epoch(struct session_epoch *e)
{
	for (size_t i = 0; i < e->ndone; i++)
		buf_fini(&e->done[i].body);
	free(e->done);
	merkle_epoch_fini(&e->vouchers);
	merkle_epoch_fini(&e->notices);
	free(e);
}

void
session_remove(struct session *s)
{
	struct session_epoch *e;
	struct session_input *i;

	s->all->ops->forget(s->all->owner, s);
	*s->place = s->next;
	if (s->next != NULL)
		s->next->place = s->place;
	while ((e = s->epochs) != NULL) {
		s->epochs = e->next;
		free_epoch(e);
	}
	while ((i = s->inputs) != NULL) {
		s->inputs = i->next;
		free(i);
	}
	free(s->query);
	free(s->store_to);
	session_memory_fini(&s->memory);
	session_memory_fini(&s->next_memory);
	processed_fini(&s->result);
	free(s->id);
	free(s);
}

void
session_ops_set(struct session *s, void *machine)
{
	s->machine_of = machine;
}

void *
session_ops_get(const struct session *s)
{
	return s->machine_of;
}

/* ---- answers ---- */

void
session_answer(struct session_call *call, const struct session_answer *a)
{
	if (call != NULL)
		call->answered(call, a);
}

static void
refuse(struct session_call *call, enum grpc_status status, const char *fmt,
    va_list ap)
{
	struct session_answer a = { .status = status };
	char text[SESSION_TEXT];

	vsnprintf(text, sizeof(text), fmt, ap);
	a.text = text;
	session_answer(call, &a);
}

void
session_refuse(struct session_call *call, enum grpc_status status,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse(call, status, fmt, ap);
	va_end(ap);
}

/* ---- who has a session to himself ---- */

bool
session_lock(struct session *s, struct session_call *call)
{
	if (s->locked_by != NULL) {
		session_refuse(call, GRPC_ABORTED,
		    "concurrent call in session (already locked by RPC %s from "
		    "%s when attempted lock by RPC %s from %s)",
		    s->locked_by, s->locked_from, call->rpc, call->peer);
		return false;
	}
	s->locked_by = call->rpc;
	snprintf(s->locked_from, sizeof(s->locked_from), "%s", call->peer);
	s->call = call;
	return true;
}

void
session_unlock(struct session *s, const struct session_answer *a)
{
	struct session_call *call = s->call;

	s->locked_by = NULL;
	s->call = NULL;
	session_answer(call, a);
}

void
session_refuse_locked(struct session *s, enum grpc_status status,
    const char *fmt, ...)
{
	struct session_call *call = s->call;
	va_list ap;

	s->locked_by = NULL;
	s->call = NULL;
	va_start(ap, fmt);
	refuse(call, status, fmt, ap);
	va_end(ap);
}

void
session_forget(struct sessions *all, struct session_call *call)
{
	for (struct session *s = all->first; s != NULL; s = s->next)
		if (s->call == call)
			s->call = NULL;
}

void
session_taint(struct session *s, enum grpc_status status, const char *text)
{
	const struct session_ops *ops = s->all->ops;

	if (s->taint.status != GRPC_OK)
		return;
	s->taint.status = status;
	snprintf(s->taint.text, sizeof(s->taint.text), "%s", text);
	s->state = SESSION_STUCK;
	ops->set_timer(s->all->owner, s, UINT64_MAX);
	ops->keep_taint(s->all->owner, s, &s->taint);
	session_inspect_fail(s, status, text);
	session_finish_fail(s, status, text);
	/* Nothing of it is wanted any more. */
	ops->stop(s->all->owner, s);
}

/* ---- inputs, and queries ---- */

/* Its last byte has no room either, as clients know it. */
bool
session_check_length(struct session *s, const char *what, size_t len)
{
	uint64_t room = s->machine.range[MACHINE_RX].length;

	if (len < room && ROLLUP_NOTICE_HEAD < room - len)
		return true;
	session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
	    "%s payload too long for rx buffer length (expected %llu bytes "
	    "max, got %zu bytes)",
	    what, (unsigned long long)(room - ROLLUP_NOTICE_HEAD), len);
	return false;
}

struct session_input *
session_make_input(const struct rollup_metadata *m, const void *payload,
    size_t len)
{
	struct session_input *i = malloc(sizeof(*i) + len);

	invariant(i != NULL);
	i->next = NULL;
	i->metadata = *m;
	i->len = len;
	if (len > 0)
		memcpy(i->payload, payload, len);
	return i;
}

void
session_add_input(struct session *s, struct session_input *i)
{
	*s->last_input = i;
	s->last_input = &i->next;
	s->pending++;
}

/* ---- what they look like ---- */

void
session_status(struct sessions *all, const char *id, struct session_call *call)
{
	struct session *s = session_find(all, id);
	struct session_answer a = { .status = GRPC_OK, .session = s };

	if (s == NULL)
		session_refuse(call, GRPC_INVALID_ARGUMENT,
		    "session id not found!");
	else if (session_lock(s, call))
		session_unlock(s, &a);
}

void
session_epoch_status(struct sessions *all, const char *id, uint64_t epoch,
    struct session_call *call)
{
	struct session *s = session_find(all, id);
	struct session_answer a = { .status = GRPC_OK, .session = s };

	if (s == NULL) {
		session_refuse(call, GRPC_INVALID_ARGUMENT,
		    "session id not found");
		return;
	}
	if (!session_lock(s, call))
		return;
	a.epoch = session_find_epoch(s, epoch);
	if (a.epoch == NULL)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "unknown epoch index");
	else
		session_unlock(s, &a);
}
