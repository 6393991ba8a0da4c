#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "messages/channel.h"

void
channel_reader_fini(struct channel_reader *r)
{
	buf_fini(&r->in);
}

void
channel_feed(struct channel_reader *r, const void *data, size_t len)
{
	buf_add(&r->in, data, len);
}

static uint32_t
read_u32(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	    (uint32_t)b[3] << 24;
}

int
channel_next(struct channel_reader *r, struct channel_frame *f, struct err *e)
{
	struct buf *b = &r->in;
	const uint32_t max = r->max == 0 ? CHANNEL_PAYLOAD_MAX : r->max;
	uint32_t len;

	if (b->len - b->at < CHANNEL_HEAD) {
		/* What was taken makes room: a frame never moves twice. */
		if (b->at > 0) {
			memmove(b->data, b->data + b->at, b->len - b->at);
			b->len -= b->at;
			b->at = 0;
		}
		return 0;
	}
	len = read_u32(b->data + b->at);
	if (len > max)
		return err_set(e, ERR_GUEST,
		    "channel: a frame of %u bytes, at most %u", len, max);
	if (b->len - b->at - CHANNEL_HEAD < len)
		return 0;
	f->len = len;
	f->kind = read_u32(b->data + b->at + 4);
	f->payload = b->data + b->at + CHANNEL_HEAD;
	b->at += CHANNEL_HEAD + len;
	return 1;
}

void
channel_put(struct buf *b, uint32_t kind, const void *payload, size_t len)
{
	invariant(len <= UINT32_MAX);
	buf_put_u32(b, (uint32_t)len);
	buf_put_u32(b, kind);
	buf_add(b, payload, len);
}

uint32_t
channel_dialogue_send(struct channel_dialogue *d)
{
	return ++d->counter;
}

int
channel_dialogue_receive(struct channel_dialogue *d, const char *nonce,
    struct err *e)
{
	char due[16];

	snprintf(due, sizeof(due), "%u", d->counter + 1);
	if (nonce == NULL || strcmp(nonce, due) != 0)
		return err_set(e, ERR_GUEST, "invalid dialogue nonce");
	d->counter++;
	return 0;
}
