#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/fetch_msgs.h"
#include "messages/frame.h"
#include "messages/front_msgs.h"
#include "messages/json.h"
#include "messages/prepare_msgs.h"
#include "messages/value.h"
#include "policy/decide.h"
#include "runtime/assemble.h"
#include "runtime/assemble_args.h"
#include "runtime/cli.h"
#include "runtime/launcher_link.h"
#include "runtime/message_file.h"
#include "runtime/prepare.h"
#include "runtime/prepare_event.h"
#include "runtime/prepare_item.h"
#include "runtime/prepare_take.h"
#include "runtime/record_parts.h"
#include "runtime/store.h"
#include "runtime/store_message.h"
#include "runtime/unpack.h"

/* What an ASSEMBLE made, until its RELEASE. */
struct kept {
	struct kept *next;
	uint32_t serial, tenant;
	enum aleph_encoding export;
	struct assembly assembly;
};

struct preparer {
	int core;
	struct store *store;
	const struct ceiling *ceiling;
	struct launcher_link link;
	struct kept *kept;
};

/* One message, parsed and judged. */
struct reading {
	char *data;
	size_t len;
	struct aleph_program program;
	struct problems problems;
	struct decision decision;
};

static void
free_reading(struct reading *r)
{
	free(r->data);
	aleph_fini(&r->program);
	problems_fini(&r->problems);
	free(r);
}

static struct reading *
new_reading(void)
{
	struct reading *r = calloc(1, sizeof(*r));

	invariant(r != NULL);
	return r;
}

static int
judge(struct preparer *p, struct reading *r, const char *name, int fd,
    struct err *e)
{
	static const struct decide_wish no_wish = { .tier = -1 };
	struct stat s;

	/* A pipe that nobody writes would be waited for. */
	if (fstat(fd, &s) == -1 || !S_ISREG(s.st_mode))
		return err_set(e, ERR_INVALID, "%s: it is no file", name);
	if (fd_read_all(fd, ALEPH_SIZE_MAX, &r->data, &r->len, e) == -1)
		return err_in(e, "%s", name);
	if (message_file_read(&r->program, name, r->data, r->len, -1,
		&r->problems, e) == -1)
		return -1;
	return decide(&r->program, p->ceiling, &no_wish, &r->decision, e);
}

static int
answer_failed(struct preparer *p, uint32_t serial, const struct err *why,
    const struct problems *problems, struct err *e)
{
	buf_auto struct buf b = { 0 };
	value_auto struct value *list = problems == NULL || problems->len == 0
	    ? NULL
	    : cli_problem_list(problems);
	char *text = list == NULL ? NULL : json_emit(list, JSON_AS_LINE);
	bool missing =
	    why->code == ERR_NOT_FOUND && p->store->missing[0] != '\0';

	/* So many that they do not fit: the sentence tells their number. */
	if (text != NULL && strlen(text) >= FRONT_PROBLEMS_MAX)
		text[0] = '\0';
	if (missing)
		buf_put_str(&b, p->store->missing);
	front_msgs_put_refused(&b, why, text);
	free(text);
	return frame_send(p->core, missing ? PREPARE_MISSING : PREPARE_FAILED,
	    serial, &b, NULL, 0, e);
}

/* ---- READ ---- */

static int
check_ref(struct preparer *p, const char *field, const char *ref, struct err *e)
{
	char digest[SHA256_HEX];
	bool bound;

	if (ref == NULL || store_resolve(p->store, ref, digest, &bound, e) == 0)
		return 0;
	return err_in(e, "%s", field);
}

/* What is missing is told when somebody can still mend it. */
static int
check_refs(struct preparer *p, const struct aleph_program *a, struct err *e)
{
	char field[48];

	if (check_ref(p, "code.ref", a->code.ref, e) == -1 ||
	    check_ref(p, "runtime.ref", a->runtime.ref, e) == -1 ||
	    check_ref(p, "data.ref", a->data.ref, e) == -1)
		return -1;
	for (size_t i = 0; i < a->nvolumes; i++) {
		snprintf(field, sizeof(field), "volumes[%zu].ref", i);
		if (check_ref(p, field, a->volume[i].ref, e) == -1)
			return -1;
	}
	return 0;
}

/* Beside on.http: what the node calls it for by itself. */
static int
take_triggers(const struct aleph_program *a, struct prepare_program *out,
    struct err *e)
{
	const struct value *c = a->cron;
	buf_auto struct buf b = { 0 };
	char *text;
	bool fits;

	if (c != NULL && c->kind == VALUE_STRING)
		buf_printf(&b, "%s\n", c->text);
	for (size_t i = 0; c != NULL && c->kind == VALUE_LIST && i < c->len;
	     i++)
		buf_printf(&b, "%s\n", c->item[i]->text);
	if (!str_copy(out->cron, sizeof(out->cron), buf_text(&b)))
		return err_set(e, ERR_INVALID, "on.cron: too long");
	if (a->subscriptions == NULL || a->subscriptions->len == 0)
		return 0;
	text = json_emit(a->subscriptions, JSON_AS_LINE);
	fits = str_copy(out->subscriptions, sizeof(out->subscriptions), text);
	free(text);
	return fits ? 0 : err_set(e, ERR_INVALID, "on.message: too long");
}

static int
keep_message(struct preparer *p, const struct reading *r,
    struct prepare_program *out, struct err *e)
{
	const struct aleph_program *a = &r->program;

	if (store_message_is_forgotten(p->store, a->address, a->id))
		return err_set(e, ERR_DENIED, "%s: its owner took it back",
		    a->id);
	if (take_triggers(a, out, e) == -1 ||
	    store_put_bytes(p->store, r->data, r->len, out->digest, e) == -1 ||
	    store_bind(p->store, a->id, out->digest, e) == -1)
		return -1;
	memcpy(out->hash, a->id, sizeof(out->hash));
	if (a->address == NULL ||
	    !str_copy(out->sender, sizeof(out->sender), a->address))
		out->sender[0] = '\0';
	out->unverified = a->unverified;
	out->on_http = a->on_http;
	out->persistent = a->on_persistent;
	out->interface = (uint8_t)a->code.interface;
	out->wall_ns = r->decision.grant.limit[GRANT_WALL];
	return 0;
}

static int
answer_read(struct preparer *p, struct frame *f, struct err *e)
{
	struct reading *r = new_reading();
	struct prepare_program out = { .hash = "" };
	buf_auto struct buf b = { 0 };
	struct err why;
	int status;

	status =
	    prepare_item_read(p->store, f->fds[0], &out, &r->problems, &why);
	if (status == 1) {
		prepare_msgs_put_program(&b, &out);
		status = frame_send(p->core, PREPARE_READ_DONE, f->serial, &b,
		    NULL, 0, e);
	} else if (status == -1 ||
	    judge(p, r, "message", f->fds[0], &why) == -1 ||
	    check_refs(p, &r->program, &why) == -1 ||
	    keep_message(p, r, &out, &why) == -1) {
		status = answer_failed(p, f->serial, &why, &r->problems, e);
	} else {
		prepare_msgs_put_program(&b, &out);
		status = frame_send(p->core, PREPARE_READ_DONE, f->serial, &b,
		    NULL, 0, e);
	}
	free_reading(r);
	return status;
}

/* ---- APPLY ---- */

static int
answer_apply(struct preparer *p, struct frame *f, struct err *e)
{
	char digest[SHA256_HEX];
	struct err why;

	buf_get_str(&f->body, digest, sizeof(digest));
	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "apply: malformed frame");
	if (prepare_item_apply(p->store, digest, &why) == -1)
		return answer_failed(p, f->serial, &why, NULL, e);
	return frame_send(p->core, PREPARE_APPLIED, f->serial, NULL, NULL, 0,
	    e);
}

/* ---- TAKE ---- */

static int
answer_take(struct preparer *p, struct frame *f, struct err *e)
{
	uint8_t what = buf_get_u8(&f->body);
	buf_auto struct buf b = { 0 };
	char hash[ITEM_HASH_MAX], need[ITEM_HASH_MAX], digest[SHA256_HEX];
	struct err why;

	buf_get_str(&f->body, hash, sizeof(hash));
	if (!buf_ok(&f->body) || what >= FETCH_WHATS)
		return err_set(e, ERR_INVALID, "take: malformed frame");
	if (prepare_take(p->store, &p->ceiling->fetch, (enum fetch_what)what,
		hash, f->fds[0], digest, need, &why) == -1)
		return answer_failed(p, f->serial, &why, NULL, e);
	buf_put_str(&b, digest);
	buf_put_str(&b, need);
	return frame_send(p->core, PREPARE_TAKEN, f->serial, &b, NULL, 0, e);
}

/* ---- ASSEMBLE ---- */

static bool
is_reusable(const struct assembly *a)
{
	bool own = a->export_volume != -1;

	/* A disk is one machine's at a time. */
	for (size_t i = 0; i < a->machine.nmounts; i++)
		own |= a->machine.mount[i].kind == MACHINE_DISK;
	return !own;
}

/* What the audit log tells of every run of it; the caller frees. */
static char *
terms_of(const struct preparer *p, const struct kept *k,
    const struct reading *r)
{
	value_auto struct value *v = value_new(VALUE_MAP);

	record_parts_message(v, &r->program);
	record_parts_policy(v, &r->decision, p->ceiling,
	    assemble_args_reuse(&r->program));
	record_parts_limits(v, &r->decision);
	value_set(v, "refs", value_copy(k->assembly.refs));
	return json_emit(v, JSON_AS_LINE);
}

static int
send_assembled(struct preparer *p, const struct kept *k,
    const struct reading *r, const char *terms, struct err *e)
{
	const struct aleph_program *program = &r->program;
	const struct assembly *a = &k->assembly;
	const struct prepare_assembled out = {
		.interface = (uint8_t)program->code.interface,
		.on_http = program->on_http,
		.reusable = is_reusable(a),
		.has_export = a->export_volume != -1,
		.kept = assemble_args_are_kept(program),
		.zygote = assemble_args_are_zygote(program),
	};
	int fds[1 + MACHINE_MOUNTS_MAX];
	buf_auto struct buf b = { 0 };
	size_t n = 0;

	prepare_msgs_put_assembled(&b, &out);
	buf_put_str(&b, terms);
	machine_put(&b, &a->machine);
	fds[n++] = a->args;
	for (size_t i = 0; i < a->machine.nmounts; i++)
		if (a->source[i] != -1)
			fds[n++] = a->source[i];
	return frame_send(p->core, PREPARE_ASSEMBLED, k->serial, &b, fds, n, e);
}

static int
make(struct preparer *p, const char *hash, struct reading *r, struct kept *k,
    char **terms, struct err *e)
{
	static const struct assemble_extra no_extra;
	const struct assemble_input in = { .program = &r->program,
		.decision = &r->decision,
		.ceiling = p->ceiling,
		.extra = &no_extra,
		.store = p->store,
		.link = &p->link,
		.tenant = k->tenant };
	char digest[SHA256_HEX];
	fd_auto int fd = -1;
	bool bound;

	if (store_resolve(p->store, hash, digest, &bound, e) == -1)
		return -1;
	fd = store_get(p->store, digest, e);
	if (fd == -1 || judge(p, r, hash, fd, e) == -1)
		return -1;
	k->export = r->program.export.encoding;
	if (assemble(&in, &k->assembly, e) == -1)
		return -1;
	*terms = terms_of(p, k, r);
	if (strlen(*terms) < PREPARE_TERMS_MAX)
		return 0;
	assemble_fini(&k->assembly);
	return err_set(e, ERR_INVALID,
	    "what it refers to is more than a "
	    "record holds");
}

static int
answer_assemble(struct preparer *p, struct frame *f, struct err *e)
{
	struct reading *r = new_reading();
	struct kept *k = calloc(1, sizeof(*k));
	char hash[ITEM_HASH_MAX], *terms = NULL;
	struct err why;
	int status;

	invariant(k != NULL);
	k->serial = f->serial;
	k->tenant = buf_get_u32(&f->body);
	buf_get_str(&f->body, hash, sizeof(hash));
	if (!buf_ok(&f->body)) {
		status = err_set(e, ERR_INVALID, "assemble: malformed frame");
		free(k);
	} else if (make(p, hash, r, k, &terms, &why) == -1) {
		status = answer_failed(p, f->serial, &why, &r->problems, e);
		free(k);
	} else {
		k->next = p->kept;
		p->kept = k;
		status = send_assembled(p, k, r, terms, e);
	}
	free_reading(r);
	free(terms);
	return status;
}

static struct kept **
find(struct preparer *p, uint32_t serial)
{
	struct kept **k = &p->kept;

	while (*k != NULL && (*k)->serial != serial)
		k = &(*k)->next;
	return k;
}

static void
release(struct kept **at)
{
	struct kept *k = *at;

	*at = k->next;
	assemble_fini(&k->assembly);
	free(k);
}

static int
answer_release(struct preparer *p, struct frame *f, struct err *e)
{
	struct kept **k = find(p, buf_get_u32(&f->body));

	if (!buf_ok(&f->body) || *k == NULL)
		return err_set(e, ERR_INVALID, "release: of what");
	release(k);
	return 0;
}

/* ---- PACK ---- */

static int
pack(struct preparer *p, const struct kept *k, char digest[SHA256_HEX],
    uint64_t *size, struct err *e)
{
	const struct unpack_input in = { .store = p->store,
		.link = &p->link,
		.ceiling = &p->ceiling->grant,
		.optional = p->ceiling->optional,
		.tenant = k->tenant };
	fd_auto int out = store_tmp_file(p->store, e);

	if (out == -1 ||
	    unpack_pack(&in, k->assembly.export_volume, k->export, out, digest,
		size, e) == -1)
		return -1;
	if (lseek(out, 0, SEEK_SET) == -1)
		return err_sys(e, "export");
	return store_put(p->store, out, digest, size, e);
}

static int
answer_pack(struct preparer *p, struct frame *f, struct err *e)
{
	const struct kept *k = *find(p, buf_get_u32(&f->body));
	buf_auto struct buf b = { 0 };
	char digest[SHA256_HEX];
	uint64_t size;
	struct err why;

	if (!buf_ok(&f->body) || k == NULL || k->assembly.export_volume == -1)
		return err_set(e, ERR_INVALID, "pack: of what");
	if (pack(p, k, digest, &size, &why) == -1)
		return answer_failed(p, f->serial, &why, NULL, e);
	buf_put_str(&b, digest);
	buf_put_u64(&b, size);
	return frame_send(p->core, PREPARE_PACKED, f->serial, &b, NULL, 0, e);
}

/* ---- EVENT ---- */

static int
answer_event(struct preparer *p, struct frame *f, struct err *e)
{
	struct prepare_event_ask ask = { .message = f->fds[0],
		.subscriptions = f->fds[1],
		.feed = buf_get_u8(&f->body) != 0,
		.unverified = p->ceiling->fetch.feed_unverified,
		.store = p->store };
	buf_auto struct buf b = { 0 };
	fd_auto int out = -1;
	struct err why;

	if (!buf_ok(&f->body))
		return err_set(e, ERR_INVALID, "event: malformed frame");
	if (prepare_event_match(&ask, &b, &out, &why) == -1)
		return answer_failed(p, f->serial, &why, NULL, e);
	return frame_send(p->core, PREPARE_EVENT_DONE, f->serial, &b, &out, 1,
	    e);
}

static const struct request {
	enum prepare_type type;
	size_t nfds;
	int (*answer)(struct preparer *, struct frame *, struct err *);
} requests[] = {
	{ PREPARE_READ, 1, answer_read },
	{ PREPARE_APPLY, 0, answer_apply },
	{ PREPARE_TAKE, 1, answer_take },
	{ PREPARE_ASSEMBLE, 0, answer_assemble },
	{ PREPARE_PACK, 0, answer_pack },
	{ PREPARE_EVENT, 2, answer_event },
	{ PREPARE_RELEASE, 0, answer_release },
};

static int
dispatch(struct preparer *p, struct frame *f, struct err *e)
{
	p->store->missing[0] = '\0';
	for (size_t i = 0; i < nitems(requests); i++)
		if (requests[i].type == f->type && requests[i].nfds == f->nfds)
			return requests[i].answer(p, f, e);
	return err_set(e, ERR_INVALID, "frame %u with %zu descriptors", f->type,
	    f->nfds);
}

int
prepare_serve(int core, int launcher, struct store *s, const struct ceiling *c,
    struct err *e)
{
	struct preparer p = { .core = core, .store = s, .ceiling = c };
	struct frame f;
	int r;

	if (launcher_link_open(&p.link, launcher, c, 0, e) == -1)
		return -1;
	while ((r = frame_recv(core, &f, e)) == 1) {
		r = dispatch(&p, &f, e);
		frame_fini(&f);
		if (r == -1)
			break;
	}
	while (p.kept != NULL)
		release(&p.kept);
	return r;
}
