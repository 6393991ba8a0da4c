#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/proto/server-manager.pb-c.h"
#include "messages/proto_message.h"
#include "messages/session_msgs.h"
#include "runtime/front.h"
#include "runtime/grpc_conn.h"
#include "runtime/grpc_session.h"

#define REQUEST_MAX (64 << 10)
#define INPUT_MAX (68U << 20) /* a payload of 64 MiB, and what is around it */
#define CALLS_MAX 4096        /* that wait for core, of all callers */

/* What clients look for: the protocol's version. */
#define VERSION_MINOR 6

typedef CartesiServerManager__StartSessionRequest start_request;
typedef CartesiServerManager__AdvanceStateRequest advance_request;
typedef CartesiServerManager__GetSessionStatusRequest status_request;
typedef CartesiServerManager__GetEpochStatusRequest epoch_request;
typedef CartesiServerManager__InspectStateRequest inspect_request;
typedef CartesiServerManager__FinishEpochRequest finish_request;
typedef CartesiServerManager__EndSessionRequest end_request;
typedef CartesiMachine__CheckInRequest check_in_request;

/* One that core has. */
struct waiting {
	struct front *front;
	struct grpc_call *call;
	struct front_question question;
};
static size_t nwaiting;

/* ---- core's answer ---- */

static void
send_reply(struct grpc_call *c, int fd)
{
	struct stat s;
	void *data;

	if (fstat(fd, &s) == -1) {
		grpc_call_end(c, GRPC_INTERNAL, "core: malformed frame");
		return;
	}
	if (s.st_size == 0) {
		grpc_call_send(c, "", 0);
		grpc_call_end(c, GRPC_OK, "");
		return;
	}
	data = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		grpc_call_end(c, GRPC_RESOURCE_EXHAUSTED,
		    "the node has no room for the reply");
		return;
	}
	grpc_call_send(c, data, (size_t)s.st_size);
	munmap(data, (size_t)s.st_size);
	grpc_call_end(c, GRPC_OK, "");
}

static void
answered(void *arg, struct frame *f)
{
	struct waiting *w = arg;
	struct grpc_call *c = w->call;
	uint8_t status = buf_get_u8(&f->body);
	char text[1024];

	front_forget(w->front, &w->question);
	buf_get_str(&f->body, text, sizeof(text));
	if (f->type != FRONT_SESSION_DONE || !buf_ok(&f->body) ||
	    status > GRPC_UNAUTHENTICATED ||
	    (status == GRPC_OK) != (f->nfds == 1))
		grpc_call_end(c, GRPC_INTERNAL, "core: malformed frame");
	else if (status != GRPC_OK)
		grpc_call_end(c, (enum grpc_status)status, text);
	else
		send_reply(c, f->fds[0]);
}

static void
over(struct grpc_call *c)
{
	struct waiting *w = grpc_call_state(c);

	if (w == NULL)
		return;
	if (w->question.serial != 0) {
		front_tell(w->front, &w->question, FRONT_SESSION_LEFT, NULL);
		front_forget(w->front, &w->question);
	}
	nwaiting--;
	free(w);
}

/* ---- what is wanted ---- */

static void
ask(struct grpc_call *c, const struct session_msgs *m, const void *payload,
    size_t len)
{
	struct front *f = grpc_call_server(c)->owner;
	buf_auto struct buf b = { 0 };
	fd_auto int fd = -1;
	struct waiting *w;
	struct err e;

	if (f->core.sock == -1 || nwaiting == CALLS_MAX) {
		grpc_call_end(c, GRPC_UNAVAILABLE, "the node is busy");
		return;
	}
	if (payload != NULL &&
	    (fd = fd_sealed("payload", payload, len, &e)) == -1) {
		grpc_call_end(c, GRPC_RESOURCE_EXHAUSTED, e.text);
		return;
	}
	w = calloc(1, sizeof(*w));
	invariant(w != NULL);
	*w = (struct waiting){ .front = f, .call = c };
	nwaiting++;
	grpc_call_set(c, w);
	session_msgs_put(&b, m);
	front_ask(f, &w->question, FRONT_SESSION, &b, &fd, fd == -1 ? 0 : 1,
	    answered, w);
}

static struct ProtobufCMessage *
read(struct grpc_call *c, const struct ProtobufCMessageDescriptor *d,
    const void *data, size_t len)
{
	struct ProtobufCMessage *m;
	struct err e;

	m = proto_message_unpack(d, data, len, &e);
	if (m == NULL)
		grpc_call_end(c, GRPC_INTERNAL, e.text);
	return m;
}

/* False: the call is ended. */
static bool
begin(struct grpc_call *c, struct session_msgs *m, enum session_msgs_what what,
    const char *id, const char *directory)
{
	memset(m, 0, sizeof(*m));
	m->what = (uint8_t)what;
	snprintf(m->peer, sizeof(m->peer), "%s", grpc_call_peer(c));
	if (!str_copy(m->id, sizeof(m->id), id)) {
		grpc_call_end(c, GRPC_INVALID_ARGUMENT,
		    "session id is longer than 1023 bytes");
		return false;
	}
	if (!str_copy(m->directory, sizeof(m->directory), directory)) {
		grpc_call_end(c, GRPC_INVALID_ARGUMENT,
		    "a directory's name is longer than 4095 bytes");
		return false;
	}
	return true;
}

/* ---- its methods ---- */

static void
get_version(struct grpc_call *c, const void *data, size_t len)
{
	Versioning__SemanticVersion v = VERSIONING__SEMANTIC_VERSION__INIT;
	Versioning__GetVersionResponse r =
	    VERSIONING__GET_VERSION_RESPONSE__INIT;
	buf_auto struct buf b = { 0 };

	(void)data;
	(void)len;
	v.minor = VERSION_MINOR;
	r.version = &v;
	proto_message_pack(&b, &r.base);
	grpc_call_send(c, b.data, b.len);
	grpc_call_end(c, GRPC_OK, "");
}

static void
put_start(struct session_msgs *m, const start_request *r)
{
	const CartesiServerManager__CyclesConfig *x = r->server_cycles;
	const CartesiServerManager__DeadlineConfig *d = r->server_deadline;

	m->epoch = r->active_epoch_index;
	m->has_cycles = x != NULL;
	if (x != NULL)
		memcpy(m->cycles,
		    (const uint64_t[]){ x->max_advance_state,
			x->advance_state_increment, x->max_inspect_state,
			x->inspect_state_increment },
		    sizeof(m->cycles));
	m->has_deadlines = d != NULL;
	if (d != NULL)
		memcpy(m->deadlines,
		    (const uint64_t[]){ d->checkin, d->advance_state,
			d->advance_state_increment, d->inspect_state,
			d->inspect_state_increment, d->machine, d->store,
			d->fast },
		    sizeof(m->deadlines));
}

static void
start(struct grpc_call *c, const void *data, size_t len)
{
	start_request *r = (start_request *)read(c,
	    &cartesi_server_manager__start_session_request__descriptor, data,
	    len);
	struct session_msgs m;

	if (r == NULL)
		return;
	if (begin(c, &m, SESSION_MSGS_START, r->session_id,
		r->machine_directory)) {
		put_start(&m, r);
		ask(c, &m, NULL, 0);
	}
	proto_message_free(&r->base);
}

static void
end(struct grpc_call *c, const void *data, size_t len)
{
	end_request *r = (end_request *)read(c,
	    &cartesi_server_manager__end_session_request__descriptor, data,
	    len);
	struct session_msgs m;

	if (r == NULL)
		return;
	if (begin(c, &m, SESSION_MSGS_END, r->session_id, ""))
		ask(c, &m, NULL, 0);
	proto_message_free(&r->base);
}

static void
put_metadata(struct session_msgs *m,
    const CartesiServerManager__InputMetadata *x)
{
	const CartesiServerManager__Address *a = x->msg_sender;

	m->has_metadata = true;
	m->has_sender = a != NULL;
	if (a != NULL) {
		m->sender_len = (uint32_t)a->data.len;
		if (a->data.len == sizeof(m->metadata.sender.byte))
			memcpy(m->metadata.sender.byte, a->data.data,
			    a->data.len);
	}
	m->metadata.block_number = x->block_number;
	m->metadata.timestamp = x->timestamp;
	m->metadata.epoch_index = x->epoch_index;
	m->metadata.input_index = x->input_index;
}

static void
advance(struct grpc_call *c, const void *data, size_t len)
{
	advance_request *r = (advance_request *)read(c,
	    &cartesi_server_manager__advance_state_request__descriptor, data,
	    len);
	struct session_msgs m;

	if (r == NULL)
		return;
	if (begin(c, &m, SESSION_MSGS_ADVANCE, r->session_id, "")) {
		m.epoch = r->active_epoch_index;
		m.number = r->current_input_index;
		if (r->input_metadata != NULL)
			put_metadata(&m, r->input_metadata);
		ask(c, &m,
		    r->input_payload.len == 0 ? NULL : r->input_payload.data,
		    r->input_payload.len);
	}
	proto_message_free(&r->base);
}

static void
get_status(struct grpc_call *c, const void *data, size_t len)
{
	struct session_msgs m;

	(void)data;
	(void)len;
	if (begin(c, &m, SESSION_MSGS_STATUS_ALL, "", ""))
		ask(c, &m, NULL, 0);
}

static void
get_session_status(struct grpc_call *c, const void *data, size_t len)
{
	status_request *r = (status_request *)read(c,
	    &cartesi_server_manager__get_session_status_request__descriptor,
	    data, len);
	struct session_msgs m;

	if (r == NULL)
		return;
	if (begin(c, &m, SESSION_MSGS_STATUS, r->session_id, ""))
		ask(c, &m, NULL, 0);
	proto_message_free(&r->base);
}

static void
get_epoch_status(struct grpc_call *c, const void *data, size_t len)
{
	epoch_request *r = (epoch_request *)read(c,
	    &cartesi_server_manager__get_epoch_status_request__descriptor, data,
	    len);
	struct session_msgs m;

	if (r == NULL)
		return;
	if (begin(c, &m, SESSION_MSGS_EPOCH, r->session_id, "")) {
		m.epoch = r->epoch_index;
		ask(c, &m, NULL, 0);
	}
	proto_message_free(&r->base);
}

static void
inspect(struct grpc_call *c, const void *data, size_t len)
{
	inspect_request *r = (inspect_request *)read(c,
	    &cartesi_server_manager__inspect_state_request__descriptor, data,
	    len);
	struct session_msgs m;

	if (r == NULL)
		return;
	if (begin(c, &m, SESSION_MSGS_INSPECT, r->session_id, ""))
		ask(c, &m,
		    r->query_payload.len == 0 ? NULL : r->query_payload.data,
		    r->query_payload.len);
	proto_message_free(&r->base);
}

static void
finish(struct grpc_call *c, const void *data, size_t len)
{
	finish_request *r = (finish_request *)read(c,
	    &cartesi_server_manager__finish_epoch_request__descriptor, data,
	    len);
	struct session_msgs m;

	if (r == NULL)
		return;
	if (begin(c, &m, SESSION_MSGS_FINISH, r->session_id,
		r->storage_directory)) {
		m.epoch = r->active_epoch_index;
		m.number = r->processed_input_count;
		ask(c, &m, NULL, 0);
	}
	proto_message_free(&r->base);
}

static void
check_in(struct grpc_call *c, const void *data, size_t len)
{
	check_in_request *r = (check_in_request *)read(c,
	    &cartesi_machine__check_in_request__descriptor, data, len);
	struct session_msgs m;

	if (r == NULL)
		return;
	if (begin(c, &m, SESSION_MSGS_CHECK_IN, r->session_id, ""))
		ask(c, &m, NULL, 0);
	proto_message_free(&r->base);
}

#define METHOD(name_, max_, fn)                                         \
	{                                                               \
		.name = name_, .max = max_, .message = fn, .over = over \
	}

static const struct grpc_method methods[] = {
	{ .name = "GetVersion", .max = REQUEST_MAX, .message = get_version },
	METHOD("StartSession", REQUEST_MAX, start),
	METHOD("EndSession", REQUEST_MAX, end),
	METHOD("AdvanceState", INPUT_MAX, advance),
	METHOD("GetStatus", REQUEST_MAX, get_status),
	METHOD("GetSessionStatus", REQUEST_MAX, get_session_status),
	METHOD("GetEpochStatus", REQUEST_MAX, get_epoch_status),
	METHOD("InspectState", INPUT_MAX, inspect),
	METHOD("FinishEpoch", REQUEST_MAX, finish),
};

static const struct grpc_method check_in_methods[] = {
	METHOD("CheckIn", REQUEST_MAX, check_in),
};

const struct grpc_service grpc_session_service = {
	"CartesiServerManager.ServerManager", methods, nitems(methods)
};
const struct grpc_service grpc_session_check_in = {
	"CartesiMachine.MachineCheckIn", check_in_methods,
	nitems(check_in_methods)
};
