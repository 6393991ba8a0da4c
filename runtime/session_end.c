#include "base/err.h"
#include "runtime/session_work.h"

static void
go(struct session *s)
{
	struct session_answer a = { .status = GRPC_OK };
	struct session_call *call = s->call;

	session_remove(s);
	session_answer(call, &a);
}

void
session_end(struct sessions *all, const char *id, struct session_call *call)
{
	struct session *s = session_find(all, id);
	bool tainted;
	struct err e;

	if (s == NULL) {
		session_refuse(call, GRPC_INVALID_ARGUMENT,
		    "session id not found");
		return;
	}
	if (!session_lock(s, call))
		return;
	tainted = s->taint.status != GRPC_OK;
	if (!tainted && s->pending > 0)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "active epoch has pending inputs");
	else if (!tainted && s->active->ndone > 0)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "active epoch has processed inputs");
	else if (all->ops->keep_end(all->owner, s, &e) == -1)
		session_refuse_locked(s, GRPC_UNAVAILABLE, "%s", e.text);
	else if (s->is_stopped)
		go(s);
	else {
		s->state = SESSION_STOPPING;
		session_step_timer(s, UINT64_MAX);
		if (!tainted) /* else it is on its way */
			all->ops->stop(all->owner, s);
	}
}

void
session_end_stopped(struct session *s)
{
	struct session_call *call = s->call;
	struct session_taint why = s->taint;
	struct session_answer a = { .status = why.status, .text = why.text };

	s->is_stopped = true;
	if (s->state == SESSION_STOPPING) {
		go(s);
	} else if (s->state == SESSION_FAILING) {
		session_remove(s);
		session_answer(call, &a);
	}
}
