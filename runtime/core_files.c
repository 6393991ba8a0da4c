#include <fcntl.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/frame.h"
#include "messages/launch_msgs.h"
#include "runtime/core.h"
#include "runtime/core_files.h"

#define FDS_MAX 2

struct core_files_question {
	struct core_files_question *next;
	enum files_type type, answer;
	uint32_t serial;
	struct buf body;
	size_t nfds;
	int fds[FDS_MAX];
	core_files_fn *fn; /* NULL: nobody waits */
	void *arg;
};

static void
free_question(struct core_files_question *q)
{
	for (size_t i = 0; i < q->nfds; i++)
		fd_close(&q->fds[i]);
	buf_fini(&q->body);
	free(q);
}

static struct core_files_question *
take_first(struct core_files *f)
{
	struct core_files_question *q = f->first;

	f->first = q->next;
	if (f->first == NULL)
		f->last = &f->first;
	return q;
}

static void
send(struct core_files *f, const struct core_files_question *q)
{
	frame_link_send(&f->link, q->type, q->serial, &q->body, q->fds,
	    q->nfds);
}

void
core_files_init(struct core_files *f, struct loop *loop,
    void (*back)(void *arg), void *arg)
{
	*f = (struct core_files){ .loop = loop,
		.link.sock = -1,
		.last = &f->first,
		.back = back,
		.arg = arg };
}

void
core_files_close(struct core_files *f)
{
	frame_link_close(&f->link);
	while (f->first != NULL)
		free_question(take_first(f));
}

/* ---- answers ---- */

static int
hear(void *arg, struct frame *frame, struct err *e)
{
	struct core_files *f = arg;
	struct core_files_question *q = f->first;
	struct err why;
	bool failed = frame->type == FILES_FAILED;

	if (q == NULL || q->serial != frame->serial ||
	    (!failed && frame->type != q->answer))
		return err_set(e, ERR_SYSTEM, "frame %u", frame->type);
	if (failed) {
		launch_msgs_get_error(&frame->body, &why);
		if (!buf_ok(&frame->body))
			return err_set(e, ERR_SYSTEM, "malformed frame");
	}
	(void)take_first(f);
	if (q->fn != NULL)
		q->fn(q->arg, failed ? NULL : frame, failed ? &why : NULL);
	free_question(q);
	return 0;
}

static void
gone(void *arg, const struct err *why)
{
	(void)arg;
	core_log("files: %s", why->text);
}

/* ---- questions ---- */

static struct core_files_question *
new_question(struct core_files *f, const struct core_files_ask *a,
    core_files_fn *fn, void *arg)
{
	struct core_files_question *q = calloc(1, sizeof(*q));

	invariant(q != NULL && a->nfds <= FDS_MAX);
	*q = (struct core_files_question){ .type = a->type,
		.answer = a->answer,
		.serial = ++f->serial,
		.fn = fn,
		.arg = arg };
	if (a->body != NULL)
		buf_add(&q->body, a->body->data, a->body->len);
	for (size_t i = 0; i < a->nfds; i++) {
		q->fds[i] = fcntl(a->fds[i], F_DUPFD_CLOEXEC, 0);
		invariant(q->fds[i] != -1);
		q->nfds++;
	}
	return q;
}

void
core_files_ask(struct core_files *f, const struct core_files_ask *a,
    core_files_fn *fn, void *arg)
{
	struct core_files_question *q = new_question(f, a, fn, arg);

	*f->last = q;
	f->last = &q->next;
	if (f->link.sock != -1)
		send(f, q);
}

void
core_files_forget(struct core_files *f, const void *arg)
{
	for (struct core_files_question *q = f->first; q != NULL; q = q->next)
		if (q->arg == arg)
			q->fn = NULL;
}

/* Those that are asked while back() runs come first, in their order; then what
 * the one before did not answer. */
int
core_files_attach(struct core_files *f, int sock, struct err *e)
{
	struct core_files_question *before = f->first;
	struct core_files_question **end = f->last;

	frame_link_close(&f->link);
	f->first = NULL;
	f->last = &f->first;
	if (frame_link_open(&f->link, f->loop, sock, hear, gone, f, e) == -1)
		return -1;
	f->back(f->arg);
	if (before == NULL)
		return 0;
	*f->last = before;
	f->last = end;
	for (; before != NULL; before = before->next)
		send(f, before);
	return 0;
}
