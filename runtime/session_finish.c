#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/session_work.h"

static bool
check_finish(struct session *s, uint64_t index, uint64_t count)
{
	const struct session_epoch *e = session_find_epoch(s, index);

	if (s->taint.status != GRPC_OK)
		session_refuse_locked(s, GRPC_DATA_LOSS, "session is tainted");
	else if (e == NULL)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "unknown epoch index");
	else if (e->finished)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "epoch already finished");
	else if (s->pending > 0)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "epoch still has pending inputs");
	else if (count != e->ndone)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "incorrect processed input count (expected %zu, got %llu)",
		    e->ndone, (unsigned long long)count);
	else
		return true;
	return false;
}

static void
finish(struct session *s)
{
	struct session_answer a = { .status = GRPC_OK, .session = s };
	struct err e;

	if (s->all->ops->keep_epoch(s->all->owner, s, &e) == -1) {
		session_refuse_locked(s, GRPC_UNAVAILABLE, "%s", e.text);
		return;
	}
	s->active->finished = true;
	session_start_epoch(s, s->active->index + 1, &s->active->machine);
	session_unlock(s, &a);
}

void
session_finish(struct sessions *all, const char *id, uint64_t epoch,
    uint64_t count, const char *directory, struct session_call *call)
{
	struct session *s = session_find(all, id);

	if (s == NULL) {
		session_refuse(call, GRPC_INVALID_ARGUMENT,
		    "session id not found");
		return;
	}
	if (s->active != NULL && s->active->index == UINT64_MAX) {
		session_refuse(call, GRPC_OUT_OF_RANGE,
		    "active epoch index will overflow");
		return;
	}
	if (!session_lock(s, call) || !check_finish(s, epoch, count))
		return;
	if (directory[0] == '\0') {
		finish(s);
		return;
	}
	s->store_to = str_dup(directory);
	session_step(s); /* or once the machine waits */
}

void
session_finish_store(struct session *s)
{
	s->state = SESSION_STORING;
	session_step_timer(s,
	    session_step_after(s->all->ops->now(s->all->owner),
		s->deadlines.store));
	s->all->ops->store(s->all->owner, s, s->store_to);
}

static void
forget_store(struct session *s)
{
	free(s->store_to);
	s->store_to = NULL;
}

void
session_finish_fail(struct session *s, enum grpc_status status,
    const char *text)
{
	if (s->store_to == NULL)
		return;
	forget_store(s);
	session_refuse_locked(s, status, "%s", text);
}

/* Nobody waits for it any more; the machine does. */
void
session_finish_late(struct session *s)
{
	forget_store(s);
	session_refuse_locked(s, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
}

void
session_finish_stored(struct session *s, enum grpc_status status,
    const char *text)
{
	bool late = s->store_to == NULL;

	if (s->state != SESSION_STORING)
		return;
	forget_store(s);
	s->state = SESSION_IDLE;
	if (!late && status == GRPC_OK)
		finish(s);
	else if (!late)
		session_refuse_locked(s, status, "%s", text);
	session_step(s);
}
