#include <stdio.h>
#include <string.h>

#include "runtime/session_restore.h"
#include "runtime/session_view.h"
#include "tests/unit/session_journal.h"
#include "tests/unit/unit.h"

void
journal_session(struct journal *j, const struct session *s)
{
	memset(j, 0, sizeof(*j));
	snprintf(j->id, sizeof(j->id), "%s", session_view_id(s));
	j->machine = *session_view_machine(s);
	j->cycles = *session_view_cycles(s);
	j->deadlines = *session_view_deadlines(s);
	journal_epoch(j, session_view_active(s)->index,
	    &session_view_active(s)->machine);
}

void
journal_input(struct journal *j, const struct session_given *g)
{
	assert_true(j->ninputs < JOURNAL_INPUTS);
	j->input[j->ninputs].metadata = g->metadata;
	buf_add(&j->input[j->ninputs].payload, g->payload, g->len);
	j->ninputs++;
}

void
journal_done(struct journal *j, const struct session_done *d,
    const struct buf content[MACHINE_RANGES])
{
	struct session_done *to = &j->done[j->ndone++];

	assert_true(j->ndone <= j->ninputs);
	*to = *d;
	to->body = (struct buf){ 0 };
	buf_add(&to->body, d->body.data, d->body.len);
	for (int i = 0; content != NULL && i < MACHINE_RANGES; i++) {
		buf_reset(&j->content[i]);
		buf_add(&j->content[i], content[i].data, content[i].len);
	}
	j->has_content |= content != NULL;
}

void
journal_epoch(struct journal *j, uint64_t index,
    const struct merkle_hash *machine)
{
	assert_true(j->nepochs < JOURNAL_EPOCHS);
	j->epoch[j->nepochs].index = index;
	j->epoch[j->nepochs].machine = *machine;
	j->epoch[j->nepochs].first = j->ndone;
	j->nepochs++;
}

void
journal_taint(struct journal *j, const struct session_taint *t)
{
	j->taint = *t;
}

void
journal_restore(const struct journal *j, struct sessions *all)
{
	const struct session_image image = { .id = j->id,
		.machine = &j->machine,
		.cycles = j->cycles,
		.deadlines = j->deadlines,
		.taint = &j->taint,
		.content = j->has_content ? j->content : NULL };
	struct session *s = session_restore(all, &image);
	size_t last;

	assert_non_null(s);
	assert_null(session_restore(all, &image));
	for (size_t e = 0; e < j->nepochs; e++) {
		session_restore_epoch(s, j->epoch[e].index,
		    &j->epoch[e].machine);
		last = e + 1 < j->nepochs ? j->epoch[e + 1].first : j->ndone;
		for (size_t i = j->epoch[e].first; i < last; i++)
			session_restore_done(s, &j->done[i]);
	}
	for (size_t i = j->ndone; i < j->ninputs; i++)
		session_restore_input(s, &j->input[i].metadata,
		    j->input[i].payload.data, j->input[i].payload.len);
	session_restore_end(s);
}

void
journal_fini(struct journal *j)
{
	for (size_t i = 0; i < j->ndone; i++)
		buf_fini(&j->done[i].body);
	for (size_t i = 0; i < j->ninputs; i++)
		buf_fini(&j->input[i].payload);
	for (int i = 0; i < MACHINE_RANGES; i++)
		buf_fini(&j->content[i]);
	memset(j, 0, sizeof(*j));
}
