#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/assemble.h"
#include "runtime/cli.h"
#include "policy/filter.h"
#include "policy/groups.h"
#include "runtime/denials.h"
#include "runtime/function.h"
#include "runtime/instance.h"
#include "runtime/launcher_link.h"
#include "runtime/message_file.h"
#include "runtime/policy_file.h"
#include "runtime/policy_open.h"
#include "runtime/record.h"
#include "runtime/run_options.h"
#include "runtime/spawn.h"
#include "runtime/store.h"
#include "runtime/store_open.h"
#include "runtime/unpack.h"

/* One command runs the machines of one tenant. */
#define TENANT 1

/* Everything that is opened while there is still privilege. */
struct opened {
	int message, policy, input, result, export, audit;
	struct store store;
	struct spawn launcher;
};

static void
close_opened(struct opened *o)
{
	fd_close(&o->message);
	fd_close(&o->policy);
	fd_close(&o->input);
	fd_close(&o->result);
	fd_close(&o->export);
	fd_close(&o->audit);
	store_close(&o->store);
}

static int
open_all(const struct run_options *o, struct opened *f, struct err *e)
{
	/* First: the launcher gets ready while we open the rest. */
	if (spawn_launcher(&f->launcher, e) == -1 ||
	    store_open_chosen(&f->store, o->store, e) == -1)
		return -1;
	/* A hash is looked up in the store, once nothing can be lost. */
	if (!str_is_sha256(o->message) &&
	    (f->message = cli_open(o->message, e)) == -1)
		return -1;
	if (o->policy != NULL && (f->policy = policy_open(o->policy, e)) == -1)
		return -1;
	/* A shell is typed to. */
	if ((o->input != NULL || o->extra.shell) &&
	    (f->input = cli_open(o->input == NULL ? "-" : o->input, e)) == -1)
		return -1;
	if (o->result != NULL && (f->result = cli_create(o->result, e)) == -1)
		return -1;
	f->audit = denials_open();
	if (o->export != NULL && (f->export = cli_create(o->export, e)) == -1)
		return -1;
	return 0;
}

/* ---- after the drop ---- */

struct run {
	const struct run_options *options;
	struct opened *files;
	struct aleph_program program;
	struct problems problems;
	struct ceiling ceiling;
	struct decision decision;
	struct launcher_link link;
	struct assembly assembly;
	struct spawn dns;
	struct instance_dns names;
	struct instance instance;
	struct function_reply reply;
	struct value *export;
	struct record record;
};

static int
read_message(struct run *r, struct err *e)
{
	char digest[SHA256_HEX], *data = NULL;
	const char *name = r->options->message;
	size_t len;
	bool bound;
	int status;

	if (r->files->message == -1) {
		if (store_resolve(&r->files->store, name, digest, &bound, e) ==
		    -1)
			return -1;
		r->files->message = store_get(&r->files->store, digest, e);
		if (r->files->message == -1)
			return -1;
	}
	if (fd_read_all(r->files->message, ALEPH_SIZE_MAX, &data, &len, e) ==
	    -1)
		return err_in(e, "%s", name);
	status = message_file_read(&r->program, name, data, len,
	    r->options->dialect, &r->problems, e);
	free(data);
	return status;
}

static int
open_signals(struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd == -1 ? err_sys(e, "signalfd") : fd;
}

/* Somebody who answers the machine's resolver, before it can ask. */
static int
start_names(struct run *r, struct err *e)
{
	if (!r->assembly.machine.resolver)
		return 0;
	if (spawn_dns(&r->dns, e) == -1)
		return -1;
	r->names = (struct instance_dns){ r->dns.sock, &r->ceiling.dns };
	r->instance.dns = &r->names;
	return 0;
}

static void
prepare_instance(struct run *r, int signals)
{
	struct instance *i = &r->instance;
	const uint64_t *limit = r->decision.grant.limit;

	i->machine = &r->assembly.machine;
	i->tenant = TENANT;
	i->args = r->assembly.args;
	i->source = r->assembly.source;
	i->signals = signals;
	i->audit = r->files->audit;
	i->out.limit = limit[GRANT_STDOUT];
	i->err.limit = limit[GRANT_STDERR];
	i->out.fd = r->options->json ? -1 : STDOUT_FILENO;
	i->err.fd = r->options->json ? -1 : STDERR_FILENO;
	i->out.keep = i->err.keep = r->options->json;
}

/* After every task is dead: the volume is packed by a machine of its own. */
static int
collect_export(struct run *r, struct err *e)
{
	const struct unpack_input in = { .store = &r->files->store,
		.link = &r->link,
		.ceiling = &r->ceiling.grant,
		.optional = r->ceiling.optional,
		.tenant = TENANT };
	fd_auto int out = -1;
	char digest[SHA256_HEX];
	uint64_t size;

	if (r->assembly.export_volume == -1)
		return 0;
	out = store_tmp_file(&r->files->store, e);
	if (out == -1 ||
	    unpack_pack(&in, r->assembly.export_volume,
		r->program.export.encoding, out, digest, &size, e) == -1)
		return -1;
	if (lseek(out, 0, SEEK_SET) == -1 ||
	    store_put(&r->files->store, out, digest, &size, e) == -1)
		return -1;
	if (r->files->export != -1) {
		fd_auto int blob = store_get(&r->files->store, digest, e);
		char data[64 << 10];
		ssize_t n;

		while (blob != -1 && (n = read(blob, data, sizeof(data))) > 0)
			if (fd_write_full(r->files->export, data, (size_t)n) ==
			    -1)
				return err_sys(e, "%s", r->options->export);
	}
	r->export = value_new(VALUE_MAP);
	value_set_text(r->export, "digest", digest);
	value_set_int(r->export, "bytes", (int64_t)size);
	value_set_text(r->export, "encoding",
	    aleph_encoding_name(r->program.export.encoding));
	r->record.export = r->export;
	return 0;
}

static int
run_machine(struct run *r, int signals, struct err *e)
{
	const struct function_input in = {
		.program = &r->program,
		.shell = r->options->extra.shell,
		.request = r->options->request,
		.input = r->files->input,
		.body_limit = r->decision.grant.limit[GRANT_BODY],
		.output = r->options->json ? -1 : STDOUT_FILENO,
	};
	int status;

	prepare_instance(r, signals);
	r->record.instance = &r->instance;
	if (r->program.code.interface != ALEPH_EXEC && !r->options->extra.shell)
		r->record.reply = &r->reply;
	status = function_run(&in, &r->instance, &r->link, &r->reply, e);
	if (status == -1)
		r->record.internal = r->instance.ran && e->code == ERR_SYSTEM;
	if (r->instance.ran && status == 0) {
		status = collect_export(r, e);
		/* What it left cannot be packed: its fault.  Else ours. */
		if (status == -1 && e->code == ERR_INVALID)
			e->code = ERR_GUEST;
		else if (status == -1)
			r->record.internal = true;
	}
	return status;
}

/* Who looks around needs longer than a call: what the admin allows at most. */
static void
take_time(struct run *r)
{
	static const enum grant_limit limits[] = { GRANT_WALL, GRANT_CPU_TIME };
	struct decision *d = &r->decision;

	for (size_t i = 0; i < nitems(limits); i++) {
		if (d->origin[limits[i]] == DECIDE_COMMAND)
			continue;
		d->grant.limit[limits[i]] = r->ceiling.grant.limit[limits[i]];
		d->origin[limits[i]] = DECIDE_COMMAND;
	}
}

static int
decide_and_run(struct run *r, struct err *e)
{
	struct assemble_input in = { .program = &r->program,
		.decision = &r->decision,
		.ceiling = &r->ceiling,
		.extra = &r->options->extra,
		.store = &r->files->store,
		.link = &r->link,
		.tenant = TENANT,
		.verbose = r->options->verbose };
	fd_auto int signals = -1;

	if (policy_file_read(r->files->policy, r->options->policy, &r->ceiling,
		&r->problems, e) == -1 ||
	    read_message(r, e) == -1)
		return -1;
	r->record.program = &r->program;
	if (r->program.code.interface >= ALEPH_FUNCTIONS &&
	    !r->options->extra.shell)
		return err_set(e, ERR_DENIED,
		    "code.interface: %s is a machine's, which sessions drive: "
		    "see 'cella machine create'",
		    aleph_interface_name(r->program.code.interface));
	if (decide(&r->program, &r->ceiling, &r->options->wish, &r->decision,
		e) == -1)
		return -1;
	if (r->options->extra.shell)
		take_time(r);
	r->record.decision = &r->decision;
	signals = open_signals(e);
	if (signals == -1 ||
	    launcher_link_open(&r->link, r->files->launcher.sock, &r->ceiling,
		0, e) == -1)
		return -1;
	if (assemble(&in, &r->assembly, e) == -1 ||
	    launcher_link_wait_ready(&r->link, e) == -1)
		return -1;
	r->record.host = &r->link.host;
	r->record.refs = r->assembly.refs;
	if (start_names(r, e) == -1)
		return -1;
	return run_machine(r, signals, e);
}

/* ---- what is said at the end ---- */

static void
say_limit(const struct run *r, enum verdict v)
{
	static const enum grant_limit limits[] = {
		[VERDICT_OOM] = GRANT_MEMORY,
		[VERDICT_CPU] = GRANT_CPU_TIME,
		[VERDICT_WALL] = GRANT_WALL,
		[VERDICT_OUTPUT] = GRANT_STDOUT,
	};
	enum grant_limit l;

	if (v < VERDICT_OOM || v > VERDICT_OUTPUT)
		return;
	l = limits[v];
	fprintf(stderr, "cella: ended: limit %s of %" PRIu64 " %s is reached\n",
	    grant_limit_name(l), r->decision.grant.limit[l],
	    grant_limit_unit(l));
}

static void
say_denials(const struct run *r)
{
	const struct grant *g = &r->decision.grant;
	static struct filter_model m;
	struct err e;

	if (r->instance.denials.total > 0 &&
	    groups_model(g->groups, !g->wx, &m, &e) == 0)
		denials_print(&r->instance.denials, &m,
		    grant_tier_name(r->decision.tier));
}

static void
say_end(const struct run *r, enum verdict v, const struct verdict_facts *f)
{
	say_denials(r);
	say_limit(r, v);
	if (v == VERDICT_POLICY_VIOLATION)
		fprintf(stderr,
		    "cella: ended: a system call that no machine may make "
		    "(SIGSYS); 'cella policy explain' lists them\n");
	if (r->instance.ran && r->instance.exited.end == LAUNCH_END_NO_EXEC) {
		errno = (int)r->instance.exited.code;
		fprintf(stderr, "cella: %s%s: %m\n",
		    r->options->extra.shell ? "" : "/opt/code/",
		    r->options->extra.shell ? "/bin/sh"
					    : r->program.code.entrypoint);
	}
	if (v == VERDICT_SIGNAL && f->signal != 0 && r->options->verbose)
		fprintf(stderr, "cella: ended by signal %d\n", f->signal);
}

static void
say_warnings(const struct run *r)
{
	const struct value *list = r->program.not_granted;

	for (size_t i = 0; list != NULL && i < list->len; i++)
		fprintf(stderr,
		    "cella: warning: %s: asked for, and not offered by this "
		    "node\n",
		    list->item[i]->text);
	for (int i = 0;
	     r->options->verbose && r->instance.ran && i < MACHINE_CONTROLS;
	     i++)
		if ((r->instance.created.degraded & MACHINE_CONTROL_BIT(i)))
			fprintf(stderr, "cella: degraded: %s\n",
			    machine_control_name((enum machine_control)i));
}

static int
write_record(const struct run *r, struct err *e)
{
	value_auto struct value *v = record_build(&r->record);
	char *text = json_emit(v, JSON_AS_LINES);
	int status = 0;

	if (r->options->json)
		puts(text);
	if (r->files->result != -1 &&
	    (fd_write_full(r->files->result, text, strlen(text)) == -1 ||
		fd_write_full(r->files->result, "\n", 1) == -1))
		status = err_sys(e, "%s", r->options->result);
	free(text);
	return status;
}

static int
finish(struct run *r, int status, struct err *why)
{
	value_auto struct value *problems = cli_problem_list(&r->problems);
	struct verdict_facts f;
	enum verdict v;
	struct err e;
	int code;

	if (status == -1) {
		r->record.error = why;
		cli_problems(&r->problems, r->options->message);
		cli_error(why, false);
	}
	if (r->problems.len > 0)
		r->record.problems = problems;
	r->record.with_output = r->options->json;
	v = record_verdict(&r->record, &f);
	say_warnings(r);
	say_end(r, v, &f);
	code = verdict_exit_status(v, &f);
	if (status == -1 && (why->code != ERR_GUEST || !r->instance.ran))
		code = CLI_FAILED;
	if (write_record(r, &e) == -1) {
		cli_error(&e, false);
		code = CLI_FAILED;
	}
	return code;
}

static int
run_dropped(const struct run_options *o, struct opened *files)
{
	struct run *r = calloc(1, sizeof(*r));
	struct err e = { .text = "" };
	int status, code;
	bool cleared;

	invariant(r != NULL);
	r->options = o;
	r->files = files;
	r->instance = (struct instance)INSTANCE_NEW;
	r->assembly.args = r->assembly.export_volume = -1;
	r->dns.sock = -1;
	for (size_t i = 0; i < MACHINE_MOUNTS_MAX; i++)
		r->assembly.source[i] = -1;
	r->record.started_real_ns = clock_real_ns();
	r->record.ceiling = &r->ceiling;
	r->record.shell = o->extra.shell;
	ceiling_default(&r->ceiling);
	status = decide_and_run(r, &e);
	if (r->dns.pid != 0)
		(void)spawn_end(&r->dns);
	cleared = spawn_end_launcher(&files->launcher);
	r->link.sock = -1; /* what is freed from here on has gone with it */
	/* What the kernel wrote meanwhile. */
	if (files->audit != -1 && r->instance.ran)
		denials_drain(files->audit, r->instance.created.uid,
		    &r->instance.denials);
	code = finish(r, status, &e);
	if (!cleared && code == 0) {
		fprintf(stderr, "cella: the launcher failed at its end\n");
		code = CLI_FAILED;
	}
	instance_fini(&r->instance);
	buf_fini(&r->reply.body);
	assemble_fini(&r->assembly);
	aleph_fini(&r->program);
	problems_fini(&r->problems);
	value_free(r->export);
	free(r);
	return code;
}

static int
run_all(const struct run_options *o)
{
	struct opened files = { .message = -1,
		.policy = -1,
		.input = -1,
		.result = -1,
		.export = -1,
		.audit = -1,
		.store.dir = -1,
		.launcher = { -1, 0 } };
	struct err e;
	int code = CLI_FAILED;

	if (open_all(o, &files, &e) == -1 || spawn_drop_for_good(&e) == -1)
		cli_error(&e, o->json);
	else
		code = run_dropped(o, &files);
	/* What was opened before something else could not be. */
	if (files.launcher.sock != -1)
		(void)spawn_end(&files.launcher);
	close_opened(&files);
	return code;
}

static int
run(int argc, char **argv)
{
	static struct run_options o;

	if (run_options_parse(&o, argc, argv) == -1)
		return CLI_USAGE;
	return run_all(&o);
}

const struct cli_command cmd_run_command = { "run", "[OPTION...] MESSAGE|HASH",
	"run a message in a machine", run };
