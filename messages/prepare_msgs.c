#include "base/buf.h"
#include "messages/prepare_msgs.h"

void
prepare_msgs_put_program(struct buf *b, const struct prepare_program *p)
{
	buf_put_u8(b, p->kind);
	buf_put_str(b, p->hash);
	buf_put_str(b, p->digest);
	buf_put_str(b, p->sender);
	buf_put_u8(b, p->unverified);
	buf_put_u8(b, p->on_http);
	buf_put_u8(b, p->persistent);
	buf_put_u8(b, p->interface);
	buf_put_u64(b, p->wall_ns);
	buf_put_str(b, p->cron);
	buf_put_str(b, p->subscriptions);
	buf_put_str(b, p->forgets);
}

void
prepare_msgs_get_program(struct buf *b, struct prepare_program *p)
{
	p->kind = buf_get_u8(b);
	buf_get_str(b, p->hash, sizeof(p->hash));
	buf_get_str(b, p->digest, sizeof(p->digest));
	buf_get_str(b, p->sender, sizeof(p->sender));
	p->unverified = buf_get_u8(b) != 0;
	p->on_http = buf_get_u8(b) != 0;
	p->persistent = buf_get_u8(b) != 0;
	p->interface = buf_get_u8(b);
	p->wall_ns = buf_get_u64(b);
	buf_get_str(b, p->cron, sizeof(p->cron));
	buf_get_str(b, p->subscriptions, sizeof(p->subscriptions));
	buf_get_str(b, p->forgets, sizeof(p->forgets));
}

void
prepare_msgs_put_assembled(struct buf *b, const struct prepare_assembled *a)
{
	buf_put_u8(b, a->interface);
	buf_put_u8(b, a->on_http);
	buf_put_u8(b, a->reusable);
	buf_put_u8(b, a->has_export);
	buf_put_u8(b, a->kept);
	buf_put_u8(b, a->zygote);
}

void
prepare_msgs_get_assembled(struct buf *b, struct prepare_assembled *a)
{
	a->interface = buf_get_u8(b);
	a->on_http = buf_get_u8(b) != 0;
	a->reusable = buf_get_u8(b) != 0;
	a->has_export = buf_get_u8(b) != 0;
	a->kept = buf_get_u8(b) != 0;
	a->zygote = buf_get_u8(b) != 0;
}
