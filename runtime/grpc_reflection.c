#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/proto/grpc/reflection/v1/reflection.pb-c.h"
#include "messages/proto_set.h"
#include "messages/proto_message.h"
#include "messages/protobuf.h"
#include "runtime/grpc_call.h"
#include "runtime/grpc_conn.h"
#include "runtime/grpc_reflection.h"

#define REQUEST_MAX 4096
#define FILES_MAX 32 /* a file and all that it imports */
#define SERVICES_MAX 32
/* Answers that a caller has not taken yet; then he is not heard. */
#define UNSENT_MAX ((size_t)256 << 10)

typedef Grpc__Reflection__V1__ServerReflectionRequest request;
typedef Grpc__Reflection__V1__ServerReflectionResponse response;

#define ASKED(x) \
	GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##x
#define ANSWER(x) \
	GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##x

static const unsigned char set_data[] = {
#include "messages/proto_set.inc"
};
static const struct protobuf_reader set = { set_data, sizeof(set_data) - 1 };

/* ---- answers; what they are made of stands in the caller's frame ---- */

static void
send(struct grpc_call *c, const request *q, response *r)
{
	buf_auto struct buf b = { 0 };

	r->valid_host = q->host;
	r->original_request = (request *)(uintptr_t)q;
	proto_message_pack(&b, &r->base);
	grpc_call_send(c, buf_text(&b), b.len);
}

static void
say_error(struct grpc_call *c, const request *q, enum grpc_status status,
    const char *why)
{
	Grpc__Reflection__V1__ErrorResponse e =
	    GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
	response r = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;

	e.error_code = (int32_t)status;
	e.error_message = (char *)(uintptr_t)why;
	r.message_response_case = ANSWER(ERROR_RESPONSE);
	r.error_response = &e;
	send(c, q, &r);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(
	    (*(Grpc__Reflection__V1__ServiceResponse *const *)a)->name,
	    (*(Grpc__Reflection__V1__ServiceResponse *const *)b)->name);
}

static void
say_services(struct grpc_call *c, const request *q)
{
	const struct grpc_server *s = grpc_call_server(c);
	Grpc__Reflection__V1__ServiceResponse one[SERVICES_MAX],
	    *all[SERVICES_MAX];
	Grpc__Reflection__V1__ListServiceResponse list =
	    GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
	response r = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;

	invariant(s->nservices <= SERVICES_MAX);
	for (size_t i = 0; i < s->nservices; i++) {
		one[i] = (Grpc__Reflection__V1__ServiceResponse)
		    GRPC__REFLECTION__V1__SERVICE_RESPONSE__INIT;
		one[i].name = (char *)(uintptr_t)s->service[i]->name;
		all[i] = &one[i];
	}
	qsort(all, s->nservices, sizeof(all[0]), by_name);
	list.service = all;
	list.n_service = s->nservices;
	r.message_response_case = ANSWER(LIST_SERVICES_RESPONSE);
	r.list_services_response = &list;
	send(c, q, &r);
}

struct files {
	size_t len;
	ProtobufCBinaryData file[FILES_MAX];
};

static void
add_file(struct files *all, const struct proto_set_file *f)
{
	for (size_t i = 0; i < all->len; i++)
		if (all->file[i].data == f->data)
			return;
	invariant(all->len < FILES_MAX);
	all->file[all->len++] =
	    (ProtobufCBinaryData){ f->len, (uint8_t *)(uintptr_t)f->data };
}

static void
say_files(struct grpc_call *c, const request *q,
    const struct proto_set_file *first)
{
	Grpc__Reflection__V1__FileDescriptorResponse f =
	    GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
	response r = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	struct files all = { .len = 0 };
	struct proto_set_file next;
	struct proto_set_name name;

	add_file(&all, first);
	for (size_t i = 0; i < all.len; i++) {
		const struct proto_set_file at = { all.file[i].data,
			all.file[i].len };

		for (size_t k = 0; proto_set_import(&at, k, &name); k++)
			if (proto_set_file(set, name, &next))
				add_file(&all, &next);
	}
	f.file_descriptor_proto = all.file;
	f.n_file_descriptor_proto = all.len;
	r.message_response_case = ANSWER(FILE_DESCRIPTOR_RESPONSE);
	r.file_descriptor_response = &f;
	send(c, q, &r);
}

/* ---- questions ---- */

typedef bool find_fn(struct protobuf_reader, struct proto_set_name,
    struct proto_set_file *);

static void
find(struct grpc_call *c, const request *q, const char *what, find_fn *fn)
{
	struct proto_set_file f;

	if (fn(set, (struct proto_set_name){ what, strlen(what) }, &f))
		say_files(c, q, &f);
	else
		say_error(c, q, GRPC_NOT_FOUND,
		    fn == proto_set_file ? "no such file" : "no such symbol");
}

static void
answer(struct grpc_call *c, const request *q)
{
	switch (q->message_request_case) {
	case ASKED(LIST_SERVICES):
		say_services(c, q);
		break;
	case ASKED(FILE_BY_FILENAME):
		find(c, q, q->file_by_filename, proto_set_file);
		break;
	case ASKED(FILE_CONTAINING_SYMBOL):
		find(c, q, q->file_containing_symbol, proto_set_symbol);
		break;
	case ASKED(FILE_CONTAINING_EXTENSION):
	case ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE):
		say_error(c, q, GRPC_NOT_FOUND,
		    "no file of ours has extensions");
		break;
	default:
		say_error(c, q, GRPC_INVALID_ARGUMENT, "nothing is asked");
	}
}

static void
message(struct grpc_call *c, const void *data, size_t len)
{
	struct err e;
	request *q = (request *)proto_message_unpack(
	    &grpc__reflection__v1__server_reflection_request__descriptor, data,
	    len, &e);

	if (q == NULL) {
		grpc_call_end(c, GRPC_INTERNAL, e.text);
		return;
	}
	answer(c, q);
	proto_message_free(&q->base);
	if (grpc_call_unsent(c) > UNSENT_MAX)
		grpc_call_hold(c, true);
}

static void
drained(struct grpc_call *c)
{
	grpc_call_hold(c, false);
}

static void
said_all(struct grpc_call *c)
{
	grpc_call_end(c, GRPC_OK, "");
}

static const struct grpc_method methods[] = {
	{ .name = "ServerReflectionInfo",
	    .streams = true,
	    .max = REQUEST_MAX,
	    .message = message,
	    .said_all = said_all,
	    .drained = drained },
};

const struct grpc_service grpc_reflection_v1 = {
	"grpc.reflection.v1.ServerReflection", methods, nitems(methods)
};
const struct grpc_service grpc_reflection_v1alpha = {
	"grpc.reflection.v1alpha.ServerReflection", methods, nitems(methods)
};
