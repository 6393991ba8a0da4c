#include <string.h>

#include "base/buf.h"
#include "messages/session_msgs.h"

void
session_msgs_put(struct buf *b, const struct session_msgs *m)
{
	const struct rollup_metadata *x = &m->metadata;

	buf_put_u8(b, m->what);
	buf_put_str(b, m->peer);
	buf_put_str(b, m->id);
	buf_put_str(b, m->directory);
	buf_put_u64(b, m->epoch);
	buf_put_u64(b, m->number);
	buf_put_u8(b, m->has_cycles);
	for (int i = 0; i < SESSION_MSGS_CYCLES; i++)
		buf_put_u64(b, m->cycles[i]);
	buf_put_u8(b, m->has_deadlines);
	for (int i = 0; i < SESSION_MSGS_DEADLINES; i++)
		buf_put_u64(b, m->deadlines[i]);
	buf_put_u8(b, m->has_metadata);
	buf_put_u8(b, m->has_sender);
	buf_put_u32(b, m->sender_len);
	buf_add(b, x->sender.byte, sizeof(x->sender.byte));
	buf_put_u64(b, x->block_number);
	buf_put_u64(b, x->timestamp);
	buf_put_u64(b, x->epoch_index);
	buf_put_u64(b, x->input_index);
}

void
session_msgs_get(struct buf *b, struct session_msgs *m)
{
	struct rollup_metadata *x = &m->metadata;

	memset(m, 0, sizeof(*m));
	m->what = buf_get_u8(b);
	buf_get_str(b, m->peer, sizeof(m->peer));
	buf_get_str(b, m->id, sizeof(m->id));
	buf_get_str(b, m->directory, sizeof(m->directory));
	m->epoch = buf_get_u64(b);
	m->number = buf_get_u64(b);
	m->has_cycles = buf_get_u8(b) != 0;
	for (int i = 0; i < SESSION_MSGS_CYCLES; i++)
		m->cycles[i] = buf_get_u64(b);
	m->has_deadlines = buf_get_u8(b) != 0;
	for (int i = 0; i < SESSION_MSGS_DEADLINES; i++)
		m->deadlines[i] = buf_get_u64(b);
	m->has_metadata = buf_get_u8(b) != 0;
	m->has_sender = buf_get_u8(b) != 0;
	m->sender_len = buf_get_u32(b);
	for (size_t i = 0; i < sizeof(x->sender.byte); i++)
		x->sender.byte[i] = buf_get_u8(b);
	x->block_number = buf_get_u64(b);
	x->timestamp = buf_get_u64(b);
	x->epoch_index = buf_get_u64(b);
	x->input_index = buf_get_u64(b);
	if (m->what >= SESSION_MSGS_WHATS)
		b->failed = true;
}
