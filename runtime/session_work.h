/* Between the files of session.h: what each of them does for the others. */
#ifndef RUNTIME_SESSION_WORK_H
#define RUNTIME_SESSION_WORK_H

#include "runtime/session_parts.h"

/* ---- session.c ---- */

/* The id's, or NULL; of a session, the index's. */
struct session *session_find(const struct sessions *, const char *id);
struct session_epoch *session_find_epoch(const struct session *, uint64_t);

/* False: somebody has it, and the call is answered. */
bool session_lock(struct session *, struct session_call *);

/* Whoever had it is answered, if he is still there. */
void session_unlock(struct session *, const struct session_answer *);

void session_answer(struct session_call *, const struct session_answer *);
void session_refuse(struct session_call *, enum grpc_status, const char *, ...)
    __attribute__((format(printf, 3, 4)));
void session_refuse_locked(struct session *, enum grpc_status, const char *,
    ...) __attribute__((format(printf, 3, 4)));

/* For good: no input and no query any more. */
void session_taint(struct session *, enum grpc_status, const char *);

/* It is forgotten. */
void session_remove(struct session *);

/* Whether an input, or a query, has room; else its call is answered. */
bool session_check_length(struct session *, const char *what, size_t len);
struct session_input *session_make_input(const struct rollup_metadata *,
    const void *payload, size_t len);

/* Behind those that wait. */
void session_add_input(struct session *, struct session_input *);

/* One of that id, with nothing in it. */
struct session *session_make(struct sessions *, const char *id);

/* ---- session_restore.c ---- */

void session_restore_opened(struct session *,
    const struct buf content[MACHINE_RANGES], const struct session_parts *);
void session_restore_failed(struct session *, enum grpc_status, const char *);
void session_restore_ready(struct session *);

/* ---- session_start.c ---- */

/* machine: its hash when the epoch begins. */
void session_start_epoch(struct session *, uint64_t index,
    const struct merkle_hash *machine);
void session_start_opened(struct session *, const struct machine_config *,
    const struct buf content[MACHINE_RANGES], const struct session_parts *);
void session_start_ready(struct session *, const struct session_yield *);

/* The id is free again, once the machine is gone. */
void session_start_give_up(struct session *, enum grpc_status, const char *);

/* ---- session_step.c ---- */

/* If the machine waits: it gets what is next. */
void session_step(struct session *);
void session_step_yielded(struct session *, const struct session_yield *);
void session_step_halted(struct session *);
void session_step_weighed(struct session *, const struct session_parts *);

/* Or it is not, and the input is an exception. */
void session_step_unfit(struct session *, const char *text);
void session_step_later(struct session *);

/* After an input, or a query: the machine waits again, with that state. */
void session_step_ready(struct session *, const struct session_parts *);

/* To the active epoch; taken over. */
void session_step_add_done(struct session *, struct session_done *);

/* While it runs, how far it is. */
void session_step_look(struct session *);

/* UINT64_MAX: none. */
void session_step_timer(struct session *, uint64_t at_ns);

/* So many milliseconds after a time; UINT64_MAX: never. */
uint64_t session_step_after(uint64_t ns, uint64_t ms);

/* ---- session_inspect.c ---- */

/* The query is answered, or fails with the session. */
void session_inspect_end(struct session *);
void session_inspect_fail(struct session *, enum grpc_status, const char *);

/* ---- session_finish.c, session_end.c ---- */

/* The machine waits, and the epoch is to be stored. */
void session_finish_store(struct session *);
void session_finish_stored(struct session *, enum grpc_status, const char *);
void session_finish_late(struct session *);

/* Its session is tainted; nothing if nobody finishes an epoch. */
void session_finish_fail(struct session *, enum grpc_status, const char *);
void session_end_stopped(struct session *);

/* ---- session_yield.c ---- */

enum session_verdict {
	SESSION_GOES_ON,
	SESSION_ACCEPTS,
	SESSION_SKIPS,  /* result.status says why */
	SESSION_TAINTS, /* it is done */
};

/* What a yield of the machine means, for what it has. */
enum session_verdict session_yield_take(struct session *,
    const struct session_yield *);

/* Whether it waits as it must at the start; the text says what is wrong. */
enum grpc_status session_yield_check(const struct session_yield *,
    char text[SESSION_TEXT]);

#endif
