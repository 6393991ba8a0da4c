#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "messages/front_msgs.h"
#include "messages/launch_msgs.h"

void
front_msgs_put_admitted(struct buf *b, const struct front_admitted *a)
{
	buf_put_u8(b, a->interface);
	buf_put_u64(b, a->body_limit);
	buf_put_u8(b, a->life);
}

void
front_msgs_get_admitted(struct buf *b, struct front_admitted *a)
{
	a->interface = buf_get_u8(b);
	a->body_limit = buf_get_u64(b);
	a->life = buf_get_u8(b);
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

static const struct err no_error;

void
front_msgs_put_invoke(struct buf *b, const struct front_invoke *v)
{
	buf_put_str(b, v->event);
	buf_put_str(b, v->hash);
	buf_put_str(b, v->method);
	buf_put_str(b, v->path);
	buf_put_str(b, v->query);
	buf_put_u32(b, (uint32_t)v->nheaders);
	for (size_t i = 0; i < v->nheaders; i++) {
		buf_put_str(b, v->name[i]);
		buf_put_str(b, v->text[i]);
	}
}

/* As long as all that is left, at most. */
static const char *
get_text(struct buf *b, char **room, const char *end)
{
	char *text = *room;

	buf_get_str(b, text, (size_t)(end - text));
	if (b->failed)
		return "";
	*room += strlen(text) + 1;
	return text;
}

void
front_msgs_get_invoke(struct buf *b, struct front_invoke *v)
{
	size_t size = b->len - b->at + 1;
	char *at = malloc(size);
	const char *end = at + size;
	uint32_t n;

	invariant(at != NULL);
	memset(v, 0, sizeof(*v));
	v->room = at;
	v->event = get_text(b, &at, end);
	v->hash = get_text(b, &at, end);
	v->method = get_text(b, &at, end);
	v->path = get_text(b, &at, end);
	v->query = get_text(b, &at, end);
	n = buf_get_u32(b);
	if (n > FRONT_HEADERS_MAX)
		b->failed = true;
	for (; !b->failed && v->nheaders < n; v->nheaders++) {
		v->name[v->nheaders] = get_text(b, &at, end);
		v->text[v->nheaders] = get_text(b, &at, end);
	}
}

void
front_msgs_put_invoked(struct buf *b, const struct front_invoked *v,
    const struct err *why)
{
	buf_put_u8(b, v->called);
	buf_put_u32(b, v->status);
	buf_put_u8(b, v->truncated);
	launch_msgs_put_error(b, why == NULL ? &no_error : why);
}

void
front_msgs_get_invoked(struct buf *b, struct front_invoked *v, struct err *why)
{
	v->called = buf_get_u8(b) != 0;
	v->status = buf_get_u32(b);
	v->truncated = buf_get_u8(b) != 0;
	launch_msgs_get_error(b, why);
}
