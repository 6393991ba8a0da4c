#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/front_call.h"
#include "runtime/front_invoke.h"

struct invocation {
	struct front *front;
	uint32_t serial; /* core's */
	struct front_call *call;
	struct loop_timer soon;
	bool truncated;
	struct buf reply;
};

static void
finish(struct invocation *v, const struct front_invoked *what,
    const struct err *why)
{
	struct front *f = v->front;
	buf_auto struct buf b = { 0 };
	fd_auto int fd = -1;
	struct err e;

	if (what->called)
		fd = fd_sealed("reply", v->reply.data, v->reply.len, &e);
	front_msgs_put_invoked(&b, what, why);
	frame_link_send(&f->core, FRONT_INVOKED, v->serial, &b, &fd,
	    fd == -1 ? 0 : 1);
	loop_timer_stop(f->loop, &v->soon);
	f->ninvocations--;
	front_call_leave(v->call);
	buf_fini(&v->reply);
	free(v);
	front_is_idle(f);
}

static void
take_body(struct invocation *v)
{
	struct buf *b = &v->call->exchange.body;
	size_t n = b->len - b->at, room = FRONT_BODY_MAX - v->reply.len;

	if (n > room)
		v->truncated = true;
	buf_add(&v->reply, b->data + b->at, n < room ? n : room);
	b->at = b->len;
	front_call_taken(v->call);
}

/* The call may be in the middle of something: this is its own turn. */
static void
look(void *arg)
{
	struct invocation *v = arg;
	struct front_call *c = v->call;
	const struct exchange *x = &c->exchange;
	struct front_invoked what = { .called = false };
	struct err why;

	if (c->admitted && !c->failed)
		take_body(v);
	if (c->failed) {
		finish(v, &what, &c->why);
		return;
	}
	if (!c->admitted)
		return;
	if (x->complete && (x->interface != ALEPH_EXEC || c->ended)) {
		what = (struct front_invoked){ true, (uint32_t)x->status,
			v->truncated };
		finish(v, &what, NULL);
	} else if (!x->complete && x->phase == EXCHANGE_END) {
		err_set(&why, ERR_GUEST, "the function failed");
		finish(v, &what, &why);
	}
}

static void
changed(void *arg)
{
	struct invocation *v = arg;

	loop_timer_set(v->front->loop, &v->soon, 0, look, v);
}

static void
start(struct front *f, uint32_t serial, uint64_t job,
    const struct front_invoke *call, const char *body, size_t len)
{
	struct exchange_headers headers = { 0 };
	struct exchange_request r = { call->method, call->path, call->query,
		&headers, (long long)len, false,
		call->event[0] == '\0' ? NULL : call->event };
	struct invocation *v = calloc(1, sizeof(*v));

	invariant(v != NULL);
	v->front = f;
	v->serial = serial;
	f->ninvocations++;
	for (size_t i = 0; i < call->nheaders; i++)
		(void)exchange_headers_add(&headers, call->name[i],
		    strlen(call->name[i]), call->text[i],
		    strlen(call->text[i]));
	v->call = front_call_start(f, call->hash, "", job, &r, changed, v);
	exchange_headers_fini(&headers);
	front_call_send(v->call, body, len);
	front_call_send_end(v->call);
}

int
front_invoke_hear(struct front *f, struct frame *frame, struct err *e)
{
	uint64_t job = buf_get_u64(&frame->body);
	struct front_invoke call;
	char *body = NULL;
	size_t len = 0;
	int r = -1;

	front_msgs_get_invoke(&frame->body, &call);
	if (!buf_ok(&frame->body) || frame->nfds != 1)
		err_set(e, ERR_SYSTEM, "core: malformed frame");
	else
		r = fd_read_all(frame->fds[0], FRONT_BODY_MAX, &body, &len, e);
	if (r == 0)
		start(f, frame->serial, job, &call, body, len);
	free(body);
	free(call.room);
	return r;
}
