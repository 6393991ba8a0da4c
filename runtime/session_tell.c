#include <stdio.h>

#include "runtime/session_work.h"

/* What is told too late, or twice, is nobody's. */

void
session_tell_opened(struct session *s, const struct machine_config *m,
    const struct buf content[MACHINE_RANGES], const struct session_parts *parts)
{
	if (s->state == SESSION_LOADING)
		session_start_opened(s, m, content, parts);
	else if (s->state == SESSION_RESTORING)
		session_restore_opened(s, content, parts);
}

void
session_tell_ready(struct session *s, const struct session_yield *y,
    const struct session_parts *parts)
{
	if (s->state == SESSION_STARTING)
		session_start_ready(s, y);
	else if (s->state == SESSION_RESTORING)
		session_restore_ready(s);
	else if (s->state == SESSION_APPLYING || s->state == SESSION_DISCARDING)
		session_step_ready(s, parts);
}

void
session_tell_failed(struct session *s, enum grpc_status status,
    const char *text)
{
	if (s->state <= SESSION_STARTING)
		session_start_give_up(s, status, text);
	else if (s->state == SESSION_RESTORING)
		session_restore_failed(s, status, text);
}

void
session_tell_yielded(struct session *s, const struct session_yield *y)
{
	if (s->state == SESSION_RUNNING)
		session_step_yielded(s, y);
}

void
session_tell_halted(struct session *s)
{
	if (s->state == SESSION_RUNNING)
		session_step_halted(s);
}

void
session_tell_died(struct session *s, enum grpc_status status, const char *text)
{
	if (s->state <= SESSION_STARTING)
		session_start_give_up(s, status, text);
	else if (s->state == SESSION_RESTORING)
		session_restore_failed(s, status, text);
	else if (s->state < SESSION_FAILING)
		session_taint(s, status, text);
}

void
session_tell_weighed(struct session *s, const struct session_parts *parts)
{
	if (s->state == SESSION_WEIGHING)
		session_step_weighed(s, parts);
}

void
session_tell_unfit(struct session *s, const char *text)
{
	if (s->state == SESSION_WEIGHING)
		session_step_unfit(s, text);
}

void
session_tell_later(struct session *s)
{
	if (s->state == SESSION_WEIGHING)
		session_step_later(s);
}

void
session_tell_stored(struct session *s, enum grpc_status status,
    const char *text)
{
	if (s->state == SESSION_STORING)
		session_finish_stored(s, status, text);
}

void
session_tell_stopped(struct session *s)
{
	session_end_stopped(s);
}

void
session_tell_time(struct session *s)
{
	char text[SESSION_TEXT];

	snprintf(text, sizeof(text),
	    "Remote machine check-in has failed on session: %s", s->id);
	switch (s->state) {
	case SESSION_LOADING:
		session_start_give_up(s, GRPC_DEADLINE_EXCEEDED,
		    "Deadline Exceeded");
		break;
	case SESSION_STARTING:
		session_start_give_up(s, GRPC_INTERNAL, text);
		break;
	case SESSION_RESTORING:
		session_restore_failed(s, GRPC_INTERNAL, text);
		break;
	case SESSION_RUNNING:
		session_step_look(s);
		break;
	case SESSION_WEIGHING:
		session_taint(s, GRPC_DEADLINE_EXCEEDED, "Deadline Exceeded");
		break;
	case SESSION_APPLYING:
	case SESSION_DISCARDING:
		session_taint(s, GRPC_INTERNAL, text);
		break;
	case SESSION_PAUSING:
		s->state = SESSION_IDLE;
		session_step(s);
		break;
	case SESSION_STORING:
		session_finish_late(s);
		break;
	case SESSION_IDLE:
	case SESSION_FAILING:
	case SESSION_STOPPING:
	case SESSION_STUCK:
		break;
	}
}
