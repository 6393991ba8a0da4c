/*
 * The functions that were asked for lately, ready to be launched: machine and
 * descriptors, as a preparer made them.  Whoever wants one that another is
 * waiting for waits with it, so that two cold starts share the work.
 */
#ifndef RUNTIME_CORE_PROGRAM_H
#define RUNTIME_CORE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/item_hash.h"
#include "policy/machine.h"
#include "runtime/core_prepare.h"

struct core_program;
struct value;
struct err;
struct journal;

/* One machine's worth; counted by its users, and gone with the last. */
struct core_assembly {
	struct core_programs *all;
	unsigned users;
	struct prepare_assembled facts;
	struct core_prepare_made made;
	struct machine machine;
	struct core_tenant *tenant;
	struct value *terms;            /* what was asked and decided */
	char digest[65];                /* of the terms */
	char owner[PREPARE_SENDER_MAX]; /* whose machines these are */
	int args;
	int source[MACHINE_MOUNTS_MAX];
};

/* a is given to the callee, who gives it back; NULL: why not. */
typedef void core_program_fn(void *arg, struct core_assembly *a,
    const struct err *why);

#define CORE_PROGRAM_BUCKETS 256
#define CORE_PROGRAM_KEPT 256    /* assemblies that nobody uses now */
#define CORE_PROGRAM_TENANTS 200 /* launcher.c holds some more */

/* Whose machines share ids on the host. */
struct core_tenant {
	char *name; /* NULL: free */
	uint32_t number;
	unsigned users;
	uint64_t used_last;
};

struct core_programs {
	struct core_prepare *prepare;
	struct journal *journal;
	struct core_program *bucket[CORE_PROGRAM_BUCKETS];
	struct core_program *newest, *oldest;
	size_t len;
	uint32_t last_tenant;
	uint64_t clock; /* of uses */
	struct core_tenant tenant[CORE_PROGRAM_TENANTS];
};

void core_program_init(struct core_programs *, struct core_prepare *,
    struct journal *);
void core_program_fini(struct core_programs *);

/* fn is called once, now or later. */
void core_program_want(struct core_programs *, const char *hash,
    core_program_fn *fn, void *arg);

/* The same of a machine that sessions have, which nobody published: its row is
 * what a preparer read. */
struct prepare_program;
void core_program_want_machine(struct core_programs *,
    const struct prepare_program *, core_program_fn *fn, void *arg);

/* It was asked for lately: true, and what its message says of it. */
bool core_program_knows(const struct core_programs *, const char *hash,
    uint8_t *interface, bool *persistent);

/* What was asked and decided at its last launch, or NULL; borrowed. */
const struct value *core_program_terms(const struct core_programs *,
    const char *hash);

/* What references stand for has changed: the next launch looks again. */
void core_program_refresh(struct core_programs *);

/* Its owner took it back: nobody gets it any more. */
void core_program_forget(struct core_programs *, const char *hash);

void core_program_give_back(struct core_assembly *);

#endif
