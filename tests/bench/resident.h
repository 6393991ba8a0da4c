/* A launcher that stays, and one machine that is decided and assembled. */
#ifndef TESTS_BENCH_RESIDENT_H
#define TESTS_BENCH_RESIDENT_H

#include "messages/aleph.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "runtime/assemble.h"
#include "runtime/launcher_link.h"
#include "runtime/spawn.h"
#include "runtime/store.h"

struct resident {
	struct store store;
	struct spawn spawn;
	struct launcher_link link;
	struct aleph_program program;
	struct decision decision;
	struct ceiling ceiling;
	struct assembly assembly;
};

/* Ends the program if anything is missing. */
void resident_open(struct resident *, const char *store, const char *message);
void resident_close(struct resident *);

void resident_die(const char *what, const struct err *)
    __attribute__((noreturn));

#endif
