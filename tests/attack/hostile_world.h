/* A launcher to talk to, and a machine that it could start. */
#ifndef TESTS_ATTACK_HOSTILE_WORLD_H
#define TESTS_ATTACK_HOSTILE_WORLD_H

#include "base/buf.h"
#include "messages/aleph.h"
#include "messages/frame.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "runtime/assemble.h"
#include "runtime/launcher_link.h"
#include "runtime/spawn.h"
#include "runtime/store.h"

extern const char *hostile_world_store, *hostile_world_message;

/* A launcher and, where a case wants it, a machine that could run. */
struct world {
	struct spawn spawn;
	struct launcher_link link;
	struct ceiling ceiling;
	struct store store;
	struct aleph_program program;
	struct decision decision;
	struct assembly assembly;
	struct machine *m;
	int fds[FRAME_FDS_MAX];
	size_t nfds;
	struct buf body;
};

void hostile_world_die(const char *what, const struct err *)
    __attribute__((noreturn));

void hostile_world_start(struct world *);

/* The ceiling, and waits for the answer. */
void hostile_world_say_ceiling(struct world *);

/* The message, decided and assembled; its descriptors in order. */
void hostile_world_prepare(struct world *);

/* All three. */
void hostile_world_ready(struct world *);

/* With the body and the descriptors that are there. */
void hostile_world_send_frame(struct world *, uint32_t type, uint32_t serial);
void hostile_world_send_machine(struct world *, uint32_t tenant,
    uint32_t serial);

/* Prints what it answers, and whether it still serves. */
void hostile_world_hear(struct world *, const char *name);
void hostile_world_end(struct world *);

#endif
