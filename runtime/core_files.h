/*
 * Core's conversation with cella-files (messages/files_msgs.h).  When that
 * process dies, what was asked of it is asked again of the next one, after
 * every state that was open is opened again: each request leads to the same, as
 * often as it is served.
 */
#ifndef RUNTIME_CORE_FILES_H
#define RUNTIME_CORE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages/files_msgs.h"
#include "messages/frame_link.h"

struct core_files_question;
struct err;

/* f: the answer, whose descriptors may be taken; NULL: why not. */
typedef void core_files_fn(void *arg, struct frame *f, const struct err *why);

struct core_files {
	struct loop *loop;
	struct frame_link link;
	uint32_t serial;
	struct core_files_question *first, **last; /* in order of asking */
	/* Somebody new has come: what he has to open is asked first. */
	void (*back)(void *arg);
	void *arg;
};

void core_files_init(struct core_files *, struct loop *,
    void (*back)(void *arg), void *arg);
void core_files_close(struct core_files *);
int core_files_attach(struct core_files *, int sock, struct err *);

/* Descriptors are borrowed; fn may be NULL. */
struct core_files_ask {
	enum files_type type, answer;
	const struct buf *body;
	const int *fds;
	size_t nfds;
};
void core_files_ask(struct core_files *, const struct core_files_ask *,
    core_files_fn *fn, void *arg);

/* Whoever has that argument hears of nothing any more. */
void core_files_forget(struct core_files *, const void *arg);

#endif
