#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/proto/server-manager.pb-c.h"
#include "messages/proto_json.h"
#include "messages/value.h"
#include "runtime/cli.h"
#include "runtime/cmd_session_call.h"
#include "runtime/progress.h"
#include "runtime/node_session.h"

#define ADDRESS 20
#define PAYLOAD_MAX ((size_t)64 << 20)
#define LOOK_NS 50000000 /* while inputs are pending */
#define LINE 60          /* of a payload that a person reads */

typedef CartesiServerManager__AdvanceStateRequest advance_request;

/* ---- calls ---- */

static int
fail(const struct cmd_session_call *c, const struct err *e)
{
	cli_error(e, c->json);
	return 1;
}

/* The reply as a document, or NULL; text, if it is not NULL, gets its JSON. */
static struct value *
call(struct cmd_session_call *c, const char *rpc, const ProtobufCMessage *m,
    const ProtobufCMessageDescriptor *d, struct buf *text, struct err *e)
{
	buf_auto struct buf reply = { 0 }, json = { 0 };
	enum grpc_status status;
	struct value *v;

	if (node_session_call(c->client, rpc, m, &reply, &status, e) == -1 ||
	    proto_json_put(&json, d, buf_text(&reply), reply.len, e) == -1)
		return NULL;
	v = json_parse_own(buf_text(&json), json.len, e);
	if (v != NULL && text != NULL)
		buf_add(text, json.data, json.len);
	return v;
}

/* One that is answered with nothing. */
static int
call_plain(struct cmd_session_call *c, const char *rpc,
    const ProtobufCMessage *m, const char *what)
{
	value_auto struct value *v = NULL;
	struct err e;

	v = call(c, rpc, m, &cartesi_machine__void__descriptor, NULL, &e);
	if (v == NULL)
		return fail(c, &e);
	if (c->json)
		puts("{}");
	else
		printf("%s: %s\n", c->id, what);
	return 0;
}

static struct value *
get_epoch(struct cmd_session_call *c, uint64_t epoch, struct buf *text,
    struct err *e)
{
	CartesiServerManager__GetEpochStatusRequest r =
	    CARTESI_SERVER_MANAGER__GET_EPOCH_STATUS_REQUEST__INIT;

	r.session_id = (char *)(uintptr_t)c->id;
	r.epoch_index = epoch;
	return call(c, "GetEpochStatus", &r.base,
	    &cartesi_server_manager__get_epoch_status_response__descriptor,
	    text, e);
}

static struct value *
get_session(struct cmd_session_call *c, struct buf *text, struct err *e)
{
	CartesiServerManager__GetSessionStatusRequest r =
	    CARTESI_SERVER_MANAGER__GET_SESSION_STATUS_REQUEST__INIT;

	r.session_id = (char *)(uintptr_t)c->id;
	return call(c, "GetSessionStatus", &r.base,
	    &cartesi_server_manager__get_session_status_response__descriptor,
	    text, e);
}

/* A number may be a text: proto_json.h. */
static uint64_t
number(const struct value *v, const char *key)
{
	const char *text = value_get_text(v, key);

	return text != NULL ? strtoull(text, NULL, 10)
			    : (uint64_t)value_get_int(v, key, 0);
}

/* The one that was named, or the active one. */
static int
choose_epoch(struct cmd_session_call *c, uint64_t *epoch, struct err *e)
{
	value_auto struct value *v = NULL;

	*epoch = c->epoch;
	if (c->epoch != UINT64_MAX)
		return 0;
	v = get_session(c, NULL, e);
	if (v == NULL)
		return -1;
	*epoch = number(v, "active_epoch_index");
	return 0;
}

static size_t
count(const struct value *epoch, const char *key)
{
	const struct value *list = value_get(epoch, key);

	return list == NULL ? 0 : list->len;
}

/* ---- what a person reads ---- */

/* "0x" and digits, as a text that no terminal obeys. */
static void
print_payload(const char *what, const struct value *v)
{
	const char *hex = value_get_text(v, "payload");
	size_t len = hex == NULL ? 0 : strlen(hex) / 2 - 1;
	unsigned char *bytes = malloc(len + 1);
	char *text;

	invariant(bytes != NULL);
	if (len > 0 && !str_unhex(bytes, len, hex + 2))
		len = 0;
	text = str_printable((char *)bytes, len, LINE);
	printf("  %-8s %s%s\n", what, text, len > LINE ? "..." : "");
	free(text);
	free(bytes);
}

static void
print_all(const char *what, const struct value *list)
{
	for (size_t i = 0; list != NULL && i < list->len; i++)
		print_payload(what, list->item[i]);
}

static void
print_input(const struct value *p)
{
	const struct value *a = value_get(p, "accepted_data");
	const char *why = value_get_text(p, "exception_data");

	printf("%6" PRIu64 " %s\n", number(p, "input_index"),
	    value_get_text(p, "status"));
	if (why != NULL) {
		value_auto struct value *v = value_new(VALUE_MAP);

		value_set_text(v, "payload", why);
		print_payload("why", v);
	}
	print_all("voucher", value_get(a, "vouchers"));
	print_all("notice", value_get(a, "notices"));
	print_all("report", value_get(p, "reports"));
}

static void
print_taint(const struct value *v)
{
	const struct value *t = value_get(v, "taint_status");

	if (t != NULL)
		printf("tainted: %s (%d)\n", value_get_text(t, "error_message"),
		    (int)value_get_int(t, "error_code", 0));
}

static void
print_epoch(const struct value *v)
{
	const struct value *list = value_get(v, "processed_inputs");

	printf("epoch %" PRIu64 ", %s: %zu processed, %" PRIu64
	       " pending, machine %s\n",
	    number(v, "epoch_index"), value_get_text(v, "state"),
	    count(v, "processed_inputs"), number(v, "pending_input_count"),
	    value_get_text(v, "most_recent_machine_hash"));
	print_taint(v);
	for (size_t i = 0; list != NULL && i < list->len; i++)
		print_input(list->item[i]);
}

/* ---- waiting ---- */

/* The epoch once nothing is pending, or nothing more will be done. */
static struct value *
wait_for(struct cmd_session_call *c, uint64_t epoch, struct buf *text,
    struct err *e)
{
	const struct timespec pause = { 0, LOOK_NS };
	uint64_t pending, most = 0;
	struct value *v;

	for (;;) {
		buf_reset(text);
		v = get_epoch(c, epoch, text, e);
		if (v == NULL && e->code != ERR_CONFLICT)
			return NULL;
		pending = v == NULL ? most : number(v, "pending_input_count");
		if (v != NULL &&
		    (pending == 0 || value_get(v, "taint_status") != NULL))
			break;
		most = pending > most ? pending : most;
		if (progress_is_seen())
			progress_show("inputs", most - pending, most);
		value_free(v);
		nanosleep(&pause, NULL);
	}
	if (progress_is_seen())
		progress_end();
	return v;
}

static int
show_epoch(struct cmd_session_call *c, uint64_t epoch)
{
	value_auto struct value *v = NULL;
	buf_auto struct buf text = { 0 };
	struct err e;

	v = c->wait ? wait_for(c, epoch, &text, &e)
		    : get_epoch(c, epoch, &text, &e);
	if (v == NULL)
		return fail(c, &e);
	if (c->json)
		puts(buf_text(&text));
	else
		print_epoch(v);
	return value_get(v, "taint_status") != NULL;
}

/* ---- the verbs ---- */

static uint64_t
or_else(uint64_t n, uint64_t otherwise)
{
	return n == UINT64_MAX ? otherwise : n;
}

static int
start(struct cmd_session_call *c)
{
	CartesiServerManager__CyclesConfig cycles =
	    CARTESI_SERVER_MANAGER__CYCLES_CONFIG__INIT;
	CartesiServerManager__DeadlineConfig d =
	    CARTESI_SERVER_MANAGER__DEADLINE_CONFIG__INIT;
	CartesiServerManager__StartSessionRequest r =
	    CARTESI_SERVER_MANAGER__START_SESSION_REQUEST__INIT;
	value_auto struct value *v = NULL;
	buf_auto struct buf text = { 0 };
	struct err e;

	cycles.max_advance_state = cycles.max_inspect_state =
	    or_else(c->max_cycles, 60 * CLOCK_SECOND);
	cycles.advance_state_increment = cycles.inspect_state_increment =
	    or_else(c->cycles_increment,
		cycles.max_advance_state < CLOCK_SECOND
		    ? cycles.max_advance_state
		    : CLOCK_SECOND);
	d.advance_state = d.inspect_state = or_else(c->deadline_ms, 120000);
	d.advance_state_increment = d.inspect_state_increment = or_else(
	    c->increment_ms, d.advance_state < 10000 ? d.advance_state : 10000);
	d.checkin = or_else(c->checkin_ms, 30000);
	d.machine = d.store = 60000;
	d.fast = 10000;
	r.session_id = (char *)(uintptr_t)c->id;
	r.machine_directory = (char *)(uintptr_t)c->arg[0];
	r.active_epoch_index = or_else(c->epoch, 0);
	r.server_cycles = &cycles;
	r.server_deadline = &d;
	v = call(c, "StartSession", &r.base,
	    &cartesi_server_manager__start_session_response__descriptor, &text,
	    &e);
	if (v == NULL)
		return fail(c, &e);
	if (c->json)
		puts(buf_text(&text));
	else
		printf("%s: started\n", c->id);
	return 0;
}

static int
read_payload(const struct cmd_session_call *c, int i, char **data, size_t *len,
    struct err *e)
{
	return fd_read_all(c->file[i], PAYLOAD_MAX, data, len, e) == -1
	    ? err_in(e, "%s", c->arg[i])
	    : 0;
}

static int
advance_one(struct cmd_session_call *c, int i, uint64_t epoch, uint64_t index,
    struct err *e)
{
	CartesiServerManager__Address sender =
	    CARTESI_SERVER_MANAGER__ADDRESS__INIT;
	CartesiServerManager__InputMetadata m =
	    CARTESI_SERVER_MANAGER__INPUT_METADATA__INIT;
	advance_request r = CARTESI_SERVER_MANAGER__ADVANCE_STATE_REQUEST__INIT;
	unsigned char address[ADDRESS] = { 0 };
	value_auto struct value *v = NULL;
	char *data;
	size_t len;

	if (c->sender != NULL &&
	    (strncmp(c->sender, "0x", 2) != 0 ||
		strlen(c->sender) != 2 + 2 * ADDRESS ||
		!str_unhex(address, ADDRESS, c->sender + 2)))
		return err_set(e, ERR_INVALID,
		    "--sender: not 0x and 40 hexadecimal digits");
	if (read_payload(c, i, &data, &len, e) == -1)
		return -1;
	sender.data = (ProtobufCBinaryData){ ADDRESS, address };
	m.msg_sender = &sender;
	m.epoch_index = epoch;
	m.input_index = index;
	m.block_number = or_else(c->block, 0);
	m.timestamp =
	    or_else(c->time, clock_real_ns() / (uint64_t)CLOCK_SECOND);
	r.session_id = (char *)(uintptr_t)c->id;
	r.active_epoch_index = epoch;
	r.current_input_index = index;
	r.input_metadata = &m;
	r.input_payload = (ProtobufCBinaryData){ len, (uint8_t *)data };
	v = call(c, "AdvanceState", &r.base, &cartesi_machine__void__descriptor,
	    NULL, e);
	free(data);
	return v == NULL ? -1 : 0;
}

static int
find_place(struct cmd_session_call *c, uint64_t *epoch, uint64_t *index,
    struct err *e)
{
	value_auto struct value *v = NULL;

	if (choose_epoch(c, epoch, e) == -1)
		return -1;
	*index = c->index;
	if (c->index != UINT64_MAX)
		return 0;
	v = get_epoch(c, *epoch, NULL, e);
	if (v == NULL)
		return -1;
	*index =
	    count(v, "processed_inputs") + number(v, "pending_input_count");
	return 0;
}

static int
advance(struct cmd_session_call *c)
{
	uint64_t epoch, index;
	struct err e;

	if (find_place(c, &epoch, &index, &e) == -1)
		return fail(c, &e);
	for (int i = 0; i < c->nargs; i++) {
		if (advance_one(c, i, epoch, index + (uint64_t)i, &e) == -1)
			return fail(c, &e);
		if (!c->json && !c->wait)
			printf("%s: input %" PRIu64 " of epoch %" PRIu64
			       " is queued\n",
			    c->id, index + (uint64_t)i, epoch);
	}
	if (c->wait)
		return show_epoch(c, epoch);
	if (c->json)
		printf("{\"epoch_index\":%" PRIu64 ",\"input_index\":%" PRIu64
		       "}\n",
		    epoch, index);
	return 0;
}

static int
inspect(struct cmd_session_call *c)
{
	CartesiServerManager__InspectStateRequest r =
	    CARTESI_SERVER_MANAGER__INSPECT_STATE_REQUEST__INIT;
	value_auto struct value *v = NULL;
	buf_auto struct buf text = { 0 };
	const char *status;
	char *data;
	size_t len;
	struct err e;

	if (read_payload(c, 0, &data, &len, &e) == -1)
		return fail(c, &e);
	r.session_id = (char *)(uintptr_t)c->id;
	r.query_payload = (ProtobufCBinaryData){ len, (uint8_t *)data };
	v = call(c, "InspectState", &r.base,
	    &cartesi_server_manager__inspect_state_response__descriptor, &text,
	    &e);
	free(data);
	if (v == NULL)
		return fail(c, &e);
	status = value_get_text(v, "status");
	if (c->json) {
		puts(buf_text(&text));
	} else {
		printf("%s\n", status);
		print_all("report", value_get(v, "reports"));
	}
	return status == NULL || strcmp(status, "ACCEPTED") != 0;
}

static int
status(struct cmd_session_call *c)
{
	value_auto struct value *v = NULL;
	buf_auto struct buf text = { 0 };
	const struct value *list;
	struct err e;

	v = get_session(c, &text, &e);
	if (v == NULL)
		return fail(c, &e);
	if (c->json) {
		puts(buf_text(&text));
		return 0;
	}
	list = value_get(v, "epoch_index");
	printf("%s: epoch %" PRIu64 " is active, of %zu\n", c->id,
	    number(v, "active_epoch_index"), list == NULL ? 0 : list->len);
	print_taint(v);
	return 0;
}

static int
epoch(struct cmd_session_call *c)
{
	uint64_t n;
	struct err e;

	if (choose_epoch(c, &n, &e) == -1)
		return fail(c, &e);
	return show_epoch(c, n);
}

static int
finish(struct cmd_session_call *c)
{
	CartesiServerManager__FinishEpochRequest r =
	    CARTESI_SERVER_MANAGER__FINISH_EPOCH_REQUEST__INIT;
	uint64_t n, done;
	struct err e;

	if (find_place(c, &n, &done, &e) == -1)
		return fail(c, &e);
	r.session_id = (char *)(uintptr_t)c->id;
	r.active_epoch_index = n;
	r.processed_input_count = done;
	r.storage_directory =
	    (char *)(uintptr_t)(c->store == NULL ? "" : c->store);
	return call_plain(c, "FinishEpoch", &r.base, "the epoch is finished");
}

static int
end(struct cmd_session_call *c)
{
	CartesiServerManager__EndSessionRequest r =
	    CARTESI_SERVER_MANAGER__END_SESSION_REQUEST__INIT;

	r.session_id = (char *)(uintptr_t)c->id;
	return call_plain(c, "EndSession", &r.base, "ended");
}

static int
list(struct cmd_session_call *c)
{
	CartesiMachine__Void nothing = CARTESI_MACHINE__VOID__INIT;
	value_auto struct value *v = NULL;
	buf_auto struct buf text = { 0 };
	const struct value *ids;
	struct err e;

	v = call(c, "GetStatus", &nothing.base,
	    &cartesi_server_manager__get_status_response__descriptor, &text,
	    &e);
	if (v == NULL)
		return fail(c, &e);
	if (c->json) {
		puts(buf_text(&text));
		return 0;
	}
	ids = value_get(v, "session_id");
	for (size_t i = 0; ids != NULL && i < ids->len; i++) {
		cli_write(STDOUT_FILENO, ids->item[i]->text,
		    strlen(ids->item[i]->text));
		cli_write(STDOUT_FILENO, "\n", 1);
	}
	return 0;
}

const struct cmd_session_verb *
cmd_session_call_find(const char *name)
{
	static const struct cmd_session_verb verbs[] = {
		{ "start", 2, 2, false, start },
		{ "advance", 1, -1, true, advance },
		{ "inspect", 1, 2, true, inspect },
		{ "status", 1, 1, false, status },
		{ "epoch", 1, 1, false, epoch },
		{ "finish", 1, 1, false, finish },
		{ "end", 1, 1, false, end },
		{ "ls", 0, 0, false, list },
	};

	for (size_t i = 0; i < nitems(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}
