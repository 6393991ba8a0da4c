/* What one session wanted to be kept, for tests: and the session again. */
#ifndef TESTS_UNIT_SESSION_JOURNAL_H
#define TESTS_UNIT_SESSION_JOURNAL_H

#include "runtime/session_ops.h"

#define JOURNAL_INPUTS 1000
#define JOURNAL_EPOCHS 200

struct journal {
	char id[32];
	struct machine_config machine;
	struct session_cycles cycles;
	struct session_deadlines deadlines;
	struct session_taint taint;
	bool has_content;
	struct buf content[MACHINE_RANGES];
	struct {
		uint64_t index;
		struct merkle_hash machine;
		size_t first; /* of done */
	} epoch[JOURNAL_EPOCHS];
	size_t nepochs;
	struct session_done done[JOURNAL_INPUTS]; /* of all epochs */
	size_t ndone;
	struct {
		struct rollup_metadata metadata;
		struct buf payload;
	} input[JOURNAL_INPUTS];
	size_t ninputs; /* ever; the first ndone are done */
};

void journal_session(struct journal *, const struct session *);
void journal_input(struct journal *, const struct session_given *);
void journal_done(struct journal *, const struct session_done *,
    const struct buf content[MACHINE_RANGES]);
void journal_epoch(struct journal *, uint64_t index,
    const struct merkle_hash *machine);
void journal_taint(struct journal *, const struct session_taint *);

/* All of it; its machine is asked for last. */
void journal_restore(const struct journal *, struct sessions *);
void journal_fini(struct journal *);

#endif
