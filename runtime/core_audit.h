/*
 * What a node tells its audit log (docs/audit.md): what was published, what
 * was refused, and of every run that it was admitted, before anything of it is
 * started, and how it ended.
 */
#ifndef RUNTIME_CORE_AUDIT_H
#define RUNTIME_CORE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "policy/verdict.h"
#include "runtime/audit_log.h"

struct core_assembly;
struct front_ended;
struct front_left;
struct launch_created;
struct launch_exited;
struct prepare_program;
struct value;

#define CORE_AUDIT_TERMS 1024 /* terms that are known to be in the file */
#define CORE_AUDIT_REFUSALS_MAX \
	50 /* a second, one by one; the rest summed up */
#define CORE_AUDIT_CODES (ERR_SYSTEM + 1)

struct core_audit {
	struct loop *loop;
	struct audit_log *log;
	struct loop_timer soon, summary, checkpoint;
	bool failing;
	uint64_t told; /* the last record that a checkpoint told */
	uint64_t second;
	unsigned in_second; /* refusals */
	uint64_t summed[CORE_AUDIT_CODES];
	uint64_t *refusals; /* counted for metrics.h, by code */
	struct core_audit_terms {
		uint64_t file;
		char digest[65];
	} terms[CORE_AUDIT_TERMS];
};

/* In the working directory.  refusals: CORE_AUDIT_CODES counters, borrowed. */
int core_audit_open(struct core_audit *, struct loop *, const char *boot,
    bool drop_when_full, uint64_t *refusals, struct err *);
void core_audit_close(struct core_audit *);

/* fn is called when the record is on the disk, or with why it is not. */
void core_audit_published(struct core_audit *, const struct prepare_program *,
    audit_log_fn *fn, void *arg);

/* What: "publish" or "run"; hash NULL: it was not known yet. */
void core_audit_refused(struct core_audit *, const char *what, const char *hash,
    const struct err *why);

/* What one run is, in every record of it. */
struct core_audit_run {
	const char *run, *hash, *owner, *trigger;
	const char *key; /* name of the caller's; "": none */
	uint64_t job;    /* 0: none */
	const struct grant
	    *life; /* of one for many calls; NULL: as the terms say */
};
void core_audit_admitted(struct core_audit *, const struct core_audit_run *,
    const struct core_assembly *, audit_log_fn *fn, void *arg);

/* Nobody is called for it any more; its record comes all the same. */
void core_audit_forget(struct core_audit *, const void *arg);

/* A server had what the node had not. */
void core_audit_fetched(struct core_audit *, const char *hash,
    const char *digest, uint64_t bytes, const char *server);

struct core_audit_end {
	struct core_audit_run run;
	const struct err
	    *why; /* it did not come to an end of its own; or NULL */
	const struct launch_created *created; /* NULL: nothing was started */
	const struct launch_exited *exited;   /* NULL: nothing ran */
	const struct front_left *left;        /* NULL: nobody saw its reply */
	unsigned served;                      /* calls, of one for many */
	uint64_t stdout_bytes, stderr_bytes;
	const char *export; /* digest; NULL: none */
	uint64_t export_bytes;
	const struct err *export_why; /* NULL: nothing went wrong with it */
};
enum verdict core_audit_ended(struct core_audit *,
    const struct core_audit_end *);

/* A program that the operator lets join a machine, in every record of it. */
struct core_audit_exec {
	uint64_t number; /* of this core's life */
	const char *run, *hash;
};
/* command: a list of texts; token: asked for with it, not by the socket. */
void core_audit_exec(struct core_audit *, const struct core_audit_exec *,
    const char *owner, const struct value *command, bool token,
    audit_log_fn *fn, void *arg);
void core_audit_exec_ended(struct core_audit *, const struct core_audit_exec *,
    const struct front_ended *);

/* For who watches from outside: the caller frees. */
struct value *core_audit_state(const struct core_audit *);

#endif
