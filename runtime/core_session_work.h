/* Between the files of core_session.h: what each of them does for the others.
 */
#ifndef RUNTIME_CORE_SESSION_WORK_H
#define RUNTIME_CORE_SESSION_WORK_H

#include "runtime/core_session_parts.h"

struct core_session *core_session_new(struct core_sessions *, struct session *);
void core_session_free(struct core_session *);

/* ---- core_session_load.c ---- */

/* As session_ops.h. */
void core_session_load(void *owner, struct session *, const char *directory);

/* A state that was open is opened again. */
void core_session_reopen(struct core_session *);

/* What only loading needs goes. */
void core_session_end_load(struct core_session *);

/* It is over, and nothing of it runs: recorded, if it was admitted. */
void core_session_record_end(struct core_session *);

/* parts: of an answer (files_msgs.h). */
bool core_session_get_parts(struct buf *, struct session_parts *);

/* ---- core_session_drive.c ---- */

/* A new machine on what is committed, until it waits. */
void core_session_start_machine(struct core_session *, enum core_session_phase);

void core_session_give(void *owner, struct session *,
    const struct session_given *);
void core_session_go_on(void *owner, struct session *);
uint64_t core_session_cycles(void *owner, struct session *);

/* It is given what it was given already, or something new. */
void core_session_say(struct core_session *, const struct session_given *);

/* Of vouchers, notices and reports: whether it may be, and DONE. */
enum channel_done core_session_check_output(const struct core_session *,
    uint32_t kind, size_t len);
void core_session_say_done(struct core_session *, enum channel_done,
    uint64_t index);

/* What has nobody to speak to goes. */
void core_session_leave_machine(struct core_session *);

/* It waits for the next one already: told as ready. */
void core_session_go_on_waiting(struct core_session *);

/* ---- core_session_state.c ---- */

/* Frozen: what it wrote is weighed.  Or hashed alone, while it lives. */
void core_session_ask_weigh(struct core_session *);
void core_session_ask_peek(struct core_session *, core_files_fn *, void *arg);
void core_session_weigh(void *owner, struct session *);
void core_session_apply(void *owner, struct session *);
void core_session_discard(void *owner, struct session *);
void core_session_store(void *owner, struct session *, const char *);
void core_session_stop(void *owner, struct session *);

/* ---- core_session_copies.c ---- */

/* FINISH, and it accepts. */
bool core_session_accepts(const struct channel_frame *);

/* A machine waits, and says with that whether a copy of it handles what comes.
 */
void core_session_copies_begin(struct core_session *,
    const struct channel_frame *);
void core_session_copies_given(struct core_session *);
void core_session_copies_finished(struct core_session *,
    const struct channel_frame *);

/* What the copy did is undone by its end. */
bool core_session_copies_undo(const struct core_session *);

/* Its end is waited for: then the next input may come, in this machine or, if
 * it cannot go on, in a new one. */
void core_session_copies_settle(struct core_session *);

/* Its end is waited for, to be weighed; false: there is none. */
bool core_session_copies_freeze(struct core_session *);

/* SETTLED; false: it may not say so now. */
bool core_session_copies_settled(struct core_session *);
void core_session_copies_end(struct core_session *);

/* ---- core_session_replay.c ---- */

/* A kept machine waits for the first time: what it accepted before runs again,
 * and then it is ready. */
void core_session_replay_begin(struct core_session *);
void core_session_replay_heard(struct core_session *,
    const struct channel_frame *);
void core_session_replay_end(struct core_session *);

/* What runs again does something else: the session is tainted. */
void core_session_replay_differs(struct core_session *, const char *how);

/* After the last: core_session_drive.c goes on. */
void core_session_replayed(struct core_session *);

/* ---- core_session_keep.c ---- */

int core_session_keep_session(void *owner, struct session *, struct err *);
int core_session_keep_input(void *owner, struct session *,
    const struct session_given *, struct err *);
int core_session_keep_done(void *owner, struct session *,
    const struct session_done *, const struct buf content[MACHINE_RANGES],
    struct err *);
int core_session_keep_epoch(void *owner, struct session *, struct err *);
void core_session_keep_taint(void *owner, struct session *,
    const struct session_taint *);
int core_session_keep_end(void *owner, struct session *, struct err *);

/* Those that the journal has. */
int core_session_restore(struct core_sessions *, struct err *);

#endif
