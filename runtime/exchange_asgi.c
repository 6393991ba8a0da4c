#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/base64.h"
#include "messages/channel_json.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/exchange.h"

static void
add_base64(struct value *list, const char *text)
{
	char *b64 = base64_text(text, strlen(text));

	value_add_text(list, b64);
	free(b64);
}

static void
add_header(struct value *list, const char *name, const char *text)
{
	struct value *pair = value_add(list, value_new(VALUE_LIST));

	add_base64(pair, name);
	add_base64(pair, text);
}

static void
set_base64(struct value *v, const char *key, const char *text)
{
	char *b64 = base64_text(text, strlen(text));

	value_set_text(v, key, b64);
	free(b64);
}

/* Held back until the application is there: the order of docs/channel.md. */
static void
asgi_start(struct exchange *x, const struct exchange_request *r)
{
	value_auto struct value *v = value_new(VALUE_MAP);
	struct value *headers;
	char *text;

	value_set_int(v, "DialogueNonce", channel_dialogue_send(&x->dialogue));
	value_set_int(v, "Kind", CHANNEL_REQUEST);
	value_set_text(v, "ErrorMessage", "");
	value_set_text(v, "Method", r->method);
	set_base64(v, "Path", r->path);
	set_base64(v, "Query", r->query);
	if (r->event != NULL)
		value_set_text(v, "Event", r->event);
	headers = value_set_list(v, "Headers");
	for (size_t i = 0; i < r->headers->len; i++)
		add_header(headers, r->headers->item[i].name,
		    r->headers->item[i].text);
	if (r->length >= 0) {
		text = str_printf("%lld", r->length);
		add_header(headers, "content-length", text);
		free(text);
	}
	text = json_emit(v, JSON_AS_LINE);
	channel_put(&x->out, CHANNEL_REQUEST, text, strlen(text));
	free(text);
	/* READY comes once. */
	if (x->life == EXCHANGE_NEXT)
		return;
	x->phase = EXCHANGE_START;
	x->held = true;
}

static void
asgi_send(struct exchange *x, const void *data, size_t len)
{
	const char *at = data;
	size_t n;

	for (; len > 0; at += n, len -= n) {
		n = len < CHANNEL_PAYLOAD_MAX ? len : CHANNEL_PAYLOAD_MAX;
		channel_put(&x->out, CHANNEL_BODY, at, n);
	}
}

/* The reply may be over before the request is: then it is this that ends it. */
static void
shut_down_if_over(struct exchange *x)
{
	if (x->phase != EXCHANGE_END || !x->request_over || x->out_ends)
		return;
	if (x->life != EXCHANGE_ONCE) {
		if (x->complete)
			x->phase = EXCHANGE_OVER;
		return; /* what failed is closed */
	}
	channel_put(&x->out, CHANNEL_SHUTDOWN, NULL, 0);
	x->out_ends = true;
}

static void
asgi_send_end(struct exchange *x)
{
	channel_put(&x->out, CHANNEL_BODY_END, NULL, 0);
	shut_down_if_over(x);
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
end_reply(struct exchange *x, bool complete)
{
	x->complete = complete;
	x->phase = EXCHANGE_END;
	shut_down_if_over(x);
}

static int
take_header(struct exchange *x, const struct channel_json *pair, struct err *e)
{
	char *name, *text;
	size_t nname, ntext;
	int r;

	if (pair->kind != CHANNEL_JSON_LIST || pair->len != 2 ||
	    pair->item[0]->kind != CHANNEL_JSON_STRING ||
	    pair->item[1]->kind != CHANNEL_JSON_STRING)
		return err_set(e, ERR_GUEST, "reply: a malformed header");
	name = base64_bytes(pair->item[0]->text, strlen(pair->item[0]->text),
	    &nname);
	text = base64_bytes(pair->item[1]->text, strlen(pair->item[1]->text),
	    &ntext);
	if (name == NULL || text == NULL)
		r = err_set(e, ERR_GUEST, "reply: a malformed header");
	else
		r = exchange_add_header(x, name, nname, text, ntext, e);
	free(name);
	free(text);
	return r;
}

static int
take_response(struct exchange *x, const struct channel_json *v, struct err *e)
{
	const char *status = channel_json_text(v, "Status");
	const struct channel_json *headers = channel_json_get(v, "Headers");
	char *end;
	long n;

	n = status == NULL ? 0 : strtol(status, &end, 10);
	if (status == NULL || *end != '\0' || n < 200 || n > 999)
		return err_set(e, ERR_GUEST,
		    "channel: the response has no status");
	for (size_t i = 0; headers != NULL &&
	     headers->kind == CHANNEL_JSON_LIST && i < headers->len;
	     i++)
		if (take_header(x, headers->item[i], e) == -1)
			return -1;
	x->status = (int)n;
	x->phase = EXCHANGE_BODY;
	return 0;
}

/* As channel_json_get() found it, whatever the case of its name. */
static const struct value *
find_output(const struct value *all)
{
	for (size_t i = all == NULL ? 0 : all->len; i-- > 0;)
		if (all->kind == VALUE_MAP &&
		    strcasecmp(all->key[i], "Output") == 0)
			return all->item[i];
	return NULL;
}

/* A string as it is, anything else as JSON. */
static int
take_output(struct exchange *x, const struct channel_json *v,
    const struct channel_frame *f, struct err *e)
{
	const struct channel_json *output = channel_json_get(v, "Output");
	value_auto struct value *all = NULL;
	const struct value *found;
	char *text;
	int r;

	if (output == NULL)
		return err_set(e, ERR_GUEST, "channel: no output");
	if (output->kind == CHANNEL_JSON_STRING ||
	    output->kind == CHANNEL_JSON_NUMBER)
		return exchange_take_body(x, output->text, output->len, e);
	all = json_parse(f->payload, f->len, e);
	found = find_output(all);
	if (found == NULL)
		return err_set(e, ERR_GUEST, "channel: no output");
	text = json_emit(found, JSON_AS_LINE);
	r = exchange_take_body(x, text, strlen(text), e);
	free(text);
	return r;
}

static int
take_answer(struct exchange *x, const struct channel_frame *f, struct err *e)
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
		end_reply(x, f->kind == CHANNEL_OUTPUT && r == 0);
	}
	channel_json_free(v);
	return r;
}

static int
take_body(struct exchange *x, const struct channel_frame *f, struct err *e)
{
	if (f->kind == CHANNEL_BODY)
		return exchange_take_body(x, f->payload, f->len, e);
	if (f->kind == CHANNEL_FAILED) {
		end_reply(x, false);
		return 0;
	}
	if (f->kind != CHANNEL_BODY_END)
		return out_of_order(f, e);
	if (x->length != -1 && !x->no_body && x->total < (uint64_t)x->length)
		return err_set(e, ERR_GUEST,
		    "the reply is shorter than it said");
	end_reply(x, true);
	return 0;
}

static int
take_frame(struct exchange *x, const struct channel_frame *f, struct err *e)
{
	switch (x->phase) {
	case EXCHANGE_START:
		if (f->kind != CHANNEL_READY)
			return out_of_order(f, e);
		x->held = false;
		x->phase = EXCHANGE_HEAD;
		return 0;
	case EXCHANGE_HEAD:
		return take_answer(x, f, e);
	case EXCHANGE_BODY:
		return take_body(x, f, e);
	case EXCHANGE_END:
		if (f->kind != CHANNEL_BYE)
			return out_of_order(f, e);
		x->phase = EXCHANGE_OVER;
		return 0;
	case EXCHANGE_TUNNEL: /* binary's */
	case EXCHANGE_OVER:
		break;
	}
	return out_of_order(f, e);
}

static int
asgi_receive(struct exchange *x, const char *data, size_t len, struct err *e)
{
	struct channel_frame f;
	int r;

	channel_feed(&x->reader, data, len);
	while ((r = channel_next(&x->reader, &f, e)) == 1)
		if (take_frame(x, &f, e) == -1)
			return -1;
	return r;
}

static int
asgi_receive_end(struct exchange *x, struct err *e)
{
	if (x->complete || x->phase == EXCHANGE_END ||
	    x->phase == EXCHANGE_OVER)
		return 0;
	return err_set(e, ERR_GUEST, "the function ended without a reply");
}

static bool
asgi_keeps(const struct exchange *x)
{
	return x->reader.in.at == x->reader.in.len;
}

const struct exchange_kind exchange_asgi = { asgi_start, asgi_send,
	asgi_send_end, asgi_receive, asgi_receive_end, asgi_keeps };
