#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/start_block.h"
#include "messages/child_step.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/args_block.h"
#include "runtime/core.h"
#include "runtime/core_exec.h"
#include "runtime/core_run_parts.h"
#include "runtime/pipes.h"

struct core_exec {
	struct core *core;
	struct core_exec *next;
	uint32_t serial; /* of front */
	uint64_t number, run;
	char id[CORE_RUN_ID], hash[ITEM_HASH_MAX];
	struct value *command; /* a list of texts */
	bool recorded;         /* that it was asked for */
	bool told;             /* JOINED */
	int in, out, err;      /* front's ends, until it has them */
	int status;            /* what the launcher says of it; -1 */
	struct loop_watch watch;
	struct front_ended how;
};

/* ---- the end ---- */

static struct core_audit_exec
record_of(const struct core_exec *x)
{
	return (struct core_audit_exec){ x->number, x->id, x->hash };
}

/* Whoever has the other end of status ends the program. */
static void
end(struct core_exec *x)
{
	struct core *c = x->core;
	struct core_exec **at = &c->execs;
	const struct core_audit_exec r = record_of(x);

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	c->nexecs--;
	if (x->recorded)
		core_audit_exec_ended(&c->audit, &r, &x->how);
	else
		core_audit_forget(&c->audit, x);
	loop_remove(c->loop, &x->watch);
	fd_close(&x->status);
	fd_close(&x->in);
	fd_close(&x->out);
	fd_close(&x->err);
	value_free(x->command);
	free(x);
}

static void
refuse(struct core_exec *x, const struct err *why)
{
	core_refuse(x->core, x->serial, why, NULL);
	core_log("run %s: exec %" PRIu64 ": %s", x->id, x->number, why->text);
	end(x);
}

static void
tell_joined(struct core_exec *x)
{
	const int fds[3] = { x->in, x->out, x->err };

	if (x->told)
		return;
	x->told = true;
	frame_link_send(&x->core->front, FRONT_JOINED, x->serial, NULL, fds, 3);
	fd_close(&x->in);
	fd_close(&x->out);
	fd_close(&x->err);
}

static void
tell_ended(struct core_exec *x, enum launch_end how, uint32_t code)
{
	buf_auto struct buf b = { 0 };

	x->how = (struct front_ended){ .end = (uint8_t)how, .code = code };
	tell_joined(x);
	front_msgs_put_ended(&b, &x->how);
	frame_link_send(&x->core->front, FRONT_ENDED, x->serial, &b, NULL, 0);
	end(x);
}

/* ---- how it goes ---- */

static void
not_started(struct core_exec *x, const struct start_status *s)
{
	struct err why;

	x->how = (struct front_ended){ .end = LAUNCH_END_NO_START,
		.code = s->value };
	if (s->value == EBUSY)
		err_set(&why, ERR_BUSY,
		    "as many programs as may join a machine are in it");
	else
		err_set(&why, ERR_SYSTEM,
		    "the program could not join the machine: %s: %s",
		    child_step_name(s->step), strerror((int)s->value));
	refuse(x, &why);
}

static void
heard(struct core_exec *x, const struct start_status *s)
{
	switch ((enum start_word)s->word) {
	case START_RUNNING:
		tell_joined(x);
		return;
	case START_EXITED:
		tell_ended(x, LAUNCH_END_EXIT, s->value & 0xff);
		return;
	case START_SIGNALED:
		tell_ended(x, LAUNCH_END_SIGNAL, s->value & 0x7f);
		return;
	case START_NO_EXEC:
		tell_ended(x, LAUNCH_END_NO_EXEC, s->value);
		return;
	case START_NO_START:
		break;
	}
	not_started(x, s);
}

/* It ends without a word when the machine does. */
static void
lost(struct core_exec *x)
{
	struct err why;

	x->how.end = LAUNCH_END_LOST;
	if (x->told) {
		tell_ended(x, LAUNCH_END_LOST, 0);
		return;
	}
	err_set(&why, ERR_NOT_FOUND, "%s: it does not run any more", x->id);
	refuse(x, &why);
}

static void
status_ready(void *arg, uint32_t events)
{
	struct core_exec *x = arg;
	struct start_status s;
	ssize_t n = recv(x->status, &s, sizeof(s), 0);

	(void)events;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == (ssize_t)sizeof(s))
		heard(x, &s);
	else
		lost(x);
}

/* ---- the start ---- */

/* Those that have a machine, and no others. */
static bool
is_running(const struct core_run *r)
{
	return r->created_it && r->machine.serial != 0 &&
	    (r->state == RUN_KNOCKING || r->state == RUN_ADMITTED);
}

static struct core_run *
find_number(const struct core *c, uint64_t number)
{
	struct core_run *r = c->runs;

	while (r != NULL && r->number != number)
		r = r->next;
	return r != NULL && is_running(r) ? r : NULL;
}

/* By its own name, or its function's if there is no other. */
static struct core_run *
find(const struct core *c, const char *what, struct err *e)
{
	bool by_hash = item_hash_kind(what) != ITEM_HASH_NONE;
	struct core_run *found = NULL;
	unsigned n = 0;

	for (struct core_run *r = c->runs; r != NULL; r = r->next)
		if (strcmp(by_hash ? r->hash : r->id, what) == 0 &&
		    is_running(r)) {
			found = r;
			n++;
		}
	if (n == 1)
		return found;
	if (n == 0)
		err_set(e, ERR_NOT_FOUND, "%s: no machine of it runs", what);
	else
		err_set(e, ERR_CONFLICT,
		    "%s: %u machines of it run; name one of these runs", what,
		    n);
	return NULL;
}

static int
make_args(const struct core_exec *x, const struct core_run *r, struct err *e)
{
	const char *argv[FRONT_ARGS_MAX];
	size_t n = x->command->len;

	for (size_t i = 0; i < n; i++)
		argv[i] = x->command->item[i]->text;
	return args_block_with(r->assembly->args, argv, n, e);
}

static int
join(struct core_exec *x, const struct core_run *r, struct err *e)
{
	fd_auto int in = -1, out = -1, err = -1, args = -1, said = -1;
	int pair[2];

	if (pipes_make(&in, &x->in, false, e) == -1 ||
	    pipes_make(&x->out, &out, true, e) == -1 ||
	    pipes_make(&x->err, &err, true, e) == -1)
		return -1;
	args = make_args(x, r, e);
	if (args == -1)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair) == -1)
		return err_sys(e, "exec: socketpair");
	x->status = pair[0];
	said = pair[1];
	if (loop_add(x->core->loop, &x->watch, x->status, EPOLLIN, status_ready,
		x, e) == -1)
		return -1;
	frame_link_send(&x->core->launcher.link, LAUNCH_JOIN, r->machine.serial,
	    NULL, (const int[]){ in, out, err, args, said }, 5);
	return 0;
}

/* It stands in the audit log: only now anything of it is started. */
static void
recorded(void *arg, const struct err *cause)
{
	struct core_exec *x = arg;
	const struct core_run *r = find_number(x->core, x->run);
	struct err why;

	x->recorded = cause == NULL;
	x->how.end = LAUNCH_END_LOST;
	if (cause != NULL)
		err_set(&why, ERR_BUSY, "%s", cause->text);
	else if (r == NULL)
		err_set(&why, ERR_NOT_FOUND, "%s: it does not run any more",
		    x->id);
	else if (join(x, r, &why) == 0)
		return;
	refuse(x, &why);
}

static void
begin(struct core *c, uint32_t serial, const struct core_run *r,
    struct value *command, bool token)
{
	struct core_exec *x = calloc(1, sizeof(*x));
	char *text = json_emit(command, JSON_AS_LINE), *safe;
	struct core_audit_exec record;

	invariant(x != NULL);
	*x = (struct core_exec){ .core = c,
		.next = c->execs,
		.serial = serial,
		.number = ++c->last_exec,
		.run = r->number,
		.command = command,
		.in = -1,
		.out = -1,
		.err = -1,
		.status = -1,
		.watch = LOOP_WATCH_NONE };
	str_copy(x->id, sizeof(x->id), r->id);
	str_copy(x->hash, sizeof(x->hash), r->hash);
	c->execs = x;
	c->nexecs++;
	safe = str_printable(text, strlen(text), 512);
	core_log("run %s: exec %" PRIu64 ": %s", x->id, x->number, safe);
	free(safe);
	free(text);
	record = record_of(x);
	core_audit_exec(&c->audit, &record, r->assembly->owner, command, token,
	    recorded, x);
}

/* ---- what front says ---- */

/* NULL: malformed. */
static struct value *
read_command(struct buf *b)
{
	struct value *list = value_new(VALUE_LIST);
	uint32_t n = buf_get_u32(b);
	char *text;

	for (uint32_t i = 0; i < n && n <= FRONT_ARGS_MAX; i++) {
		text = malloc(b->len - b->at + 1);
		invariant(text != NULL);
		buf_get_str(b, text, b->len - b->at + 1);
		if (!b->failed)
			value_add_text(list, text);
		free(text);
	}
	if (buf_ok(b) && n > 0 && list->len == n)
		return list;
	value_free(list);
	return NULL;
}

static struct core_run *
may_join(const struct core *c, const char *what, struct err *e)
{
	if (c->ceiling.node.no_exec)
		err_set(e, ERR_DENIED,
		    "the node's policy lets nobody join a machine (exec)");
	else if (c->nexecs >= CORE_EXECS_MAX)
		err_set(e, ERR_BUSY, "%d programs have joined machines",
		    CORE_EXECS_MAX);
	else
		return find(c, what, e);
	return NULL;
}

int
core_exec_hear(void *core, struct frame *f, struct err *e)
{
	struct core *c = core;
	char what[FRONT_CALL_ID];
	struct value *command;
	struct core_run *r;
	struct err why;
	bool token;

	buf_get_str(&f->body, what, sizeof(what));
	token = buf_get_u8(&f->body) != 0;
	command = read_command(&f->body);
	if (command == NULL || f->serial == 0) {
		value_free(command);
		return err_set(e, ERR_INVALID, "exec: malformed frame");
	}
	r = may_join(c, what, &why);
	if (r != NULL) {
		begin(c, f->serial, r, command, token);
		return 0;
	}
	core_refuse(c, f->serial, &why, NULL);
	value_free(command);
	return 0;
}

bool
core_exec_left(struct core *c, uint32_t serial)
{
	struct core_exec *x = c->execs;

	while (x != NULL && x->serial != serial)
		x = x->next;
	if (x == NULL)
		return false;
	x->how.end = LAUNCH_END_LOST;
	end(x);
	return true;
}

void
core_exec_front_gone(struct core *c)
{
	while (c->execs != NULL) {
		c->execs->how.end = LAUNCH_END_LOST;
		end(c->execs);
	}
}
