#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/front_msgs.h"
#include "messages/launch_msgs.h"
#include "messages/prepare_msgs.h"
#include "messages/value.h"
#include "policy/verdict.h"
#include "runtime/core.h"
#include "runtime/core_audit.h"
#include "runtime/core_program.h"
#include "runtime/node_key.h"
#include "runtime/record_parts.h"

#define CHECKPOINT_NS (60 * CLOCK_SECOND)
/* What nobody waits for is written with what somebody does, or by then. */
#define LATER_NS (CLOCK_SECOND / 50)
#define RETRY_NS CLOCK_SECOND
#define SUMMARY_NS (10 * CLOCK_SECOND)
/* A core that was killed may be a moment in dying. */
#define WRITER_MS 20
#define WRITER_TRIES 250

/* ---- writing ---- */

/* All that was added in this turn of the loop, with one sync. */
static void
flush(void *arg)
{
	struct core_audit *a = arg;
	struct err e;

	if (audit_log_flush(a->log, &e) == 0) {
		if (a->failing)
			core_log("the audit log is written again");
		a->failing = false;
		return;
	}
	if (!a->failing)
		core_log("%s: nothing is admitted until it can be", e.text);
	a->failing = true;
	loop_timer_set(a->loop, &a->soon, clock_mono_ns() + RETRY_NS, flush, a);
}

static void
add(struct core_audit *a, struct value *record, audit_log_fn *fn, void *arg)
{
	audit_log_add(a->log, record, fn, arg);
	if (fn != NULL)
		loop_timer_set(a->loop, &a->soon, 0, flush, a);
	else if (a->soon.place == 0)
		loop_timer_set(a->loop, &a->soon, clock_mono_ns() + LATER_NS,
		    flush, a);
}

static struct value *
new_record(const char *kind)
{
	struct value *v = value_new(VALUE_MAP);

	value_set_text(v, "kind", kind);
	return v;
}

static void
add_run(struct value *v, const struct core_audit_run *r)
{
	value_set_text(v, "run", r->run);
	value_set_text(v, "item_hash", r->hash);
	value_set_text(v, "owner", r->owner);
	value_set_text(v, "trigger", r->trigger);
	if (r->key != NULL && r->key[0] != '\0')
		value_set_text(v, "key", r->key);
	if (r->job != 0)
		record_parts_set(v, "job", r->job);
	if (r->life != NULL) {
		record_parts_set(v, "wall_ns", r->life->limit[GRANT_WALL]);
		record_parts_set(v, "cpu_time_ns",
		    r->life->limit[GRANT_CPU_TIME]);
	}
}

static void
add_error(struct value *v, const char *key, const struct err *why)
{
	struct value *x = value_set_map(v, key);

	value_set_text(x, "code", err_code_name(why->code));
	value_set_text(x, "message", why->text);
}

/* ---- checkpoints ---- */

struct value *
core_audit_state(const struct core_audit *a)
{
	struct value *v = value_new(VALUE_MAP);
	char hash[SHA256_HEX];

	value_set_int(v, "seq", (int64_t)audit_log_last(a->log, hash));
	value_set_text(v, "hash", hash);
	return v;
}

static void
say_checkpoint(struct core_audit *a)
{
	char hash[SHA256_HEX];
	uint64_t last = audit_log_last(a->log, hash);

	if (last != a->told)
		core_log("audit checkpoint %" PRIu64 ":%s", last, hash);
	a->told = last;
}

/* Whoever keeps what we print keeps what no change of the log can undo. */
static void
tell_checkpoint(void *arg)
{
	struct core_audit *a = arg;

	say_checkpoint(a);
	loop_timer_set(a->loop, &a->checkpoint, clock_mono_ns() + CHECKPOINT_NS,
	    tell_checkpoint, a);
}

static int
make_node_key(struct err *e)
{
	fd_auto int dir = open(AUDIT_LOG_DIR,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return dir == -1 ? err_sys(e, AUDIT_LOG_DIR) : node_key_make(dir, e);
}

static struct audit_log *
open_log(const struct audit_log_options *o, char **broken, struct err *e)
{
	struct audit_log *l = NULL;

	for (int i = 0; i < WRITER_TRIES; i++) {
		l = audit_log_open(AT_FDCWD, o, broken, e);
		if (l != NULL || e->code != ERR_BUSY)
			break;
		(void)poll(NULL, 0, WRITER_MS);
	}
	return l;
}

int
core_audit_open(struct core_audit *a, struct loop *loop, const char *boot,
    bool drop_when_full, uint64_t *refusals, struct err *e)
{
	const struct audit_log_options options = {
		.file_bytes = AUDIT_LOG_FILE_BYTES,
		.drop_when_full = drop_when_full,
		.boot = boot,
	};
	char *broken;

	*a = (struct core_audit){ .loop = loop, .refusals = refusals };
	a->log = open_log(&options, &broken, e);
	if (a->log == NULL)
		return -1;
	if (broken != NULL)
		core_log("audit log: %s", broken);
	free(broken);
	tell_checkpoint(a);
	return make_node_key(e);
}

void
core_audit_close(struct core_audit *a)
{
	if (a->log == NULL)
		return;
	loop_timer_stop(a->loop, &a->soon);
	loop_timer_stop(a->loop, &a->summary);
	loop_timer_stop(a->loop, &a->checkpoint);
	flush(a);
	say_checkpoint(a);
	audit_log_close(a->log);
	a->log = NULL;
}

/* ---- what is published, and what is refused ---- */

void
core_audit_published(struct core_audit *a, const struct prepare_program *p,
    audit_log_fn *fn, void *arg)
{
	static const char *const kinds[PREPARE_KINDS] = { "PROGRAM", "STORE",
		"FORGET" };
	struct value *v = new_record("publish");

	value_set_text(v, "type", kinds[p->kind]);
	value_set_text(v, "item_hash", p->hash);
	value_set_text(v, "digest", p->digest);
	value_set_text(v, "sender", p->sender);
	value_set_bool(v, "unverified", p->unverified);
	add(a, v, fn, arg);
}

void
core_audit_fetched(struct core_audit *a, const char *hash, const char *digest,
    uint64_t bytes, const char *server)
{
	struct value *v = new_record("fetched");

	value_set_text(v, "item_hash", hash);
	value_set_text(v, "digest", digest);
	record_parts_set(v, "bytes", bytes);
	value_set_text(v, "server", server);
	add(a, v, NULL, NULL);
}

static void
sum_up(void *arg)
{
	struct core_audit *a = arg;
	struct value *v = new_record("refusals"), *codes;

	codes = value_set_map(v, "codes");
	for (size_t i = 0; i < CORE_AUDIT_CODES; i++) {
		if (a->summed[i] > 0)
			record_parts_set(codes, err_code_name((enum err_code)i),
			    a->summed[i]);
		a->summed[i] = 0;
	}
	add(a, v, NULL, NULL);
}

/*
 * Anybody can ask for what is not there, and for the rest, as often as he
 * likes: that must not fill the disk.
 */
static bool
is_one_too_many(struct core_audit *a, enum err_code code)
{
	uint64_t second = clock_mono_ns() / CLOCK_SECOND;

	if (second != a->second)
		a->in_second = 0;
	a->second = second;
	return code == ERR_NOT_FOUND || code == ERR_AUTH ||
	    ++a->in_second > CORE_AUDIT_REFUSALS_MAX;
}

void
core_audit_refused(struct core_audit *a, const char *what, const char *hash,
    const struct err *why)
{
	struct value *v;

	a->refusals[why->code]++;
	if (is_one_too_many(a, why->code)) {
		a->summed[why->code]++;
		if (a->summary.place == 0)
			loop_timer_set(a->loop, &a->summary,
			    clock_mono_ns() + SUMMARY_NS, sum_up, a);
		return;
	}
	v = new_record("refused");
	value_set_text(v, "what", what);
	if (hash != NULL)
		value_set_text(v, "item_hash", hash);
	add_error(v, "error", why);
	add(a, v, NULL, NULL);
}

/* ---- runs ---- */

/* Once in each file: each file can be read by itself. */
static void
add_terms(struct core_audit *a, const struct core_assembly *assembly)
{
	uint64_t file = audit_log_file(a->log);
	struct core_audit_terms *t;
	unsigned slot;
	struct value *v;

	sscanf(assembly->digest, "%3x", &slot);
	t = &a->terms[slot % CORE_AUDIT_TERMS];
	if (t->file == file && strcmp(t->digest, assembly->digest) == 0)
		return;
	t->file = file;
	memcpy(t->digest, assembly->digest, sizeof(t->digest));
	v = new_record("terms");
	value_set_text(v, "digest", assembly->digest);
	value_set(v, "terms", value_copy(assembly->terms));
	add(a, v, NULL, NULL);
}

void
core_audit_admitted(struct core_audit *a, const struct core_audit_run *r,
    const struct core_assembly *assembly, audit_log_fn *fn, void *arg)
{
	struct value *v = new_record("admit");

	add_terms(a, assembly);
	add_run(v, r);
	value_set_text(v, "terms", assembly->digest);
	add(a, v, fn, arg);
}

void
core_audit_forget(struct core_audit *a, const void *arg)
{
	audit_log_forget(a->log, arg);
}

static enum verdict
judge(const struct core_audit_end *x)
{
	struct verdict_facts f = { .signal = 0 };
	enum verdict v;

	f.ours_failed = x->why != NULL && x->why->code == ERR_SYSTEM;
	f.not_started = x->exited == NULL;
	if (f.not_started || f.ours_failed)
		return verdict_of(&f);
	record_parts_facts(x->exited, x->left != NULL && x->left->complete, &f);
	v = verdict_of(&f);
	/* It ended well, and its caller has no whole reply of it. */
	if (v == VERDICT_OK && x->left != NULL && !x->left->complete)
		v = VERDICT_EXIT;
	return v;
}

static void
add_usage(struct value *v, const struct core_audit_end *x)
{
	struct value *u = record_parts_usage(v, x->exited);

	if (x->left != NULL) {
		record_parts_set(u, "bytes_in", x->left->bytes_in);
		record_parts_set(u, "bytes_out", x->left->bytes_out);
	}
	record_parts_set(u, "stdout_bytes", x->stdout_bytes);
	record_parts_set(u, "stderr_bytes", x->stderr_bytes);
}

static void
add_export(struct value *v, const struct core_audit_end *x)
{
	struct value *o;

	if (x->export == NULL && x->export_why == NULL)
		return;
	o = value_set_map(v, "export");
	if (x->export_why != NULL) {
		add_error(o, "error", x->export_why);
		return;
	}
	value_set_text(o, "digest", x->export);
	record_parts_set(o, "bytes", x->export_bytes);
}

enum verdict
core_audit_ended(struct core_audit *a, const struct core_audit_end *x)
{
	struct value *v = new_record("end");
	enum verdict verdict = judge(x);

	add_run(v, &x->run);
	value_set_text(v, "verdict", verdict_name(verdict));
	if (x->exited != NULL)
		record_parts_end(v, x->exited);
	if (x->why != NULL)
		add_error(v, "error", x->why);
	if (x->served > 0)
		record_parts_set(v, "calls", x->served);
	if (x->left != NULL && x->left->status != 0)
		value_set_int(v, "status", x->left->status);
	if (x->created != NULL) {
		record_parts_read_back(value_set_map(v, "limits"), x->created);
		record_parts_degraded(v, x->created->degraded);
		record_parts_phases(v, x->created);
	}
	if (x->exited != NULL)
		add_usage(v, x);
	add_export(v, x);
	add(a, v, NULL, NULL);
	return verdict;
}

/* ---- who joins a machine ---- */

static struct value *
new_exec(const char *kind, const struct core_audit_exec *x)
{
	struct value *v = new_record(kind);

	value_set_text(v, "run", x->run);
	value_set_text(v, "item_hash", x->hash);
	record_parts_set(v, "exec", x->number);
	return v;
}

void
core_audit_exec(struct core_audit *a, const struct core_audit_exec *x,
    const char *owner, const struct value *command, bool token,
    audit_log_fn *fn, void *arg)
{
	struct value *v = new_exec("exec", x);

	value_set_text(v, "owner", owner);
	value_set(v, "command", value_copy(command));
	value_set_text(v, "by", token ? "token" : "socket");
	add(a, v, fn, arg);
}

void
core_audit_exec_ended(struct core_audit *a, const struct core_audit_exec *x,
    const struct front_ended *how)
{
	const struct launch_exited end = { .end = how->end, .code = how->code };
	struct value *v = new_exec("exec_end", x);

	record_parts_end(v, &end);
	add(a, v, NULL, NULL);
}
