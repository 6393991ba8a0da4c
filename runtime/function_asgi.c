#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/channel.h"
#include "messages/channel_json.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/function_asgi.h"
#include "runtime/instance.h"

/* Where the exchange is; each frame is allowed in some of them. */
enum phase {
	PHASE_START,    /* READY is due */
	PHASE_ANSWER,   /* RESPONSE, OUTPUT or FAILED is due */
	PHASE_BODY,     /* BODY or BODY_END */
	PHASE_SHUTDOWN, /* BYE */
	PHASE_DONE,
};

struct exchange {
	const struct function_input *in;
	struct function_reply *reply;
	struct function_request request;
	char *body;
	size_t len;
	struct channel_reader reader;
	struct channel_dialogue dialogue;
	enum phase phase;
};

static void
send_frame(struct instance *i, uint32_t kind, const void *payload, size_t len)
{
	buf_auto struct buf b = { 0 };

	channel_put(&b, kind, payload, len);
	instance_send(i, b.data, b.len);
}

static void
add_header(struct value *list, const char *name, const char *text)
{
	struct value *pair = value_add(list, value_new(VALUE_LIST));
	char *b64 = channel_json_base64(name, strlen(name));

	value_add_text(pair, b64);
	free(b64);
	b64 = channel_json_base64(text, strlen(text));
	value_add_text(pair, b64);
	free(b64);
}

static void
set_base64(struct value *v, const char *key, const char *text)
{
	char *b64 = channel_json_base64(text, strlen(text));

	value_set_text(v, key, b64);
	free(b64);
}

static void
send_request(struct exchange *x, struct instance *i)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *headers;
	char *text;

	value_set_int(v, "DialogueNonce", channel_dialogue_send(&x->dialogue));
	value_set_int(v, "Kind", CHANNEL_REQUEST);
	value_set_text(v, "ErrorMessage", "");
	value_set_text(v, "Method", x->request.method);
	set_base64(v, "Path", x->request.path);
	set_base64(v, "Query", x->request.query);
	headers = value_set_list(v, "Headers");
	add_header(headers, "host", "localhost");
	text = str_printf("%zu", x->len);
	add_header(headers, "content-length", text);
	free(text);
	text = json_emit(v, JSON_AS_LINE);
	send_frame(i, CHANNEL_REQUEST, text, strlen(text));
	free(text);
	for (size_t at = 0; at < x->len; at += CHANNEL_PAYLOAD_MAX)
		send_frame(i, CHANNEL_BODY, x->body + at,
		    x->len - at < CHANNEL_PAYLOAD_MAX ? x->len - at
						      : CHANNEL_PAYLOAD_MAX);
	send_frame(i, CHANNEL_BODY_END, NULL, 0);
	x->phase = PHASE_ANSWER;
}

static int
out_of_order(const struct channel_frame *f, struct err *e)
{
	return err_set(e, ERR_GUEST, "channel: frame %u out of order", f->kind);
}

/* The JSON payload of an answer, its nonce and its kind checked. */
static struct channel_json *
parse_answer(struct exchange *x, const struct channel_frame *f, struct err *e)
{
	struct channel_json *v = channel_json_parse(f->payload, f->len, e);
	const char *kind = channel_json_text(v, "Kind");
	char want[16];

	if (v == NULL)
		return NULL;
	snprintf(want, sizeof(want), "%u", f->kind);
	if (kind == NULL || strcmp(kind, want) != 0) {
		err_set(e, ERR_GUEST, "channel: kind is not the frame's");
	} else if (channel_dialogue_receive(&x->dialogue,
		       channel_json_text(v, "DialogueNonce"), e) == 0) {
		return v;
	}
	channel_json_free(v);
	return NULL;
}

static void
shut_down(struct exchange *x, struct instance *i, bool complete)
{
	x->reply->complete = complete;
	send_frame(i, CHANNEL_SHUTDOWN, NULL, 0);
	instance_end_channel(i);
	x->phase = PHASE_SHUTDOWN;
}

static int
take_response(struct exchange *x, const struct channel_json *v, struct err *e)
{
	const char *status = channel_json_text(v, "Status");
	char *end;
	long n;

	n = status == NULL ? 0 : strtol(status, &end, 10);
	if (status == NULL || *end != '\0' || n < 100 || n > 999)
		return err_set(e, ERR_GUEST,
		    "channel: the response has no status");
	x->reply->status = (int)n;
	x->phase = PHASE_BODY;
	return 0;
}

/* A string as it is, anything else as JSON. */
static int
take_output(struct exchange *x, const struct channel_json *v,
    const struct channel_frame *f, struct err *e)
{
	const struct channel_json *output = channel_json_get(v, "Output");
	value_auto struct value *all = NULL;
	char *text;
	int r;

	if (output == NULL)
		return err_set(e, ERR_GUEST, "channel: no output");
	if (output->kind == CHANNEL_JSON_STRING ||
	    output->kind == CHANNEL_JSON_NUMBER)
		return function_take_body(x->in, x->reply, output->text,
		    output->len, e);
	all = json_parse(f->payload, f->len, e);
	if (all == NULL)
		return -1;
	text = json_emit(value_get(all, "Output"), JSON_AS_LINE);
	r = function_take_body(x->in, x->reply, text, strlen(text), e);
	free(text);
	return r;
}

static int
take_answer(struct exchange *x, struct instance *i,
    const struct channel_frame *f, struct err *e)
{
	struct channel_json *v;
	int r = 0;

	if (f->kind != CHANNEL_RESPONSE && f->kind != CHANNEL_OUTPUT &&
	    f->kind != CHANNEL_FAILED)
		return out_of_order(f, e);
	v = parse_answer(x, f, e);
	if (v == NULL)
		return -1;
	if (f->kind == CHANNEL_RESPONSE) {
		r = take_response(x, v, e);
	} else {
		if (f->kind == CHANNEL_OUTPUT)
			r = take_output(x, v, f, e);
		shut_down(x, i, f->kind == CHANNEL_OUTPUT);
	}
	channel_json_free(v);
	return r;
}

static int
take_frame(struct exchange *x, struct instance *i,
    const struct channel_frame *f, struct err *e)
{
	switch (x->phase) {
	case PHASE_START:
		if (f->kind != CHANNEL_READY)
			return out_of_order(f, e);
		send_request(x, i);
		return 0;
	case PHASE_ANSWER:
		return take_answer(x, i, f, e);
	case PHASE_BODY:
		if (f->kind == CHANNEL_BODY)
			return function_take_body(x->in, x->reply, f->payload,
			    f->len, e);
		if (f->kind == CHANNEL_FAILED) {
			shut_down(x, i, false);
			return 0;
		}
		if (f->kind != CHANNEL_BODY_END)
			return out_of_order(f, e);
		shut_down(x, i, true);
		return 0;
	case PHASE_SHUTDOWN:
		if (f->kind != CHANNEL_BYE)
			return out_of_order(f, e);
		x->phase = PHASE_DONE;
		return 0;
	case PHASE_DONE:
		break;
	}
	return out_of_order(f, e);
}

static int
received(struct instance *i, void *arg, const char *data, size_t len,
    struct err *e)
{
	struct exchange *x = arg;
	struct channel_frame f;
	int r;

	channel_feed(&x->reader, data, len);
	while ((r = channel_next(&x->reader, &f, e)) == 1)
		if (take_frame(x, i, &f, e) == -1)
			return -1;
	return r;
}

int
function_asgi_run(const struct function_input *in, struct instance *i,
    struct launcher_link *link, struct function_reply *reply, struct err *e)
{
	struct exchange x = { .in = in, .reply = reply };
	const struct instance_channel channel = { received, &x };
	int r =
	    function_parse_request(in->request, in->input != -1, &x.request, e);

	if (r == 0)
		r = function_read_body(in, &x.body, &x.len, e);
	if (r == 0) {
		i->channel = &channel;
		r = instance_run(i, link, e);
		i->channel = NULL;
	}
	if (r == 0)
		r = function_check_reply(i, reply, e);
	channel_reader_fini(&x.reader);
	free(x.body);
	return r;
}
