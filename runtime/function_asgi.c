#include "base/err.h"
#include "runtime/exchange.h"
#include "runtime/function_asgi.h"
#include "runtime/instance.h"

struct work {
	const struct function_input *in;
	struct function_reply *reply;
	struct exchange exchange;
};

static void
send_what_is_due(struct work *w, struct instance *i)
{
	struct exchange *x = &w->exchange;

	if (x->held)
		return;
	if (x->out.len > x->out.at)
		instance_send(i, x->out.data + x->out.at,
		    x->out.len - x->out.at);
	buf_reset(&x->out);
	if (x->out_ends)
		instance_end_channel(i);
}

static int
received(struct instance *i, void *arg, const char *data, size_t len,
    struct err *e)
{
	struct work *w = arg;
	int r = function_receive(w->in, &w->exchange, w->reply, data, len, e);

	send_what_is_due(w, i);
	return r;
}

int
function_asgi_run(const struct function_input *in, struct instance *i,
    struct launcher_link *link, struct function_reply *reply, struct err *e)
{
	struct work w = { .in = in, .reply = reply };
	const struct instance_channel channel = { received, &w };
	int r;

	if (function_start(in, &w.exchange, e) == -1)
		return -1;
	i->channel = &channel;
	r = instance_run(i, link, e);
	i->channel = NULL;
	if (r == 0)
		r = function_check_reply(i, reply, e);
	exchange_fini(&w.exchange);
	return r;
}
