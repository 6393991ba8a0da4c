#include <stdlib.h>

#include "base/err.h"
#include "runtime/session_work.h"

void
session_inspect(struct sessions *all, const char *id, const void *query,
    size_t len, struct session_call *call)
{
	static const struct rollup_metadata none;
	struct session *s = session_find(all, id);

	if (s == NULL) {
		session_refuse(call, GRPC_INVALID_ARGUMENT,
		    "session id not found!");
		return;
	}
	if (!session_lock(s, call))
		return;
	if (s->taint.status != GRPC_OK) {
		session_refuse_locked(s, GRPC_DATA_LOSS, "session is tainted");
		return;
	}
	if (!session_check_length(s, "query", len))
		return;
	invariant(s->query == NULL);
	s->query = session_make_input(&none, query, len);
	session_step(s); /* or once the machine is done with its input */
}

static void
drop_query(struct session *s)
{
	free(s->query);
	s->query = NULL;
	s->is_query = false;
}

void
session_inspect_end(struct session *s)
{
	struct session_answer a = { .status = GRPC_OK,
		.session = s,
		.epoch = s->active,
		.result = &s->result,
		.input_index = s->active->ndone + s->pending };

	drop_query(s);
	session_unlock(s, &a);
}

void
session_inspect_fail(struct session *s, enum grpc_status status,
    const char *text)
{
	bool own = s->is_query;

	if (s->query == NULL)
		return;
	drop_query(s);
	/* Who only waited did nothing to it. */
	if (own)
		session_refuse_locked(s, status, "%s", text);
	else
		session_refuse_locked(s, GRPC_DATA_LOSS, "session is tainted");
}
