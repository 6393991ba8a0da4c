#include "base/buf.h"
#include "base/err.h"
#include "messages/front_msgs.h"
#include "messages/launch_msgs.h"

void
front_msgs_put_admitted(struct buf *b, const struct front_admitted *a)
{
	buf_put_u8(b, a->interface);
	buf_put_u64(b, a->body_limit);
}

void
front_msgs_get_admitted(struct buf *b, struct front_admitted *a)
{
	a->interface = buf_get_u8(b);
	a->body_limit = buf_get_u64(b);
}

void
front_msgs_put_left(struct buf *b, const struct front_left *l)
{
	buf_put_u8(b, l->complete);
	buf_put_u32(b, l->status);
	buf_put_u64(b, l->bytes_in);
	buf_put_u64(b, l->bytes_out);
}

void
front_msgs_get_left(struct buf *b, struct front_left *l)
{
	l->complete = buf_get_u8(b) != 0;
	l->status = buf_get_u32(b);
	l->bytes_in = buf_get_u64(b);
	l->bytes_out = buf_get_u64(b);
}

void
front_msgs_put_ended(struct buf *b, const struct front_ended *x)
{
	buf_put_u8(b, x->cause);
	buf_put_u8(b, x->end);
	buf_put_u32(b, x->code);
	buf_put_u8(b, x->oom);
}

void
front_msgs_get_ended(struct buf *b, struct front_ended *x)
{
	x->cause = buf_get_u8(b);
	x->end = buf_get_u8(b);
	x->code = buf_get_u32(b);
	x->oom = buf_get_u8(b) != 0;
}

void
front_msgs_put_refused(struct buf *b, const struct err *why,
    const char *problems)
{
	buf_put_str(b, problems == NULL ? "" : problems);
	launch_msgs_put_error(b, why);
}

void
front_msgs_get_refused(struct buf *b, struct err *why,
    char problems[FRONT_PROBLEMS_MAX])
{
	buf_get_str(b, problems, FRONT_PROBLEMS_MAX);
	launch_msgs_get_error(b, why);
}
