/* Callers of gRPC: messages come out however they are cut, sentences come back,
 * a protocol buffer that is taken is taken again, and no connection makes us
 * keep more than it may or forget a call. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/grpc.h"
#include "messages/proto/grpc/health/v1/health.pb-c.h"
#include "messages/proto/grpc/reflection/v1/reflection.pb-c.h"
#include "messages/json.h"
#include "messages/proto_json.h"
#include "messages/proto_message.h"
#include "messages/value.h"
#include "runtime/grpc_health.h"
#include "runtime/grpc_parts.h"
#include "runtime/grpc_reflection.h"
#include "tests/fuzz/fuzz.h"

#define MAX 512

/* ---- messages ---- */

struct outcome {
	enum grpc_read last;
	bool between;
	char digest[SHA256_HEX];
};

static void
read_all(struct outcome *o, const uint8_t *data, size_t size, size_t step)
{
	struct sha256 *sum = sha256_new();
	struct grpc_reader r;

	grpc_reader_init(&r, MAX);
	o->last = GRPC_READ_MORE;
	for (size_t at = 0; at < size && o->last <= GRPC_READ_MESSAGE;
	     at += step) {
		const char *p = (const char *)data + at;
		size_t n = size - at < step ? size - at : step;

		while ((o->last = grpc_reader_feed(&r, &p, &n)) ==
			GRPC_READ_STARTED ||
		    o->last == GRPC_READ_MESSAGE) {
			invariant(r.len <= MAX && r.message.len <= r.len);
			if (o->last == GRPC_READ_STARTED)
				continue;
			sha256_add(sum, &r.len, sizeof(r.len));
			sha256_add(sum, r.message.data, r.message.len);
			grpc_reader_next(&r);
		}
	}
	o->between = grpc_reader_is_between(&r);
	sha256_end(sum, o->digest);
	grpc_reader_fini(&r);
}

static void
fuzz_messages(const uint8_t *data, size_t size)
{
	struct outcome a, b;

	read_all(&a, data, size, size == 0 ? 1 : size);
	read_all(&b, data, size, 1);
	invariant(a.last == b.last && a.between == b.between);
	invariant(strcmp(a.digest, b.digest) == 0);
}

/* ---- texts: a line for a name, and one for what it says ---- */

static void
fuzz_texts(const uint8_t *data, size_t size)
{
	char *text = str_printf("%.*s", (int)size, (const char *)data);
	buf_auto struct buf out = { 0 }, back = { 0 };
	struct grpc_head h = { 0 };
	char *rest = text, *name, *value;

	while ((name = strsep(&rest, "\n")) != NULL &&
	    (value = strsep(&rest, "\n")) != NULL)
		if (!grpc_head_field(&h, name, strlen(name), value,
			strlen(value)))
			break;
	free(text);
	text = str_printf("%.*s", (int)size, (const char *)data);
	grpc_message_encode(&out, text);
	for (size_t i = 0; i < out.len; i++)
		invariant(out.data[i] >= ' ' && out.data[i] <= '~');
	grpc_message_decode(&back, out.data, out.len);
	invariant(strcmp(buf_text(&back), text) == 0);
	free(text);
}

/* ---- protocol buffers ---- */

/* Of one that is good: JSON, whatever its texts are. */
static void
look_at_json(const uint8_t *data, size_t size,
    const ProtobufCMessageDescriptor *d)
{
	buf_auto struct buf b = { 0 };
	struct value *v;
	struct err e;

	if (proto_json_put(&b, d, data, size, &e) == -1)
		return;
	v = json_parse_own(buf_text(&b), b.len, &e);
	invariant(v != NULL && v->kind == VALUE_MAP);
	value_free(v);
}

static void
fuzz_protobuf(const uint8_t *data, size_t size,
    const ProtobufCMessageDescriptor *d)
{
	ProtobufCMessage *m, *again;
	buf_auto struct buf b = { 0 }, c = { 0 };
	struct err e;

	m = proto_message_unpack(d, data, size, &e);
	if (m == NULL) {
		(void)proto_json_put(&b, d, data, size, &e);
		return;
	}
	look_at_json(data, size, d);
	proto_message_pack(&b, m);
	again = proto_message_unpack(d, b.data, b.len, &e);
	invariant(again != NULL);
	proto_message_pack(&c, again);
	invariant(b.len == c.len);
	invariant(b.len == 0 || memcmp(b.data, c.data, b.len) == 0);
	proto_message_free(m);
	proto_message_free(again);
}

/* ---- connections ---- */

static long calls; /* that have begun and are not over */

static void
begin(struct grpc_call *c)
{
	if (grpc_call_state(c) == NULL)
		calls++;
	grpc_call_set(c, &calls);
}

static void
echo(struct grpc_call *c, const void *data, size_t len)
{
	begin(c);
	grpc_call_send(c, data, len);
	if (grpc_call_unsent(c) > 2 * MAX)
		grpc_call_hold(c, true);
}

static void
go_on(struct grpc_call *c)
{
	grpc_call_hold(c, false);
}

static void
end(struct grpc_call *c)
{
	begin(c);
	grpc_call_end(c, GRPC_OK, "");
}

static void
one(struct grpc_call *c, const void *data, size_t len)
{
	echo(c, data, len);
	grpc_call_end(c, GRPC_ABORTED, "as asked");
}

static void
over(struct grpc_call *c)
{
	invariant(grpc_call_state(c) == &calls);
	calls--;
}

static const struct grpc_method methods[] = {
	{ "Echo", true, true, MAX, echo, end, go_on, over },
	{ "One", false, false, 1U << 20, one, NULL, NULL, over },
};
static const struct grpc_service service = { "t.T", methods, 2 };
static const struct grpc_service *const services[] = { &service,
	&grpc_health_service, &grpc_reflection_v1 };

static void
woken(void *arg)
{
	++*(unsigned *)arg;
}

static void
fuzz_connection(const uint8_t *data, size_t size, bool token)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	static struct loop *loop;
	size_t kept = 0, step = size > 4 ? 1 + data[0] : 1;
	struct grpc_health health = { 0 };
	struct grpc_server server = { .service = services,
		.nservices = nitems(services),
		.health = &health,
		.kept = &kept,
		.kept_max = 1 << 20 };
	unsigned awake = 0;
	const struct grpc_peer peer = { .token = token ? "secret" : NULL,
		.woken = woken,
		.arg = &awake };
	struct grpc_conn *c;
	struct err e;

	if (loop == NULL)
		loop = loop_open(&e);
	server.loop = loop;
	c = grpc_conn_open(&server, &peer);
	(void)grpc_conn_receive(c, preface, sizeof(preface) - 1);
	for (size_t at = 0; at < size; at += step) {
		buf_auto struct buf out = { 0 };

		(void)grpc_conn_receive(c, (const char *)data + at,
		    size - at < step ? size - at : step);
		invariant(grpc_conn_calls(c) <= GRPC_CONN_CALLS_MAX);
		grpc_conn_send(c, &out, 4096);
		invariant(out.len < 4096 + (32 << 10));
	}
	if (size % 2 == 0)
		grpc_health_end(&health);
	grpc_conn_close(c);
	invariant(kept == 0 && calls == 0 && health.watches == NULL);
}

/* The first byte says what of it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	switch (data[0] % 6) {
	case 0:
		fuzz_messages(data + 1, size - 1);
		break;
	case 1:
		fuzz_texts(data + 1, size - 1);
		break;
	case 2:
		fuzz_protobuf(data + 1, size - 1,
		    &grpc__health__v1__health_check_request__descriptor);
		break;
	case 3:
		fuzz_protobuf(data + 1, size - 1,
		    &grpc__reflection__v1__server_reflection_request__descriptor);
		break;
	default:
		fuzz_connection(data + 1, size - 1, data[0] % 6 == 5);
	}
	return 0;
}
