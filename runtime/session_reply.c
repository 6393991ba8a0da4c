#include "messages/processed.h"
#include "messages/protobuf_write.h"
#include "runtime/session_reply.h"
#include "runtime/session_view.h"

/* ---- numbers of server-manager.proto ---- */

enum { STARTED_CONFIG = 1 };
enum { STATUS_SESSION_ID = 1 };
enum { TAINT_CODE = 1, TAINT_MESSAGE };
enum { SESSION_ID = 1, SESSION_ACTIVE, SESSION_EPOCHS, SESSION_TAINT };
enum {
	EPOCH_ID = 1,
	EPOCH_INDEX,
	EPOCH_STATE,
	EPOCH_MACHINE,
	EPOCH_VOUCHERS,
	EPOCH_NOTICES,
	EPOCH_INPUTS,
	EPOCH_PENDING,
	EPOCH_TAINT,
};
enum { QUERY_ID = 1, QUERY_EPOCH, QUERY_INPUT };

void
session_reply_started(struct buf *b, const struct session *s)
{
	buf_auto struct buf config = { 0 };

	machine_config_put(&config, session_view_machine(s));
	protobuf_write_bytes(b, STARTED_CONFIG, config.data, config.len);
}

void
session_reply_all(struct buf *b, const struct sessions *all)
{
	for (const struct session *s = session_view_first(all); s != NULL;
	     s = session_view_next(s))
		protobuf_write_text(b, STATUS_SESSION_ID, session_view_id(s));
}

/* Of a tainted one alone. */
static void
put_taint(struct buf *b, uint32_t field, const struct session *s)
{
	const struct session_taint *t = session_view_taint(s);
	buf_auto struct buf in = { 0 };

	if (t->status == GRPC_OK)
		return;
	protobuf_write_number(&in, TAINT_CODE, t->status);
	protobuf_write_text(&in, TAINT_MESSAGE, t->text);
	protobuf_write_bytes(b, field, in.data, in.len);
}

void
session_reply_session(struct buf *b, const struct session *s)
{
	const struct session_epoch *e = session_view_epochs(s);
	buf_auto struct buf indices = { 0 };

	protobuf_write_text(b, SESSION_ID, session_view_id(s));
	protobuf_write_number(b, SESSION_ACTIVE, session_view_active(s)->index);
	for (; e != NULL; e = e->next)
		protobuf_write_varint(&indices, e->index);
	protobuf_write_bytes(b, SESSION_EPOCHS, indices.data, indices.len);
	put_taint(b, SESSION_TAINT, s);
}

static void
put_root(struct buf *b, uint32_t field, const struct merkle_epoch *t)
{
	struct merkle_hash root;

	merkle_epoch_root(t, &root);
	processed_put_hash(b, field, &root);
}

static void
put_input(struct buf *b, const struct session_epoch *e, size_t i)
{
	struct merkle_proof vouchers, notices;

	if (e->finished) {
		merkle_epoch_prove(&e->vouchers, i, &vouchers);
		merkle_epoch_prove(&e->notices, i, &notices);
	} else {
		merkle_epoch_prove_then(&e->vouchers, i, &vouchers);
		merkle_epoch_prove_then(&e->notices, i, &notices);
	}
	processed_put_input(b, EPOCH_INPUTS, i, &e->done[i].machine, &vouchers,
	    &notices, &e->done[i].body);
}

void
session_reply_epoch(struct buf *b, const struct session *s,
    const struct session_epoch *e)
{
	protobuf_write_text(b, EPOCH_ID, session_view_id(s));
	protobuf_write_number(b, EPOCH_INDEX, e->index);
	protobuf_write_number(b, EPOCH_STATE, e->finished);
	processed_put_hash(b, EPOCH_MACHINE, &e->machine);
	put_root(b, EPOCH_VOUCHERS, &e->vouchers);
	put_root(b, EPOCH_NOTICES, &e->notices);
	for (size_t i = 0; i < e->ndone; i++)
		put_input(b, e, i);
	if (!e->finished)
		protobuf_write_number(b, EPOCH_PENDING,
		    session_view_pending(s));
	put_taint(b, EPOCH_TAINT, s);
}

void
session_reply_query(struct buf *b, const struct session_answer *a)
{
	protobuf_write_text(b, QUERY_ID, session_view_id(a->session));
	protobuf_write_number(b, QUERY_EPOCH, a->epoch->index);
	protobuf_write_number(b, QUERY_INPUT, a->input_index);
	processed_put_query(b, a->result);
}
