#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/exchange.h"
#include "runtime/function.h"
#include "runtime/function_asgi.h"
#include "runtime/function_binary.h"
#include "runtime/instance.h"

int
function_parse_request(const char *text, bool has_body,
    struct function_request *r, struct err *e)
{
	static const char token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
	size_t n, len;

	memset(r, 0, sizeof(*r));
	if (text == NULL)
		text = has_body ? "POST /" : "GET /";
	n = strspn(text, token);
	if (n == 0 || n >= sizeof(r->method) || text[n] != ' ' ||
	    text[n + 1] != '/')
		return err_set(e, ERR_INVALID,
		    "--request: not METHOD /path, as in 'POST /items?id=1'");
	memcpy(r->method, text, n);
	text += n + 1;
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f || *p == '#')
			return err_set(e, ERR_INVALID,
			    "--request: a blank, a control character or a # "
			    "in the path");
	len = strcspn(text, "?");
	if (len >= sizeof(r->path) || strlen(text) - len >= sizeof(r->query))
		return err_set(e, ERR_INVALID, "--request: too long");
	memcpy(r->path, text, len);
	if (text[len] == '?')
		strcpy(r->query, text + len + 1);
	return 0;
}

/* The request's body; the caller frees. */
static int
read_body(const struct function_input *in, char **data, size_t *len,
    struct err *e)
{
	if (in->input == -1) {
		*data = str_dup("");
		*len = 0;
		return 0;
	}
	if (fd_read_all(in->input, in->body_limit, data, len, e) == -1)
		return err_in(e, "--input");
	return 0;
}

int
function_start(const struct function_input *in, struct exchange *x,
    struct err *e)
{
	struct exchange_headers headers = { 0 };
	struct function_request r;
	char *body;
	size_t len;

	if (function_parse_request(in->request, in->input != -1, &r, e) == -1 ||
	    read_body(in, &body, &len, e) == -1)
		return -1;
	(void)exchange_headers_add(&headers, "host", 4, "localhost", 9);
	exchange_start(x, in->program->code.interface, EXCHANGE_ONCE,
	    in->body_limit,
	    &(struct exchange_request){ r.method, r.path, r.query, &headers,
		(long long)len, false, NULL });
	exchange_send(x, body, len);
	exchange_send_end(x);
	exchange_headers_fini(&headers);
	free(body);
	return 0;
}

static int
take_body(const struct function_input *in, struct function_reply *r,
    const struct buf *b, struct err *e)
{
	r->total += b->len;
	if (r->total > in->body_limit)
		return err_set(e, ERR_GUEST,
		    "the reply is longer than %llu bytes",
		    (unsigned long long)in->body_limit);
	if (in->output == -1)
		buf_add(&r->body, b->data, b->len);
	else if (fd_write_full(in->output, b->data, b->len) == -1)
		return err_sys(e, "standard output");
	return 0;
}

int
function_receive(const struct function_input *in, struct exchange *x,
    struct function_reply *reply, const char *data, size_t len, struct err *e)
{
	int r = len == 0 ? exchange_receive_end(x, e)
			 : exchange_receive(x, data, len, e);

	if (r == 0 && x->body.len > 0)
		r = take_body(in, reply, &x->body, e);
	buf_reset(&x->body);
	reply->status = x->status;
	reply->complete = x->complete;
	return r;
}

int
function_check_reply(const struct instance *i,
    const struct function_reply *reply, struct err *e)
{
	if (reply->complete || i->exited.end != LAUNCH_END_EXIT ||
	    i->exited.code != 0)
		return 0;
	return err_set(e, ERR_GUEST, "the function ended without a reply");
}

static int
run_exec(const struct function_input *in, struct instance *i,
    struct launcher_link *link, struct err *e)
{
	if (in->request != NULL)
		return err_set(e, ERR_INVALID,
		    "--request: an exec function takes standard input; use "
		    "--input");
	i->input = in->input;
	return instance_run(i, link, e);
}

int
function_run(const struct function_input *in, struct instance *i,
    struct launcher_link *link, struct function_reply *reply, struct err *e)
{
	if (in->shell)
		return run_exec(in, i, link, e);
	switch (in->program->code.interface) {
	case ALEPH_ASGI:
		return function_asgi_run(in, i, link, reply, e);
	case ALEPH_BINARY:
		return function_binary_run(in, i, link, reply, e);
	default:
		break;
	}
	return run_exec(in, i, link, e);
}
