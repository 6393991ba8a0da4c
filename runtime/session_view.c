#include <string.h>

#include "runtime/session_work.h"
#include "runtime/session_view.h"

const struct session *
session_view_first(const struct sessions *all)
{
	return all->first;
}

const struct session *
session_view_next(const struct session *s)
{
	return s->next;
}

const char *
session_view_id(const struct session *s)
{
	return s->id;
}

const struct session_taint *
session_view_taint(const struct session *s)
{
	return &s->taint;
}

const struct machine_config *
session_view_machine(const struct session *s)
{
	return &s->machine;
}

const struct session_cycles *
session_view_cycles(const struct session *s)
{
	return &s->cycles;
}

const struct session_deadlines *
session_view_deadlines(const struct session *s)
{
	return &s->deadlines;
}

const struct session_epoch *
session_view_epochs(const struct session *s)
{
	return s->epochs;
}

const struct session_epoch *
session_view_active(const struct session *s)
{
	return s->active;
}

uint64_t
session_view_pending(const struct session *s)
{
	return s->pending;
}

bool
session_view_is_same(const struct session *s, const struct session_parts *parts)
{
	return session_memory_is_same(&s->memory, parts);
}

const struct buf *
session_view_content(const struct session *s)
{
	return s->memory.bytes;
}

bool
session_view_is_awaited(const struct sessions *all, const char *id)
{
	const struct session *s = session_find(all, id);

	return s != NULL && s->state <= SESSION_STARTING;
}
