#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/session_restore.h"
#include "runtime/session_work.h"

struct session *
session_restore(struct sessions *all, const struct session_image *image)
{
	struct session *s;

	if (session_find(all, image->id) != NULL)
		return NULL;
	s = session_make(all, image->id);
	s->machine = *image->machine;
	s->cycles = image->cycles;
	s->deadlines = image->deadlines;
	if (image->taint != NULL)
		s->taint = *image->taint;
	s->state = SESSION_RESTORING;
	s->locked_by = "Restart";
	snprintf(s->locked_from, sizeof(s->locked_from), "the node");
	/* Its bytes alone: hashed with the machine's parts. */
	for (int i = 0; image->content != NULL && i < MACHINE_RANGES; i++)
		buf_add(&s->memory.bytes[i], image->content[i].data,
		    image->content[i].len);
	s->has_content = image->content != NULL;
	return s;
}

void
session_restore_epoch(struct session *s, uint64_t index,
    const struct merkle_hash *machine)
{
	if (s->active != NULL)
		s->active->finished = true;
	session_start_epoch(s, index, machine);
}

void
session_restore_done(struct session *s, const struct session_done *d)
{
	struct session_done copy = *d;

	copy.body = (struct buf){ 0 };
	buf_add(&copy.body, d->body.data, d->body.len);
	session_step_add_done(s, &copy);
}

void
session_restore_input(struct session *s, const struct rollup_metadata *m,
    const void *payload, size_t len)
{
	session_add_input(s, session_make_input(m, payload, len));
}

void
session_restore_end(struct session *s)
{
	const struct session_ops *ops = s->all->ops;

	invariant(s->active != NULL);
	if (s->taint.status != GRPC_OK) {
		/* It is looked at, and ended: that needs no machine. */
		s->state = SESSION_STUCK;
		s->is_stopped = true;
		s->locked_by = NULL;
		return;
	}
	s->asked_ns = ops->now(s->all->owner);
	session_step_timer(s,
	    session_step_after(s->asked_ns, s->deadlines.machine));
	ops->load(s->all->owner, s, "");
}

/* ---- its machine ---- */

void
session_restore_opened(struct session *s,
    const struct buf content[MACHINE_RANGES], const struct session_parts *parts)
{
	struct session_memory was = s->memory;
	struct merkle_hash h;

	memset(&s->memory, 0, sizeof(s->memory));
	session_memory_start(&s->memory, &s->machine,
	    s->has_content ? was.bytes : content, parts);
	session_memory_fini(&was);
	session_memory_hash(&s->memory, &s->machine, &h);
	if (!merkle_is_same(&h, &s->active->machine)) {
		session_restore_failed(s, GRPC_INTERNAL,
		    "machine hash is changed after restart");
		return;
	}
	session_step_timer(s,
	    session_step_after(s->all->ops->now(s->all->owner),
		s->deadlines.checkin));
}

void
session_restore_failed(struct session *s, enum grpc_status status,
    const char *text)
{
	s->locked_by = NULL;
	session_taint(s, status, text);
}

void
session_restore_ready(struct session *s)
{
	s->locked_by = NULL;
	s->state = SESSION_IDLE;
	session_step(s);
}
