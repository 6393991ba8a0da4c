#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/session_work.h"

typedef unsigned long long ull;

static bool
check_indices(struct session *s, const struct session_advance *q)
{
	uint64_t next = s->active->ndone + s->pending;

	if (q->epoch != s->active->index)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "incorrect active epoch index (expected %llu, got %llu)",
		    (ull)s->active->index, (ull)q->epoch);
	else if (q->input_index != next)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "incorrect current input index (expected %llu, got %llu)",
		    (ull)next, (ull)q->input_index);
	else
		return true;
	return false;
}

static bool
check_metadata(struct session *s, const struct session_advance *q)
{
	const struct rollup_metadata *m = &q->metadata;

	if (!q->has_metadata)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "missing input metadata");
	else if (!q->has_sender)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "missing input metadata msg_sender");
	else if (q->sender_len != ROLLUP_ADDRESS)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "invalid input metadata msg_sender length (expected %d "
		    "bytes, got %zu bytes)",
		    ROLLUP_ADDRESS, q->sender_len);
	else if (m->epoch_index != q->epoch)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "input metadata epoch index (%llu) is inconsistent with "
		    "active epoch index (%llu)",
		    (ull)m->epoch_index, (ull)q->epoch);
	else if (m->input_index != q->input_index)
		session_refuse_locked(s, GRPC_INVALID_ARGUMENT,
		    "input metadata input index (%llu) is inconsistent with "
		    "current input index (%llu)",
		    (ull)m->input_index, (ull)q->input_index);
	else
		return true;
	return false;
}

static int
keep(struct session *s, const struct session_advance *q, struct err *e)
{
	const struct session_given g = { .request = SESSION_ADVANCE,
		.metadata = q->metadata,
		.payload = q->payload,
		.len = q->len };

	return s->all->ops->keep_input(s->all->owner, s, &g, e);
}

void
session_advance(struct sessions *all, const struct session_advance *q,
    struct session_call *call)
{
	struct session *s = session_find(all, q->id);
	struct session_answer a = { .status = GRPC_OK, .session = s };
	struct err e;

	if (s == NULL) {
		session_refuse(call, GRPC_INVALID_ARGUMENT,
		    "session id not found!");
		return;
	}
	if (s->active != NULL && s->active->index == UINT64_MAX) {
		session_refuse(call, GRPC_OUT_OF_RANGE,
		    "active epoch index will overflow");
		return;
	}
	if (!session_lock(s, call))
		return;
	if (s->taint.status != GRPC_OK) {
		session_refuse_locked(s, GRPC_DATA_LOSS, "session is tainted");
		return;
	}
	if (!check_indices(s, q) || !session_check_length(s, "input", q->len) ||
	    !check_metadata(s, q))
		return;
	/* It is there before anybody is told so. */
	if (keep(s, q, &e) == -1) {
		session_refuse_locked(s, GRPC_UNAVAILABLE, "%s", e.text);
		return;
	}
	session_add_input(s,
	    session_make_input(&q->metadata, q->payload, q->len));
	session_unlock(s, &a);
	session_step(s);
}
